"""The W3C's own validator, the Nu Html Checker: the whole HTML standard, for stacks that ask for it.

It needs Java, and npm to get it, so it is not part of every run. https://validator.github.io/validator/
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from filelock import FileLock
from rich.console import Console

from website import Site
from website.checks.report import Findings, NotRun

VERSION: Final = "26.9.27"
#: Of the package in the npm registry; npm refuses any other bytes.
INTEGRITY: Final = "sha512-TkQd5DFfOaWC9ebtvozTsrH2Vaod3jYg+vrOeREzIXxBexLz9+rS2DNtjn7+RPUiZhgli0SghgBX6RJRNea0KA=="
CHECK: Final = "nu"
_JAR: Final = "node_modules/vnu-jar/build/dist/vnu.jar"
_AT_ONCE: Final = 500
"""Pages that one run of Java looks at."""
_SECONDS: Final = 900
_HOW: Final = "Set `checks.levels.nu` to error; it needs Java and npm, and takes 31 MB."


class Unavailable(Exception):
    """The validator cannot be had or did not run; the text says why."""


def check_pages(site: Site, findings: Findings, cache: Path, notes: Console) -> None:
    """Add what the validator says of the pages; where it cannot be had, that is told and no error."""
    if not findings.wants(CHECK):
        findings.not_run.append(NotRun(CHECK, "the W3C's validator is switched off", _HOW))
        return
    pages = {str(file.source): file.path for file in site.files.values() if _is_page(file.media_type, file.source)}
    try:
        jar = _jar(cache, notes)
        names = list(pages)
        for start in range(0, len(names), _AT_ONCE):
            if start:
                notes.print(f"Validated {start:,} of {len(names):,} pages", highlight=False)
            for path, line, text in _said(_validated(jar, names[start : start + _AT_ONCE]), pages):
                findings.add(CHECK, path, line, text)
    except Unavailable as reason:
        findings.skip(CHECK, str(reason), _HOW)


def _is_page(media_type: str, source: Path | bytes) -> bool:
    return media_type.startswith("text/html") and isinstance(source, Path)


def _jar(cache: Path, notes: Console) -> Path:
    """The validator in the cache folder, got from the npm registry once a machine."""
    if shutil.which("java") is None:
        raise Unavailable("there is no java on PATH")
    folder = cache / "checks" / f"vnu-jar-{VERSION}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / _JAR).exists():
            _install(folder, notes)
    return folder / _JAR


def _install(folder: Path, notes: Console) -> None:
    if shutil.which("npm") is None:
        raise Unavailable("the Nu Html Checker is not there, and there is no npm on PATH to get it with")
    notes.print(f"Getting the Nu Html Checker {VERSION} (once a machine)", highlight=False)
    unfinished = folder.with_name(f".{folder.name}-unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    dependencies = {"vnu-jar": VERSION}
    jar = {"version": VERSION, "integrity": INTEGRITY}
    locked = {"": {"dependencies": dependencies}, "node_modules/vnu-jar": jar}
    (unfinished / "package.json").write_text(json.dumps({"private": True, "dependencies": dependencies}))
    (unfinished / "package-lock.json").write_text(json.dumps({"lockfileVersion": 3, "packages": locked}))
    done = _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], unfinished)
    if not (unfinished / _JAR).exists():
        said = [line for line in done.stderr.splitlines() if "error" in line] or ["no reason given"]
        raise Unavailable(f"npm could not get the Nu Html Checker: {said[0].strip()}")
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)


def _validated(jar: Path, pages: Sequence[str]) -> Any:
    """What the validator says of files on disk, as JSON: https://github.com/validator/validator/wiki/Output-»-JSON."""
    options = ["--errors-only", "--format", "json", "--exit-zero-always", "--stdout", "--skip-non-html"]
    done = _run(["java", "-jar", str(jar), *options, "--", *pages], jar.parent)
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing was said"]
        raise Unavailable(f"the Nu Html Checker failed: {said[-1]}") from error


def _run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{command[0]} did not come to an end ({type(error).__name__})") from error


def _said(answer: Any, pages: Mapping[str, str]) -> Iterator[tuple[str, int, str]]:
    for message in answer["messages"]:
        path = pages.get(unquote(urlsplit(message.get("url", "")).path))
        if path is None:
            raise Unavailable(f"the Nu Html Checker failed: {message.get('message', 'nothing was said')}")
        line = message.get("firstLine") or message.get("lastLine") or 0
        yield path, int(line), f"{' '.join(message['message'].split())}"
