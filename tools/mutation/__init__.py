"""Small changes to policies and guards, and what the tests notice of them."""
