"""Credentials that lie in published files, found by Kingfisher's rules: https://github.com/mongodb/kingfisher.

It runs in this process, asks no network, and never hands out what it found.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kingfisher_sdk import DetectionPolicy, Rules, ScanInput, Scanner

_DO = (
    "Take it out and replace it, for it may have been seen already. If it is no secret, write kingfisher:ignore into a "
    "comment of that line."
)


class Secrets:
    """Searches files. ``cache`` is a folder for the compiled rules: making them takes seconds, once a machine."""

    def __init__(self, cache: Path) -> None:
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Comments of a page are published too.
        policy = DetectionPolicy(markup_context=False)
        self._scanner = Scanner(Rules(cache_dir=cache), redact=True, policy=policy)

    def found(self, path: str, content: bytes) -> Iterator[tuple[int, str]]:
        """Line and text of each credential in a file; the text tells its kind only."""
        for finding in self._scanner.scan_input(ScanInput(path=path, data=content)):
            if finding.visible:
                kind = finding.rule_id.rpartition(".")[2]
                yield finding.location["line"], f"holds what looks like a credential ({kind}). {_DO}"
