"""The asset graph: thin Dagster wrappers. Each asset reads, calls one function and returns."""
