"""Content that is edited at random, and every release of it that there was."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from random import Random

from website import load_site

#: Files that platforms read themselves, or answer with another status by their own name.
_NOT_ASKED = {"_headers", "_redirects", "404.html"}


class Edited:
    """A copy of a site in ``folder``; releases are known by id, each as path → bytes."""

    def __init__(self, original: Path, folder: Path, random: Random) -> None:
        self.content = folder / "content"
        self.releases: dict[str, Mapping[str, bytes]] = {}
        self._cache = folder / "cache"
        self._random = random
        self._edits = 0
        shutil.copytree(original, self.content)

    def edit(self) -> str:
        """Change some pages, add one, take one away; returns the id of the release that this makes."""
        self._edits += 1
        pages = sorted(path for path in self.content.rglob("*.html") if path.name not in _NOT_ASKED)
        for page in self._random.sample(pages, self._random.randint(1, min(3, len(pages)))):
            text = page.read_text("utf-8").split("<!-- edit")[0].rstrip()
            page.write_text(f"{text}\n<!-- edit {self._edits}: {self._random.getrandbits(64):x} -->\n", "utf-8")
        notes = self.content / "notes"
        notes.mkdir(exist_ok=True)
        for old in sorted(notes.iterdir())[:-2]:
            old.unlink()
        blob = self._random.randbytes(self._random.randint(1, 3000))
        (notes / f"{self._edits:04}.bin").write_bytes(blob)
        return self.current()

    def current(self) -> str:
        """Id of the release that the content is now."""
        release = load_site(str(self.content), cache=self._cache).release_id
        self.releases[release] = {
            f"/{path.relative_to(self.content).as_posix()}": path.read_bytes()
            for path in self.content.rglob("*")
            if path.is_file() and path.name not in _NOT_ASKED
        }
        return release
