"""What the checks found, and what they could not look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from website.checks.settings import DEFAULT_LEVELS, Checks, Level
from website.errors import printable

_GRAVITY: Final = {name: place for place, name in enumerate(DEFAULT_LEVELS)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake: where it stands, which check found it, and what to do about it."""

    path: str
    """Of the file in the site; ``.`` where it is the site as a whole."""
    line: int
    """Counted from 1; 0 where it is the whole file."""
    check: str
    level: Level
    text: str

    @property
    def place(self) -> str:
        """``path:line``, safe for a terminal."""
        return printable(f"{self.path}:{self.line}" if self.line else self.path)

    @property
    def rank(self) -> tuple[bool, int, str, int, str]:
        """Sorts the worst first, then by place."""
        return self.level != "error", _GRAVITY[self.check], self.path, self.line, self.text


@dataclass(frozen=True, slots=True)
class NotRun:
    """A check, or part of one, that was not made: why, and how to have it."""

    check: str
    why: str
    how: str


@dataclass(frozen=True)
class Report:
    """Everything about one content, the worst first."""

    release: str
    """Release id of what was checked; empty where the content could not be read as a site."""
    files: int
    findings: tuple[Finding, ...]
    not_run: tuple[NotRun, ...]

    @property
    def errors(self) -> int:
        """How many findings stop a run."""
        return sum(finding.level == "error" for finding in self.findings)

    @property
    def warnings(self) -> int:
        """How many do not."""
        return len(self.findings) - self.errors

    def counts(self) -> Mapping[tuple[Level, str], int]:
        """Findings by level and check, the gravest first."""
        return Counter((finding.level, finding.check) for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """Plain values; ``from_json`` reads them."""
        return {
            "release": self.release,
            "files": self.files,
            "errors": self.errors,
            "warnings": self.warnings,
            "findings": [asdict(finding) for finding in self.findings],
            "notRun": [asdict(one) for one in self.not_run],
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Report:
        """What ``as_json`` wrote; raises KeyError or TypeError for anything else."""
        findings = tuple(Finding(**found) for found in plain["findings"])
        return cls(plain["release"], plain["files"], findings, tuple(NotRun(**one) for one in plain["notRun"]))


class Findings:
    """Takes what the checks find: drops what the stack does not want to know, gives the rest its level."""

    def __init__(self, settings: Checks) -> None:
        self._settings = settings
        self._ignoring = {one.check for one in settings.ignore}
        self._found: set[Finding] = set()
        self.not_run: list[NotRun] = []

    def wants(self, check: str) -> bool:
        """Whether the check is on at all."""
        return self._settings.level(check) is not None

    def add(self, check: str, path: str, line: int, text: str) -> None:
        """Take one finding; the same one twice counts once."""
        level = self._settings.level(check)
        if level is None or (check in self._ignoring and self._settings.ignores(check, path)):
            return
        self._found.add(Finding(path, line, check, level, text))

    def skip(self, check: str, why: str, how: str) -> None:
        """Say that a check was not made."""
        if self.wants(check):
            self.not_run.append(NotRun(check, why, how))

    def report(self, release: str, files: int, further: Iterable[NotRun] = ()) -> Report:
        """All of it, sorted."""
        findings = sorted(self._found, key=lambda finding: finding.rank)
        return Report(release, files, tuple(findings), (*self.not_run, *further))
