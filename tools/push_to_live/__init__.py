"""From a push to the live page on local forges and platforms, with the seconds of each step."""
