"""The judge of what must not grow is held to account: growth is told, and what a platform keeps by right is not."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from tools.chaos.growth import PLATFORMS, Growth, Size


@pytest.fixture
def growth(tmp_path):
    (tmp_path / "world").mkdir()
    state = tmp_path / "state.json"
    state.write_bytes(b"x" * 100_000)
    stage = SimpleNamespace(folder=tmp_path, state_file=state, sandbox=lambda: {"pid": os.getpid()})
    return Growth(stage)


def grown(growth):
    return [size.what for size in growth.sizes() if size.grew]


def test_what_stays_is_not_told(growth):
    growth.begin()
    assert grown(growth) == []


@pytest.mark.parametrize(
    ("name", "size", "what"),
    [
        ("logs", 3_000_000, ["disk of the stack MB"]),
        ("state.json", 1_500_000, ["state MB"]),
        ("world/blobs", 5_000_000, [PLATFORMS]),
    ],
)
def test_a_file_that_grows_is_told(growth, tmp_path, name, size, what):
    growth.begin()
    (tmp_path / name).write_bytes(b"x" * size)
    assert grown(growth) == what


def test_open_files_and_memory_that_grow_are_told(growth):
    growth.begin()
    held = [os.open("/dev/null", os.O_RDONLY) for _ in range(200)]
    memory = bytearray(os.urandom(1 << 20) * 400)
    try:
        assert grown(growth) == ["memory of this process MB", "memory of the sandbox MB", "open files"]
    finally:
        del memory
        for descriptor in held:
            os.close(descriptor)


def test_what_platforms_keep_of_each_deployment_is_its_new_content_and_a_record(growth, tmp_path):
    growth.deployed({"/a": b"a" * 1_000_000})
    growth.begin()
    for number in range(10):
        growth.deployed({"/a": b"a" * 1_000_000, "/b": bytes([number]) * 500_000})
    (size,) = [size for size in growth.sizes() if size.what == PLATFORMS]
    assert size.room == pytest.approx(10.2)
    (tmp_path / "world" / "blobs").write_bytes(b"x" * 14_000_000)
    assert grown(growth) == []
    (tmp_path / "world" / "blobs").write_bytes(b"x" * 14_500_000)
    assert grown(growth) == [PLATFORMS]


def test_a_size_says_what_it_was_is_and_may_be():
    assert str(Size("open files", 80.0, 90.0)) == "open files 80.0 → 90.0"
    assert str(Size(PLATFORMS, 1.0, 3.0, 2.0)) == f"{PLATFORMS} 1.0 → 3.0 (2.0 by right)"
