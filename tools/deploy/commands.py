"""What each command does, step by step."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from tools.bootstrap import cache_folder
from tools.deploy import (
    deployments,
    drift,
    exclusive,
    locks,
    outside,
    pending,
    plan_guard,
    policy_check,
    releases,
    report,
    sandbox_daemon,
    state_files,
    status,
)
from tools.deploy.engine_process import EngineProcess
from tools.deploy.errors import Refused
from tools.deploy.places import SANDBOX, Places, content, content_bytes
from tools.deploy.plan import steps
from tools.deploy.preflight import Preview, previewed, watched
from tools.deploy.stack import Stack
from tools.engine.errors import EngineMissing
from tools.engine.install import Engine, ensure

if TYPE_CHECKING:
    from tools.check.gate import Gate

_EDGE_SECONDS = 20.0


class Commands:
    """The commands on one stack. ``console`` takes results, ``notes`` takes what is said on the way.

    ``gate`` checks the content before it is published.
    """

    def __init__(self, stack: Stack, console: Console, notes: Console, gate: Gate | None = None) -> None:
        self.stack = stack
        self.gate = gate
        self.places: Places = stack.places
        self.console = console
        self.notes = notes
        self.policies = policy_check.flags(stack.places.root, stack.name, SANDBOX if stack.is_sandbox else None)

    def up(self) -> int:
        """Publish; returns the engine's exit code."""
        started = time.monotonic()
        engine = self.find_engine()
        if self.stack.is_sandbox:
            self.places.require_space(content_bytes(content(os.environ, Path.cwd())))
        if self.gate is not None:
            self.gate.require()
        with exclusive.run(self.places) as (run, ended):
            if ended:
                self.say(f"Ended what a killed run had left running ({ended} processes).")
            process = self.prepared(engine, run)
            self.repair(process)
            self.preflight(process)
            self.places.journal.write_bytes(b"")
            code = process.show("up", "--yes", "--skip-preview", "--continue-on-error", *self.policies)
            if code == 0 and self.stack.is_sandbox:
                self.await_edge()
            self.report(process, code)
            if self.stack.is_sandbox:
                state_files.remove_old(self.places.backend, str(self.stack.project()["name"]), self.stack.name)
        self.say(f"{'Done' if code == 0 else 'Failed'} after {time.monotonic() - started:.0f} s.")
        return code

    def preview(self, *, expect_no_changes: bool) -> int:
        """Show what ``up`` would change, page by page; returns the engine's exit code, or 1 if ``up`` would stop."""
        given = plan_guard.allowed()
        passed = self.gate is None or self.gate.is_passed()
        process = self.prepared(self.find_engine())
        expected = ["--expect-no-changes"] if expect_no_changes else []
        with watched(process) as (watching, log):
            code = watching.show("preview", "--diff", *expected, *log.options, *self.policies)
            plan = steps(log.events())
        try:
            plan_guard.require_meant(plan, given)
        except Refused as refused:
            refused.show()
            passed = False
        return code if passed else code or 1

    def quiet_preview(self) -> Preview:
        """What ``up`` would do and what the policies say, for who tells it otherwise; a failure is in the answer."""
        return previewed(self.prepared(self.find_engine()), self.policies)

    def status(self, form: str) -> None:
        """Print what is served where; with ``json`` nothing else goes to standard output."""
        found = self.served({} if self.stack.is_sandbox else self.outputs(self.stack.engine(self.find_engine(), {})))
        if form == "json":
            click.echo(json.dumps(found, indent=2))
        else:
            report.wide(self.console).print(status.table(found))

    def show_outputs(self) -> None:
        """Print the stack's outputs as JSON, ``{}`` before the first run; nothing is built or started for it."""
        if self.stack.is_sandbox and not self.stack.state_file().exists():
            click.echo("{}")
            return
        process = self.stack.engine(self.find_engine(), {})
        click.echo(json.dumps(self.outputs(process), indent=2))

    def deployments(self, form: str) -> None:
        """Print what each platform says of its newest deployment; with ``json`` nothing else goes to the output."""
        process = self.reading()
        state = json.loads(process.ask("stack", "export"))
        told = deployments.ask(releases.places(state, self.stack.hosts()), process.environment)
        if form == "json":
            click.echo(json.dumps(deployments.as_json(told), indent=2))
            return
        report.wide(self.console).print(deployments.table(told))
        for one in told:
            if one.trouble:
                self.say(f"{one.platform} cannot be asked: {one.trouble}")

    def reading(self) -> EngineProcess:
        """The engine for what only reads: nothing is started for it."""
        environment = sandbox_daemon.require(self.places).environment if self.stack.is_sandbox else {}
        return self.stack.engine(self.find_engine(), environment)

    def releases(self, form: str) -> None:
        """Print what can be gone back to; with ``json`` nothing else goes to standard output."""
        process = self.reading()
        state = json.loads(process.ask("stack", "export"))
        answers = releases.ask(releases.places(state, self.stack.hosts()), process.environment)
        known = releases.known_releases(state)
        if form == "json":
            click.echo(json.dumps(releases.as_json(known, answers), indent=2))
            return
        report.wide(self.console).print(releases.table(known, answers))
        for answer in answers:
            if answer.trouble:
                self.say(f"{answer.platform} cannot be asked: {answer.trouble}")

    def drift(self) -> int:
        """Compare what is there with what was declared, and change nothing; returns 0, or 3 where something differs."""
        process = self.prepared(self.find_engine())
        found = drift.differences(process.ask("refresh", "--preview-only", "--json"))
        if not found:
            self.console.print(f"Stack {self.stack.name}: everything is as it was declared.", highlight=False)
            return 0
        report.wide(self.console).print(drift.table(found))
        self.say(
            f"Stack {self.stack.name}: {len(found)} differ. To undo what was done by hand: `make up`, after a "
            "`pulumi refresh`. To keep it: declare it."
        )
        return drift.DIFFERS

    def verify(self) -> int:
        """Ask every platform whether it serves the release of the last run; returns 0, or 1 where one does not."""
        environment = sandbox_daemon.require(self.places).environment if self.stack.is_sandbox else {}
        outputs = self.outputs(self.stack.engine(self.find_engine(), environment))
        wanted = str(outputs.get("release") or "")
        found = self.served(outputs)
        declared = {platform["name"] for platform in outputs.get("platforms", [])}
        found["platforms"] = [one for one in found["platforms"] if one["name"] in declared]
        wrong = status.not_serving(found, wanted)
        report.wide(self.console).print(status.table(found))
        for name, why in wrong.items():
            self.say(f"{name} {why}")
        for sentence in outside.complaints(outputs, {**os.environ, **environment}):
            self.say(sentence)
        if not wrong:
            self.say(f"Every platform serves {wanted}.")
        return 1 if wrong else 0

    def down(self) -> None:
        """Stop the sandbox that ``up`` started."""
        pid = sandbox_daemon.stop(self.places)
        self.say(f"Stopped the sandbox (process {pid})." if pid else "No sandbox runs here.")

    def clean(self) -> None:
        """Stop the sandbox and remove what was made in the checkout."""
        self.down()
        with exclusive.run(self.places):
            folders = [folder for folder in (self.places.state, self.places.root / ".venv") if folder.exists()]
        for folder in folders:
            self.say(f"Removing {folder}")
            shutil.rmtree(folder)
        self.say(f"Kept: {cache_folder()} (uv and the Pulumi engine, used by every checkout)")

    def break_platform(self, name: str, kind: str) -> None:
        """Have a local platform fail."""
        sandbox_daemon.require(self.places).ask("POST", f"/faults/{name}", {"kind": kind})
        self.say(f"{name} is broken ({kind}). `make status` shows when the edge has noticed; `make heal` ends it.")

    def heal(self, name: str) -> None:
        """End a local platform's failure."""
        sandbox_daemon.require(self.places).ask("DELETE", f"/faults/{name}")
        self.say(f"{name} is healed. `make status` shows when the edge has noticed.")

    def say(self, text: str) -> None:
        """One line of progress."""
        self.notes.print(text, markup=False, highlight=False, soft_wrap=True)

    def find_engine(self) -> Engine:
        """The engine, got first if there is none."""
        try:
            return ensure(cache_folder(), self.notes)
        except EngineMissing as missing:
            raise Refused(str(missing)) from missing

    def prepared(self, engine: Engine, run: str = "") -> EngineProcess:
        """The engine for the stack, with the sandbox running and the stack there."""
        environment: dict[str, str] = {}
        if self.stack.is_sandbox:
            running, fresh = sandbox_daemon.start(self.places)
            environment = running.environment
            if fresh:
                self.say(f"Started the sandbox (process {running.pid}, log: {self.places.log}).")
            copy = state_files.restore(self.stack.state_file(), self.places.backend)
            if copy is not None:
                self.say(f"The engine's state could not be read: it was damaged, and {copy} has taken its place.")
        process = self.stack.engine(engine, environment, run)
        self.stack.ensure(process)
        return process

    def repair(self, process: EngineProcess) -> None:
        """Clear what a killed run left in the stack, and say what it was."""
        if self.stack.is_sandbox:
            for lock in locks.release_stale(self.places.backend, self.stack.name):
                self.say(f"Removed the lock that process {lock.pid} held when it was killed.")
            if not pending.has_pending(self.stack.state_file()):
                return
        from tools.deploy import lookup  # brings Cloudflare's and Pulumi's SDK, half a second

        for one in pending.repair(process, lookup.finder(process.environment)):
            self.say(f"A killed run was {one.operation} {one.kind} {one.name}: it {one.fate.value}.")

    def preflight(self, process: EngineProcess) -> None:
        """Refuse what the policies do not allow, and what is hard to undo and not said to be meant."""
        given = plan_guard.allowed()
        preview = previewed(process, self.policies)
        for trouble in policy_check.require(preview):
            self.say(f"One platform will not take this, the others will: {trouble}")
        plan_guard.require_meant(steps(preview.events), given)

    def await_edge(self) -> None:
        """Wait until the local edge has found every platform in order: before that it cannot fail over."""
        deadline = time.monotonic() + _EDGE_SECONDS
        while waited_for := sandbox_daemon.unsettled(self.places):
            if time.monotonic() > deadline:
                self.say(
                    f"The edge does not find {', '.join(waited_for)} in order yet; `make status` shows when it does."
                )
                return
            time.sleep(0.2)

    def outputs(self, process: EngineProcess) -> dict[str, Any]:
        """The stack's outputs, empty before the first run."""
        found: dict[str, Any] = json.loads(process.ask("stack", "output", "--json"))
        return found

    def served(self, outputs: dict[str, Any]) -> dict[str, Any]:
        """What is served where: as the sandbox knows, or as the platforms that ``outputs`` name answer."""
        if not self.stack.is_sandbox:
            return status.of_public_sites(outputs)
        found: dict[str, Any] = sandbox_daemon.require(self.places).ask("GET", "/status")
        return found

    def report(self, process: EngineProcess, code: int) -> None:
        """Print the table, and the address of the site."""
        outputs = self.outputs(process)
        work = report.read_journal(self.places.journal)
        if code == 0:
            platforms = report.after_success(outputs)
        else:
            state = json.loads(process.ask("stack", "export"))
            platforms = report.after_failure(state, outputs, self.stack.hosts())
        report.write_outcome(platforms, report.read_steps(self.places.journal))
        report.show(self.console, platforms, work, failed=code != 0)
        self.show_address(outputs)

    def show_address(self, outputs: dict[str, Any]) -> None:
        """Where the site is to be seen."""
        running = sandbox_daemon.find(self.places) if self.stack.is_sandbox else None
        address = outputs.get("site_url") or "-"
        if running is not None:
            self.console.print(f"Site: {running.site_url} (stands for {address})", highlight=False, soft_wrap=True)
        else:
            self.console.print(f"Site: {address}", highlight=False, soft_wrap=True)


@contextmanager
def friendly() -> Iterator[None]:
    """Errors of the machine as one sentence each; errors of the program keep their traceback."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise Refused(
            f"{error.strerror or error}{where}: check free space and permissions, then run it again"
        ) from error
    except KeyboardInterrupt:
        raise Refused("stopped; run it again to go on") from None


def stack_of(name: str, places: Places) -> Stack:
    """The stack ``name``; one without a settings file is refused before anything is started."""
    path = places.root / f"Pulumi.{name}.yaml"
    if os.sep in name or not path.exists():
        known = ", ".join(sorted(found.name.split(".")[1] for found in places.root.glob("Pulumi.*.yaml")))
        raise Refused(f"there is no stack {name!r}, for there is no {path.name}; use one of {known}")
    return Stack(name, places)
