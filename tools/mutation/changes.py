"""What mutmut says of the changes it made, and which of them are explained.

https://mutmut.readthedocs.io
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

EXPLAINED = Path(__file__).parent / "explained.toml"
_LISTED = re.compile(r"^\s+(\S+__mutmut_\d+): (.+)$", re.MULTILINE)
_NAMED = re.compile(r"^(?P<module>.+)\.x(?:_|ǁ(?P<kind>\w+)ǁ)(?P<function>\w+)__mutmut_\d+$")
#: A change after which the code does not end is noticed by that.
_NOTICED = frozenset({"killed", "timeout"})


@dataclass(frozen=True, order=True)
class Change:
    """Lines of one function, and what they became; several lines are one text."""

    file: str
    function: str
    line: str
    becomes: str


@dataclass(frozen=True)
class Outcome:
    """What came of a whole run."""

    tried: int
    unnoticed: Sequence[tuple[str, Change]]
    """mutmut's name of each change that no test noticed, and the change."""
    explanations: Mapping[Change, str]

    @property
    def unexplained(self) -> list[tuple[str, Change]]:
        """Those that nobody has explained."""
        return [(name, found) for name, found in self.unnoticed if found not in self.explanations]

    @property
    def stale(self) -> list[Change]:
        """What is explained although a test notices it, or the code is another one."""
        return sorted(set(self.explanations) - {found for _, found in self.unnoticed})


def explanations(path: Path = EXPLAINED) -> dict[Change, str]:
    """Changes that no test can notice, each with the reason. Raises ValueError for one without."""
    found: dict[Change, str] = {}
    for one in tomllib.loads(path.read_text("utf-8")).get("explained", []):
        for becomes in one["becomes"]:
            change = Change(one["file"], one["function"], one["line"], becomes)
            if change in found:
                raise ValueError(f"{path}: {change.function}, {becomes!r}: explained twice; keep one")
            if not one["reason"].strip():
                raise ValueError(f"{path}: {change.function}, {becomes!r}: without a reason; write it")
            found[change] = one["reason"]
    return found


def verdicts(results: str) -> dict[str, str]:
    """Name of each change → what became of it, from ``mutmut results --all true``."""
    return dict(_LISTED.findall(results))


def unnoticed(found: Mapping[str, str]) -> list[str]:
    """Names of the changes that no test has noticed, whether one could not or none was run."""
    return [name for name, verdict in found.items() if verdict not in _NOTICED]


def change(name: str, shown: str) -> Change:
    """What a change is, from ``mutmut show``. Raises ValueError for a name that is none."""
    parts = _NAMED.match(name)
    if parts is None:
        raise ValueError(f"{name!r} is no name of a change as mutmut gives them")
    lines = [line for line in shown.splitlines() if not line.startswith(("---", "+++"))]
    old, new = (" ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    function = ".".join(filter(None, (parts["kind"], parts["function"])))
    return Change(f"{parts['module'].replace('.', '/')}.py", function, old, new)


def told(outcome: Outcome, *, whole: bool) -> str:
    """A run's outcome as a user reads it; only one of the ``whole`` code can say what is explained in vain."""
    missing, stale = outcome.unexplained, outcome.stale if whole else []
    noticed = outcome.tried - len(outcome.unnoticed)
    said = [
        f"{noticed:,} of {outcome.tried:,} changes were noticed by a test; "
        f"{len(outcome.unnoticed) - len(missing)} others are explained, {len(missing)} are not."
    ]
    said += [f"{_shown(found)}\n    see it: python -m mutmut show {name}" for name, found in missing]
    said += [f"{_shown(found)}\n    is explained, but not there or noticed; take it out" for found in stale]
    return "\n".join(said)


def _shown(found: Change) -> str:
    return f"{found.file}, {found.function}\n    - {found.line}\n    + {found.becomes}"


def outcome(found: Mapping[str, str], shown: Iterable[tuple[str, str]], known: Mapping[Change, str]) -> Outcome:
    """A run's outcome from the verdicts, and what mutmut shows of each change that was not noticed."""
    return Outcome(len(found), [(name, change(name, text)) for name, text in shown], known)
