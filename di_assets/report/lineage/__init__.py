"""Traces a figure back to the events behind it."""
