"""Git repositories that the twins of forges serve, by Git's own programs."""
