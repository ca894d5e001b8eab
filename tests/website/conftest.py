from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import pytest

from website import ContentError, Site, load_site, statcache

Content = dict[str, str] | dict[str, bytes] | dict[str, str | bytes]


class Load(Protocol):
    """Loads a site; what is positional depends on the source."""

    def __call__(self, *what: Any, **arguments: Any) -> Site: ...


class Mistakes(Protocol):
    """Loads a site that is wrong; gives the error's text."""

    def __call__(self, files: Content | None = None, **arguments: Any) -> str: ...


INDEX = {"index.html": "<p>hello"}


def write(folder: Path, files: Content) -> Path:
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder to put content into."""
    made = tmp_path / "content"
    made.mkdir()
    return made


@pytest.fixture
def load(folder: Path, tmp_path: Path) -> Load:
    """Writes files beside a front page and loads the site; keyword arguments go to load_site."""

    def build(files: Content | None = None, **arguments: Any) -> Site:
        write(folder, {**INDEX, **(files or {})})
        return load_site(str(folder), cache=tmp_path / "cache", **arguments)

    return build


@pytest.fixture
def mistakes(load: Load) -> Mistakes:
    """Loads a site that is wrong; returns the text that the user sees."""

    def build(files: Content | None = None, **arguments: Any) -> str:
        with pytest.raises(ContentError) as error:
            load(files, **arguments)
        return str(error.value)

    return build


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moves the clock ahead, so that files written by the test are no longer young."""
    real = statcache.now_ns
    monkeypatch.setattr(statcache, "now_ns", lambda: real() + 60_000_000_000)
