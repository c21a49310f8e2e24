"""Measures -> claims, sentences, summary.json and figures; and what the pages read."""
