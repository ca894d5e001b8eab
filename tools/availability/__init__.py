"""What the declared stack can reach: ``make availability``."""
