"""Labels that a rule can't give, by models and persons: stored safely, and joined into a table."""
