"""What a reader of an episode sees."""
