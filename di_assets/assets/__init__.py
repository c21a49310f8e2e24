"""Thin Dagster wrappers: read, call one function, return."""
