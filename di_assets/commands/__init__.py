"""The verbs of `di`, a module a task."""
