"""Sites to measure with: seeded, so the same on every machine."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from pathlib import Path

_WORDS = ("robot", "peace", "cloud", "origin", "failover", "static", "release", "monitor", "edge", "page")
SEED = 42


@dataclass(frozen=True)
class Kind:
    """How many files of what size (bytes, smallest and largest)."""

    texts: int
    text_sizes: tuple[int, int]
    images: int
    image_sizes: tuple[int, int]


#: About 2,000 files with 100 MB, and 10,000 files with 46 MB.
KINDS = {
    "blog": Kind(1939, (2_000, 60_000), 60, (200_000, 2_000_000)),
    "tiny": Kind(9_999, (1_000, 8_200), 0, (0, 0)),
}


def generate(kind: str, folder: Path) -> Path:
    """Write the site of this kind into ``folder`` unless it is there; returns it."""
    if (folder / "index.html").exists():
        return folder
    picker = random.Random(SEED)  # noqa: S311 - the same bytes every time
    described = KINDS[kind]
    for number in range(described.texts):
        suffix = ("html", "html", "html", "css", "js")[number % 5]
        _write(folder / f"part-{number % 40}" / f"page-{number}.{suffix}", _text(picker, *described.text_sizes))
    for number in range(described.images):
        body = picker.randbytes(picker.randint(*described.image_sizes))
        _write(folder / "images" / f"picture-{number}.jpg", body)
    _write(folder / "index.html", b"<!doctype html><title>home</title>")
    return folder


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def _text(picker: random.Random, smallest: int, largest: int) -> bytes:
    size = picker.randint(smallest, largest)
    words = " ".join(picker.choices(_WORDS, k=size // 6 + 1))
    return f"<p>{picker.random()} {words}".encode()[:size]


def touch_all(folder: Path) -> None:
    """Give every file a new mtime and leave its content: what a site generator's rebuild does."""
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path)


def change_some(folder: Path, round_number: int) -> None:
    """Append to one file in a hundred."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "index.html")
    for path in files[:: max(1, len(files) // max(1, len(files) // 100))]:
        with path.open("ab") as file:
            file.write(f"<p>round {round_number}".encode())
