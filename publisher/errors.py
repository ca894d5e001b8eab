"""Everything that can go wrong while a release is published.

PublisherError
├── PlatformRefused       the platform said no and will say no again (bad token, quota, locked site)
├── PlatformUnavailable   the platform did not answer usefully until the time budget was spent
├── ReleaseGone           the platform no longer has the release to go back to
├── LimitExceeded         the release breaks a declared limit; raised before the first byte is sent
├── StagedDiffers         the staged copy is not the release; nothing was published
└── VerifyFailed          the public origin does not serve the release
"""

from __future__ import annotations

from collections.abc import Sequence


class PublisherError(Exception):
    """Base of all; its text is what the user reads: what, why, what to do."""


class PlatformRefused(PublisherError):
    """The platform refused a request in a way that a retry cannot heal."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class PlatformUnavailable(PublisherError):
    """Retries were spent; the old release stays live and the next run goes on."""


class ReleaseGone(PublisherError):
    """The release cannot be made live without its files."""

    def __init__(self, platform: str, release: str, kept: Sequence[str]) -> None:
        there = f"It has {', '.join(dict.fromkeys(kept))}" if kept else "It has none"
        super().__init__(
            f"{platform} does not keep release {release} any more. {there}. Set `release` to one that every platform "
            "keeps (`make releases` lists them), or remove the setting and publish the content anew. Nothing was "
            "changed there."
        )
        self.kept = tuple(kept)


class LimitExceeded(PublisherError):
    """A declared limit of the platform, its value, and what the release needs."""


class _Differences(PublisherError):
    """Names what differs, path by path, ten at the most."""

    def __init__(self, headline: str, differences: Sequence[str]) -> None:
        shown = [f"  - {difference}" for difference in differences[:10]]
        if len(differences) > len(shown):
            shown.append(f"  … and {len(differences) - len(shown)} more")
        super().__init__("\n".join([headline, *shown]))
        self.differences = tuple(differences)


class StagedDiffers(_Differences):
    """The staged copy was asked and answered something else; the pointer did not move."""


class VerifyFailed(_Differences):
    """The public origin still answered something else at the deadline."""
