"""How far the arms are, and what they still need."""
