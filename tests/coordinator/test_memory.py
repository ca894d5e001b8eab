from __future__ import annotations

import json
import os

import pytest

from coordinator.errors import Refused
from coordinator.memory import Memory
from coordinator.ramp import Pool

POOL = Pool(25, True, 1000.5, 1200.0, 2, 1190.0, False, 300.0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.json"


def test_what_was_kept_is_there_after_a_restart(path):
    Memory(path).keep({"p": POOL})
    assert Memory(path).pools == {"p": POOL}


def test_nothing_is_remembered_before_anything_was_kept(path):
    assert Memory(path).pools == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "\x00",
        "[]",
        '{"version": 2, "pools": {}}',
        '{"version": 1}',
        '{"version": 1, "pools": {}, "more": 1}',
        json.dumps({"version": 1, "pools": {"p": {"share": 300}}}),
    ],
)
def test_what_cannot_be_used_is_set_aside_and_told(path, caplog, text):
    path.write_text(text)
    assert Memory(path).pools == {}
    assert path.with_suffix(".unreadable").read_text() == text
    assert "rebuilt from the load balancer" in caplog.text


@pytest.mark.parametrize(("key", "value"), [("share", 101), ("since", -1.0), ("clean", 1.5), ("settled", "yes")])
def test_a_value_that_cannot_be_is_not_used(path, key, value):
    memory = Memory(path)
    memory.keep({"p": POOL})
    document = json.loads(path.read_text())
    document["pools"]["p"][key] = value
    path.write_text(json.dumps(document))
    assert Memory(path).pools == {}


def test_a_write_that_is_cut_off_leaves_the_old_file(path, monkeypatch):
    memory = Memory(path)
    memory.keep({"p": POOL})
    before = path.read_bytes()

    def cut(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", cut)
    with pytest.raises(OSError, match="No space"):
        memory.keep({})
    assert path.read_bytes() == before
    assert memory.pools == {"p": POOL}


def test_without_writing_nothing_is_on_disk(path):
    memory = Memory(path, writing=False)
    memory.keep({"p": POOL})
    assert memory.pools == {"p": POOL}
    assert not path.exists()


def test_a_second_coordinator_is_turned_away(path):
    with Memory(path).held(), pytest.raises(Refused, match=rf"process {os.getpid()}\) holds"), Memory(path).held():
        pass
    with Memory(path).held():
        pass
