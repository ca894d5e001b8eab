"""Why there is no engine."""

from __future__ import annotations


class EngineMissing(Exception):
    """One way of getting the engine did not work, or none did; the text says why and what to do."""
