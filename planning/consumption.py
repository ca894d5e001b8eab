"""How much of each item a platform or the edge uses: a part that is always there, and a part for each visit."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from planning.assumptions import Assumption
from planning.mistakes import refuse, sentences
from planning.prices import DAYS
from planning.traffic import GB, Load

FILE = Path(__file__).with_name("consumption.toml")
Mode = Literal["load-balancer", "worker"]
Assumed = Mapping[str, Assumption]

_NAMES = {
    *("probe_bytes", "changed_share", "compute_minutes", "origin_share", "dns_queries", "key_reads", "busiest_day"),
    *("site_megabytes", "site_files", "worker_checks"),
}
#: Data centres of one region: https://developers.cloudflare.com/load-balancing/monitors/ (regions)
CENTRES = 3
_DAY = 86_400
#: As in publisher/verification.py; a test holds them to it.
PASSES, ALL_BELOW, MOST_CHANGED, SAMPLE = 2, 500, 500, 100
#: Beside files: the front page's second address, its release file and a path that does not exist.
_MORE_PATHS = 3
#: Calls of a CloudFront function for one request: viewer request and viewer response.
_CALLS = 2
_KEYS_A_CALL = 50
#: Calls at each publication beside those with paths: the store's version, and the pointer.
_POINTER_CALLS = 2
_YEAR = 12
#: From this interval on, seconds, checks cost nothing more.
_SLOW = 60


@dataclass(frozen=True)
class Declared:
    """What of a stack bears on its cost."""

    hosts: tuple[str, ...]
    plans: Mapping[str, str]
    """Platform → plan, as in prices.toml; empty where it has one only."""
    mode: Mode
    interval: int
    """Seconds between two checks from one place."""
    regions: int
    keep: int
    """Releases kept, the live one included."""


@dataclass(frozen=True)
class Use:
    """Units a month: ``standing + each_visit × visits``."""

    standing: Decimal = Decimal(0)
    each_visit: Decimal = Decimal(0)

    def at(self, visits: Decimal) -> Decimal:
        """Units for that many visits."""
        return self.standing + self.each_visit * visits

    def times(self, factor: Decimal | int) -> Use:
        """Everything multiplied."""
        return Use(self.standing * factor, self.each_visit * factor)

    def __add__(self, other: Use) -> Use:
        return Use(self.standing + other.standing, self.each_visit + other.each_visit)


def load(path: Path = FILE) -> Assumed:
    """The assumptions by name. Raises DataError with every mistake."""
    raw = tomllib.loads(path.read_text("utf-8"))
    mistakes = [f"[{name}]: is missing; the model needs it" for name in sorted(_NAMES - raw.keys())]
    mistakes += [f"[{name}]: is nothing the model uses; remove it" for name in sorted(raw.keys() - _NAMES)]
    found: dict[str, Assumption] = {}
    for name, value in raw.items():
        try:
            found[name] = Assumption.model_validate(value)
        except ValidationError as error:
            mistakes += sentences(f"[{name}]", error)
    refuse(path, mistakes)
    return found


def number(assumed: Assumed, name: str) -> Decimal:
    """An assumed value, exactly as written in the file."""
    return Decimal(str(assumed[name].value))


def checks(declared: Declared, load: Load, assumed: Assumed) -> Decimal:
    """Health checks that each platform gets in a month, whoever serves; a Worker's are made behind visits."""
    if declared.mode == "worker":
        return load.visits * number(assumed, "worker_checks")
    return DAYS * _DAY / declared.interval * CENTRES * declared.regions


def verified_paths(load: Load, changed_share: Decimal) -> Decimal:
    """Paths that one publication asks of each platform, in one pass."""
    if load.files < ALL_BELOW:
        return load.files + _MORE_PATHS
    return min(Decimal(MOST_CHANGED), changed_share * load.files) + SAMPLE + _MORE_PATHS


def of_platform(declared: Declared, load: Load, assumed: Assumed) -> dict[str, Use]:
    """What one platform uses a month, by item, where it serves the visits given to it."""
    changed = number(assumed, "changed_share")
    asked = load.deploys * PASSES * verified_paths(load, changed)
    mean_file = load.site_gigabytes / load.files if load.files else Decimal(0)
    passed_on = 1 - (load.cached if declared.mode == "load-balancer" else Decimal(0))
    probes = checks(declared, load, assumed)
    probe_bytes = probes * number(assumed, "probe_bytes") / GB
    requests = Use(probes + asked, load.requests * passed_on)
    changed_files = max(Decimal(1), changed * load.files)
    calls = (changed_files / _KEYS_A_CALL).to_integral_value(rounding="ROUND_CEILING") + _POINTER_CALLS
    return {
        "subscription": Use(Decimal(1)),
        "traffic": Use(probe_bytes + asked * mean_file, load.gigabytes * passed_on),
        "requests": requests,
        "deploys": Use(load.deploys),
        "uploads": Use(load.deploys * changed_files),
        "compute": Use(load.deploys * number(assumed, "compute_minutes")),
        "function-calls": requests.times(_CALLS),
        "key-reads": requests.times(number(assumed, "key_reads")),
        "key-writes": Use(load.deploys * calls),
        "origin-reads": requests.times(number(assumed, "origin_share")),
        **_stored(declared, load, changed),
    }


def _stored(declared: Declared, load: Load, changed: Decimal) -> dict[str, Use]:
    """Gigabytes that a platform keeps: each release whole, or what changed only."""
    one = load.site_gigabytes
    return {
        "storage": Use(one * declared.keep),
        "storage-of-changes": Use(one * (1 + changed * (declared.keep - 1))),
        # The history after a year, and the archive that Pages was made from last.
        "repository": Use(one * (2 + changed * load.deploys * _YEAR)),
    }


def of_edge(declared: Declared, load: Load, assumed: Assumed) -> dict[str, Use]:
    """What the edge uses a month, by item."""
    return {
        "subscription": Use(Decimal(1)),
        "endpoints": Use(Decimal(len(declared.hosts))),
        "regions": Use(Decimal(declared.regions)),
        "fast-checks": Use(Decimal(1 if declared.interval < _SLOW else 0)),
        "dns-queries": Use(each_visit=number(assumed, "dns_queries")),
        "worker-requests": Use(each_visit=load.requests),
    }
