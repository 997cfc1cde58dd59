"""Use cases in which a rule lives."""
