"""The checks within ``make up`` and ``make preview``: an error stops the run before anything is uploaded."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from tools.bootstrap import cache_folder
from tools.deploy.errors import Refused

_SHOWN = 20


class Gate:
    """The checks of one stack. ``root`` is the checkout; ``notes`` takes what is said."""

    def __init__(self, root: Path, stack: str, notes: Console) -> None:
        self._root = root
        self._stack = stack
        self._notes = notes

    def is_passed(self) -> bool:
        """Show what is wrong with the content; tells whether a run may go on.

        An earlier release that is gone back to is not checked: its content is not at hand. The rest of this package is
        imported here, for most commands have no use for it.
        """
        from tools.check.asked import asked
        from tools.check.checking import check
        from tools.check.text import closing, lines

        wanted = asked(self._root, self._stack)
        if wanted is None or wanted.checks.mode == "off":
            return True
        report = check(wanted, cache_folder(), self._notes, anew=False)
        if report.findings or any(wanted.checks.level(one.check) for one in report.not_run):
            for line in (*lines(report, _SHOWN), closing(report, wanted.checks.mode)):
                self._say(line)
        return wanted.checks.mode == "advisory" or not report.errors

    def require(self) -> None:
        """Raise Refused where a run may not go on; what is wrong was shown before."""
        if not self.is_passed():
            raise Refused("the content has errors, which are listed above")

    def _say(self, line: str) -> None:
        if line:
            click.echo(line, file=self._notes.file)
