"""What the reader page shows of an episode."""
