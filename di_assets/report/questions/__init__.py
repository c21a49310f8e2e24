"""The questions of the report."""
