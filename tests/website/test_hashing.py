from __future__ import annotations

import hashlib

import pytest

from website.errors import ChangedWhileReading
from website.hashing import _LARGE, digests
from website.walk import Walk

SIZES = (0, 1, _LARGE - 1, _LARGE, _LARGE + 1, 3 * _LARGE + 7)


@pytest.fixture
def folder(tmp_path):
    """A folder with files below, at and above the size from which another thread reads."""
    folder = tmp_path / "site"
    folder.mkdir()
    for number, size in enumerate(SIZES * 3):
        (folder / f"{number:02}.bin").write_bytes(bytes([number]) * size)
    return folder


def test_small_and_large_files_get_the_digest_of_their_bytes(folder, tmp_path):
    found, problems = digests(Walk(folder).files, tmp_path / "stat.json")
    assert problems == []
    assert found == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_what_must_not_be_published_is_named_whatever_its_size(folder, tmp_path):
    key = b"-----BEGIN PRIVATE KEY-----\n"
    (folder / "small.txt").write_bytes(key)
    (folder / "large.txt").write_bytes(key + bytes(_LARGE))
    found, problems = digests(Walk(folder).files, tmp_path / "stat.json")
    assert [problem.path for problem in problems] == ["large.txt", "small.txt"]
    assert len(found) == len(SIZES) * 3


@pytest.mark.parametrize("name", ["00.bin", "05.bin"])
def test_a_file_that_changed_since_the_walk_is_refused_by_name(folder, tmp_path, name):
    files = Walk(folder).files
    (folder / name).write_bytes(b"other")
    with pytest.raises(ChangedWhileReading, match=name):
        digests(files, tmp_path / "stat.json")
