"""Asks the project's own program (``tools.deploy``) something, as a process that ends with its answer."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

Ask = Callable[[], Awaitable[str]]
"""Gives an answer as JSON; raises what its maker says."""
_TOLD = 300
"""Characters of an error that are passed on."""
#: Make tells its children that they are; what is asked would end with the coordinator then.
_OF_MAKE = ("MAKELEVEL", "MAKEFLAGS", "MFLAGS")


class NoAnswer(Exception):
    """The program gave no answer; the text says why."""


def by_program(command: Collection[str], stack: str, root: Path, seconds: float, withheld: Collection[str] = ()) -> Ask:
    """How ``tools.deploy COMMAND`` of a checkout is asked about a stack; raises NoAnswer.

    ``seconds`` are real ones, ``withheld`` variables that it does not get.
    """

    async def ask() -> str:
        environment = {name: value for name, value in os.environ.items() if name not in {*_OF_MAKE, *withheld}}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tools.deploy", *command, "--stack", stack),
            cwd=root,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(seconds):
                said, trouble = await process.communicate()
        except TimeoutError:
            raise NoAnswer(f"no answer within {seconds:.0f} s") from None
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode:
            raise NoAnswer(" ".join(trouble.decode("utf-8", "replace").split())[-_TOLD:])
        return said.decode("utf-8", "replace")

    return ask
