"""Checks content before anything is uploaded: what ``make check`` does, and the gate in ``make up``."""
