"""How the coordinator's work can fail."""

from __future__ import annotations

import click


class Refused(click.ClickException):
    """It cannot start; the text says what, why and what to do."""


class Unreachable(Exception):
    """Cloudflare cannot be asked, or refuses; the text says why, without any secret. Nothing was concluded from it."""
