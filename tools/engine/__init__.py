"""Finds or makes the Pulumi engine and the Python language host that it needs."""
