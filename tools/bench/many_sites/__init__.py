"""Many sites at once by way of the local forges: a push and a coordinator for each, and runners that share them."""
