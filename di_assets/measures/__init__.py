"""The measures: pure functions that take Polars frames and return one frame. Each file holds one idea."""
