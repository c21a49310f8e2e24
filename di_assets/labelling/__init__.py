"""Labels that a rule can't give: a model's and a person's, kept where they can't be lost, and joined into a table."""
