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

#: Name → providers whose failure takes the platform down, its own included, with where that is known from. Spread over
#: several that stand in for each other counts as none of them.
FOUNDATIONS: dict[str, tuple[frozenset[str], str]] = {
    "netlify": (
        frozenset({"netlify"}),
        "https://www.netlify.com/blog/2018/05/14/how-netlify-migrated-to-a-fully-multi-cloud-infrastructure/",
    ),
    "aws": (frozenset({"aws"}), "https://aws.amazon.com/cloudfront/"),
    "vercel": (frozenset({"vercel", "aws"}), "https://vercel.com/docs/regions"),
    "firebase": (frozenset({"google"}), "https://firebase.google.com/support/faq"),
    "azure": (frozenset({"azure"}), "https://learn.microsoft.com/azure/static-web-apps/overview"),
    "gitlab": (
        frozenset({"gitlab", "google"}),
        "https://about.gitlab.com/handbook/engineering/infrastructure/production/architecture/",
    ),
}
