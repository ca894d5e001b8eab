"""What the rest of the program knows of a hosting platform."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class Origin:
    """One place that serves the site; made by a host component, used by the edge, the verifier and the exports.

    Every value comes from an output of the platform's own resource, never from a composed name.
    """

    name: str
    """Short name of the platform, as in ``platforms.PLATFORMS``."""
    hostname: pulumi.Output[str]
    """Public DNS name; the edge connects to it on port 443."""
    host_header: pulumi.Output[str]
    """``Host`` header (and TLS server name) under which the platform serves the site."""
    url: pulumi.Output[str]
    """``https://…`` address of the site on this platform, without a trailing slash."""
    sends_headers: bool = True
    """Whether the platform can send the site's headers; else the edge sets them, as it must for all then."""
    adds_slash: bool = True
    """Whether it leads visitors of a folder without its slash to the one with it; else the edge does."""
