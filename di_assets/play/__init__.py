"""Episodes and batches in flight: concurrency, budget, journal, replay."""
