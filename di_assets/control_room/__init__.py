"""Dagster as it runs: its instance, its runs, and the two servers."""
