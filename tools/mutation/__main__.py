"""Changes code of policies and guards in small ways; fails for each change that no test notices and nobody explained.

mutmut makes the changes and runs the tests (``[tool.mutmut]`` in ``pyproject.toml``). ``make mutate`` runs this.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import click

from tools.mutation import changes

ROOT = Path(__file__).resolve().parents[2]
_WORK = ROOT / "mutants"
ALL = "*"


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "mutmut", *arguments]


def _asked(*arguments: str) -> str:
    return subprocess.run(_command(*arguments), cwd=ROOT, check=True, capture_output=True, text=True).stdout


def _run(children: int, *names: str) -> None:
    code = subprocess.run(_command("run", "--max-children", str(children), *names), cwd=ROOT, check=False).returncode
    if code:
        raise click.ClickException("mutmut could not run the tests on the unchanged code; its own words stand above")


def _verdicts(only: str) -> dict[str, str]:
    found = changes.verdicts(_asked("results", "--all", "true"))
    return {name: verdict for name, verdict in found.items() if fnmatch(name, only)}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--children", default=2, show_default=True, type=click.IntRange(1), help="Processes at the same time.")
@click.option("--again", is_flag=True, help="Only what no test noticed last time, and what was edited since.")
@click.option("--only", default=ALL, show_default=True, help="Glob over mutmut's names: policies.values.*")
def main(children: int, again: bool, only: str) -> None:
    """Try all changes. Ends with 1 where one is neither noticed nor explained, or explained in vain."""
    before = changes.unnoticed(_verdicts(only)) if again and _WORK.exists() else []
    if not again:
        shutil.rmtree(_WORK, ignore_errors=True)
    _run(children, *([] if only == ALL else [only]))
    if only == ALL and (left := [name for name in changes.unnoticed(_verdicts(only)) if name in before]):
        _run(children, *left)  # mutmut lets a verdict stand when only tests are new
    found = _verdicts(only)
    shown = [(name, _asked("show", name)) for name in changes.unnoticed(found)]
    outcome = changes.outcome(found, shown, changes.explanations())
    click.echo(changes.told(outcome, whole=only == ALL))
    sys.exit(1 if outcome.unexplained or (outcome.stale and only == ALL) else 0)


if __name__ == "__main__":
    main(prog_name="python -m tools.mutation")
