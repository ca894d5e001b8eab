"""Asks the services what they know of the tokens that pipelines are given: until when, and what for."""
