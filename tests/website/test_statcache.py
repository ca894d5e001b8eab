from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.website.conftest import Load, Mistakes, write
from website import ChangedWhileReading, Site, file, hashing, load_site, read_verified


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths of the files that were read for their digest, since the list was last cleared."""
    seen: list[str] = []
    real = hashing._read

    def record(path: str, location: str, walked: os.stat_result) -> tuple[str, str | None]:
        seen.append(path)
        return real(path, location, walked)

    monkeypatch.setattr(hashing, "_read", record)
    return seen


def cache_files(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "cache" / "stat").iterdir())


def test_an_unchanged_site_is_not_read_again(load: Load, later: None, reads: list[str]) -> None:
    first = load({"about.html": "about"})
    assert sorted(reads) == ["about.html", "index.html"]
    reads.clear()
    assert load_again(first).release_id == first.release_id
    assert reads == []


def load_again(site: Site) -> Site:
    return load_site(str(site.folder), cache=site.folder.parent / "cache")


def test_young_files_are_never_remembered(load: Load, reads: list[str]) -> None:
    first = load()
    reads.clear()
    load_again(first)
    assert reads == ["index.html"]


def test_a_change_of_one_file_reads_that_file_only(load: Load, later: None, reads: list[str]) -> None:
    first = load({"about.html": "about"})
    reads.clear()
    (first.folder / "about.html").write_text("other")
    second = load_again(first)
    assert reads == ["about.html"]
    assert second.release_id != first.release_id


def test_same_size_and_restored_times_do_not_deceive(load: Load, later: None) -> None:
    first = load({"about.html": "about"})
    path = first.folder / "about.html"
    before = path.stat()
    time.sleep(0.02)
    path.write_text("ABOUT")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert read_verified(load_again(first).files["about.html"]) == b"ABOUT"


def test_another_file_moved_into_the_place_does_not_deceive(load: Load, later: None, folder: Path) -> None:
    write(folder, {"a.html": "aaaaa", "b.html": "bbbbb"})
    for name in ("a.html", "b.html"):
        os.utime(folder / name, (1, 1))
    first = load()
    (folder / "a.html").rename(folder / "c")
    (folder / "b.html").rename(folder / "a.html")
    (folder / "c").rename(folder / "b.html")
    second = load_again(first)
    assert read_verified(second.files["a.html"]) == b"bbbbb"


def test_a_write_within_the_grain_of_the_clock_does_not_deceive(
    load: Load, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A coarse clock: both writes bear the same times, so only the refusal to trust young files can tell."""
    first = load({"about.html": "about"})
    monkeypatch.setattr(hashing, "_identity", lambda state: (state.st_size,))
    monkeypatch.setattr("website.statcache._fingerprint", lambda state: f"{state.st_size}")
    load_again(first)
    (folder / "about.html").write_text("ABOUT")
    assert read_verified(load_again(first).files["about.html"]) == b"ABOUT"


@pytest.mark.parametrize(
    "damage",
    [lambda raw: b"", lambda raw: raw[:-20], lambda raw: raw.replace(b"about", b"other"), lambda raw: b"\0" * 99],
)
def test_a_damaged_cache_counts_as_empty(
    load: Load, later: None, reads: list[str], tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    first = load({"about.html": "about"})
    (stored,) = cache_files(tmp_path)
    stored.write_bytes(damage(stored.read_bytes()))
    reads.clear()
    assert load_again(first).release_id == first.release_id
    assert sorted(reads) == ["about.html", "index.html"]


def test_removed_files_are_forgotten_and_no_scraps_left(load: Load, later: None, tmp_path: Path) -> None:
    first = load({"about.html": "about"})
    (first.folder / "about.html").unlink()
    load_again(first)
    (stored,) = cache_files(tmp_path)
    assert b"about.html" not in stored.read_bytes()


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(load: Load, later: None, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "stat").write_text("in the way")
    assert load().release_id == load().release_id


def test_a_full_disk_leaves_the_old_cache(
    load: Load, later: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load({"about.html": "about"})
    (stored,) = cache_files(tmp_path)
    before = stored.read_bytes()
    (first.folder / "about.html").write_text("other")

    def full(*_arguments: object, **_more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("website.statcache.os.fdopen", full)
    load_again(first)
    assert stored.read_bytes() == before
    assert cache_files(tmp_path) == [stored]


def test_a_file_with_a_mistake_in_it_is_not_remembered_as_good(mistakes: Mistakes, later: None) -> None:
    for _ in range(2):
        assert "private key" in mistakes({"a.txt": "-----BEGIN PRIVATE KEY-----\n"})


def test_a_file_written_while_it_is_read_is_named(load: Load, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.read

    def write_meanwhile(descriptor: int, size: int) -> bytes:
        piece = real(descriptor, size)
        if piece == b"<p>hello":
            (folder / "index.html").write_text("<p>hello, more")
        return piece

    monkeypatch.setattr(os, "read", write_meanwhile)
    with pytest.raises(ChangedWhileReading, match=r"index\.html changed while it was read"):
        load()


def test_a_file_removed_before_it_is_read_is_named(load: Load, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = file.opened

    def remove_first(location: str) -> AbstractContextManager[int]:
        (folder / "index.html").unlink()
        return real(location)

    monkeypatch.setattr(hashing, "opened", remove_first)
    with pytest.raises(ChangedWhileReading, match=r"index\.html"):
        load()
