"""Local twins of the hosting platforms, one for each, found by name."""
