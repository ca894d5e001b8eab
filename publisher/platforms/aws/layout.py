"""How a release lies in S3 and in the KeyValueStore; the CloudFront function (aws_router.js) reads the same layout.

Objects are content-addressed and never overwritten. The store maps each path to its objects by generation, newest
first; the key ``live`` names the generation that visitors get, so that one key moves the whole site.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from publisher.errors import LimitExceeded
from website import File, Site

#: Quotas: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
MAX_KEY_BYTES = 512
MAX_VALUE_BYTES = 1024
MAX_STORE_BYTES = 5 * 1024 * 1024
MAX_RULE_CHUNKS = 20
"""Rules are read one chunk after the other for each unknown path; more would cost too much of a function's time."""
LIVE = "live"
RELEASES = "releases"
GONE = "-"


def object_id(file: File) -> str:
    """Name of a file's object: a digest of bytes, media type and caching header (22 base64url characters)."""
    return _short_digest(f"{file.sha256}|{file.media_type}|{file.cache_control}")


@functools.lru_cache(maxsize=100_000)
def _short_digest(text: str) -> str:
    """Remembered: a run asks five times for each file."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()[:22]


def object_keys(site: Site) -> dict[str, File]:
    """S3 key → file of everything the release needs; equal files share one key."""
    keys = {f"objects/{object_id(file)}": file for file in site.files.values()}
    if site.rules.not_found:
        missing = site.files[site.rules.not_found]
        keys[f"not-found/{object_id(missing)}"] = missing
    return keys


@dataclass(frozen=True)
class Live:
    """Value of ``live``."""

    generation: int
    release: str
    files: int
    forced: int
    unforced: int
    headers: int
    not_found: str

    def __str__(self) -> str:
        figures = (self.generation, self.release, self.files, self.forced, self.unforced, self.headers, self.not_found)
        return " ".join(map(str, figures))

    @staticmethod
    def parse(text: str) -> Live:
        """Read what ``str`` wrote; raises ValueError for anything else."""
        generation, release, files, forced, unforced, headers, not_found = text.split(" ")
        return Live(int(generation), release, int(files), int(forced), int(unforced), int(headers), not_found)


def entries(text: str | None) -> list[tuple[int, str]]:
    """(generation, object) of a path's value, newest first."""
    parts = (part.partition(":") for part in (text or "").split(" ") if part)
    return [(int(generation), found) for generation, _, found in parts]


def entry_text(pairs: Iterable[tuple[int, str]]) -> str:
    """Value of a path."""
    return " ".join(f"{generation}:{found}" for generation, found in pairs)


def seen_at(text: str | None, generation: int) -> str:
    """Object of a path at a generation; ``GONE`` where it has none."""
    return next((found for number, found in entries(text) if number <= generation), GONE)


def release_paths(site: Site) -> dict[str, str]:
    """Key of each path → object id."""
    return {f"/{path}": object_id(file) for path, file in site.files.items()}


@dataclass(frozen=True)
class RuleKeys:
    """The rules of a release, as keys of the store without their generation."""

    values: Mapping[str, str]
    forced: int
    unforced: int
    headers: int

    def at(self, generation: int) -> dict[str, str]:
        """Keys of this generation."""
        return {f"rules/{generation}/{name}": value for name, value in self.values.items()}


def rule_keys(site: Site) -> RuleKeys:
    """Redirects and headers in chunks of at most 1 KB; the stack's floor comes first, so rules win over it."""
    redirects = [[rule.source, rule.target, rule.status, rule.force] for rule in site.rules.redirects]
    groups: dict[str, list[Sequence[object]]] = {
        "f": [rule[:3] for rule in redirects if rule[3]],
        "u": [rule[:3] for rule in redirects if not rule[3]],
        "h": [
            *(("/*", name, value) for name, value in site.rules.floor),
            *((rule.pattern, name, value) for rule in site.rules.headers for name, value in rule.headers),
        ],
    }
    values: dict[str, str] = {}
    counts: dict[str, int] = {}
    for kind, rules in groups.items():
        chunks = _chunks(rules)
        counts[kind] = len(chunks)
        values.update({f"{kind}{number}": chunk for number, chunk in enumerate(chunks)})
    return RuleKeys(values, counts["f"], counts["u"], counts["h"])


def _chunks(rules: Sequence[Sequence[object]]) -> list[str]:
    chunks: list[str] = []
    current: list[str] = []
    for rule in rules:
        text = json.dumps(list(rule), separators=(",", ":"))
        if current and len(f"[{','.join([*current, text])}]".encode()) > MAX_VALUE_BYTES:
            chunks.append(f"[{','.join(current)}]")
            current = []
        current.append(text)
    return [*chunks, f"[{','.join(current)}]"] if current else chunks


def check_limits(site: Site, keep: int) -> None:
    """Hold a release against the store's quotas, ``keep`` releases in it; raises LimitExceeded with all broken ones."""
    paths, rules = release_paths(site), rule_keys(site)
    broken = [
        f"the path {key} has {len(key.encode())} bytes, a key of the store {MAX_KEY_BYTES} at the most"
        for key in paths
        if len(key.encode()) > MAX_KEY_BYTES
    ]
    broken += [
        f"a rule of {len(value.encode()):,} bytes does not fit a value of {MAX_VALUE_BYTES:,}: shorten it"
        for value in rules.values.values()
        if len(value.encode()) > MAX_VALUE_BYTES
    ]
    if len(rules.values) > MAX_RULE_CHUNKS:
        broken.append(f"redirects and headers fill {len(rules.values)} KB, {MAX_RULE_CHUNKS} are possible: use fewer")
    # Every kept release can hold another object for each path.
    size = sum(len(key.encode()) + keep * 30 for key in paths)
    if size > MAX_STORE_BYTES:
        broken.append(
            f"the index of {len(paths):,} files can grow to {size:,} bytes, the store holds {MAX_STORE_BYTES:,}"
        )
    if broken:
        raise LimitExceeded(f"aws: {'; '.join(broken)}. Nothing was sent.")
