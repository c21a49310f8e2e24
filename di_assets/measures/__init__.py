"""The measures: pure functions, Polars frames in, one frame out, one idea a file."""
