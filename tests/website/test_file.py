from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from website import ChangedWhileReading, File, SourceError, open_verified, read_verified


def generated(content: bytes) -> File:
    return File("a.txt", hashlib.sha256(content).hexdigest(), len(content), "text/plain", "no-cache", content)


class Stored(NamedTuple):
    file: File
    place: Path


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    content = b"0123456789" * 10
    (tmp_path / "a.txt").write_bytes(content)
    return Stored(replace(generated(content), source=tmp_path / "a.txt"), tmp_path / "a.txt")


@given(st.binary(max_size=100), st.integers(1, 120))
def test_the_pieces_are_the_content_and_no_longer_than_asked(content: bytes, chunk: int) -> None:
    pieces = list(open_verified(generated(content), chunk))
    assert b"".join(pieces) == content
    assert all(0 < len(piece) <= chunk for piece in pieces)


def test_a_file_on_disk_is_streamed(stored: Stored) -> None:
    assert len(list(open_verified(stored.file, 7))) == 15
    assert read_verified(stored.file) == b"0123456789" * 10


@pytest.mark.parametrize("content", [b"x" * 100, b"0123456789" * 9, b"0123456789" * 11, b""])
def test_a_changed_file_is_never_given_out_whole(stored: Stored, content: bytes) -> None:
    stored.place.write_bytes(content)
    received: list[bytes] = []
    with pytest.raises(ChangedWhileReading, match=r"a\.txt changed while it was read.*run again"):
        received.extend(open_verified(stored.file, 10))
    assert len(b"".join(received)) < 100


def test_a_file_that_grows_without_end_is_not_read_to_the_end(stored: Stored) -> None:
    stored.place.write_bytes(b"0123456789" * 1000)
    with pytest.raises(ChangedWhileReading):
        assert len(b"".join(open_verified(stored.file, 10))) < 200


@pytest.mark.parametrize("swap", ["symlink", "folder", "fifo", "gone"])
def test_what_took_the_place_of_a_file_is_not_read(stored: Stored, swap: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    stored.place.rename(copy)
    if swap == "symlink":
        stored.place.symlink_to(copy)
    elif swap == "folder":
        stored.place.mkdir()
    elif swap == "fifo":
        os.mkfifo(stored.place)
    with pytest.raises(ChangedWhileReading):
        read_verified(stored.file)


def test_a_file_that_cannot_be_read_is_not_called_changed(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "read", fail)
    with pytest.raises(SourceError, match=r"a\.txt cannot be read: Input/output error. Check"):
        read_verified(stored.file)
