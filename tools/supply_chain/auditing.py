"""Known vulnerabilities of the locked packages, by pip-audit.

By itself it ends well when it could audit nothing at all; here every package that it skipped counts against the run.
https://github.com/pypa/pip-audit. ``PIP_AUDIT_OSV_URL`` names another database with OSV's interface.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.deploy.errors import Refused
from tools.supply_chain.locks import LOCKS, locked

_SECONDS = 900


@dataclass(frozen=True)
class Audit:
    """What was found. Packages are ``name version``."""

    total: int
    vulnerable: Mapping[str, Sequence[str]]
    """Package → a text for each vulnerability: its id, its other names, and the version that mends it."""
    skipped: Mapping[str, str]
    """Package → why it was not audited."""
    unasked: Sequence[str]
    """Locked packages that pip-audit said nothing of, and that are meant for this system."""

    @property
    def audited(self) -> int:
        """Packages that the database was asked for."""
        return self.total - len(self.skipped) - len(self.unasked)

    @property
    def passed(self) -> bool:
        """Everything was audited and nothing was found."""
        return self.total > 0 and not (self.vulnerable or self.skipped or self.unasked)

    def sentences(self) -> Iterator[str]:
        """Everything that stands against a pass."""
        for package, texts in self.vulnerable.items():
            yield from (f"{package} is vulnerable: {text}" for text in texts)
        if self.skipped:
            why = next(iter(self.skipped.values()))
            yield f"{len(self.skipped)} packages were not audited, which is no pass ({why}): {', '.join(self.skipped)}"
        if self.unasked:
            yield f"nothing was said of {', '.join(self.unasked)}"


def audit(root: Path) -> Audit:
    """Audit what the lock files of ``root`` pin. Raises Refused where pip-audit itself fails."""
    files = [part for name in LOCKS for part in ("--requirement", str(root / name))]
    command = [str(Path(sys.executable).with_name("pip-audit")), *files, "--disable-pip"]
    command += ["--vulnerability-service", "osv", "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    try:
        said = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError) as error:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise Refused(f"nothing was audited, for pip-audit ended with {done.returncode}: {last}") from error
    wanted = {f"{one.name} {one.version}" for name in LOCKS for one in locked(root / name) if one.is_for_this_system}
    return read(said, wanted)


def read(said: Sequence[Mapping[str, Any]], wanted: set[str]) -> Audit:
    """Judge pip-audit's answer by the packages that are ``wanted``."""
    skipped = {str(one["name"]): str(one["skip_reason"]) for one in said if "skip_reason" in one}
    answered = {f"{one['name']} {one['version']}": one["vulns"] for one in said if "skip_reason" not in one}
    unasked = sorted(one for one in wanted - set(answered) if one.split(" ")[0] not in skipped)
    vulnerable = {name: [_described(one) for one in found] for name, found in answered.items() if found}
    return Audit(len(wanted | set(answered)), vulnerable, skipped, unasked)


def _described(found: Mapping[str, Any]) -> str:
    names = ", ".join([found["id"], *found.get("aliases", [])])
    mended = ", ".join(found.get("fix_versions") or []) or "no version yet"
    return f"{names}; mended in {mended}"
