"""The hosting platforms, the edge and their Pulumi providers on your own machine, without any account."""
