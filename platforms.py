"""The one registry of hosting platforms.

A platform is three modules that bear its name: ``components/hosts/NAME.py`` (what is declared),
``publisher/platforms/NAME.py`` (how it is published) and ``sandbox/platforms/NAME`` (its local twin).
Adding one means those three, their tests, and one line here.
"""

from __future__ import annotations

#: Names in the default failover order: the first that is healthy serves the site.
PLATFORMS: tuple[str, ...] = (
    "vercel",
    "netlify",
    "aws",
    "firebase",
    "azure",
    "gitlab",
)
