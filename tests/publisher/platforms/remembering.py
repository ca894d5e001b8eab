"""A release as the stack's state remembers it: that is all a run has that goes back to it."""

from __future__ import annotations

from website import Manifest, Site


def remembered(site: Site) -> Site:
    """The site without bytes and sizes, its digests shortened."""
    return Manifest.of(site).site()
