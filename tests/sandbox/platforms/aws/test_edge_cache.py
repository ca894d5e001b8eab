from __future__ import annotations

import pytest

from sandbox.platforms.aws import edge_cache
from sandbox.platforms.aws.edge_cache import CachePolicy, EdgeCache
from sandbox.platforms.aws.reply import Reply

POLICY = CachePolicy(least=1.0, usual=60.0, most=600.0, compressed=False)


class Clock:
    seconds = 0.0

    def now(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def cache(clock, monkeypatch):
    monkeypatch.setattr(edge_cache, "_SWEPT_AT_FIRST", 4)
    return EdgeCache(clock)


def ask(cache, name, reply):
    return cache.answer(("d", name, ""), lambda: reply, POLICY, lambda status: 5.0)


def stored(folder, name):
    file = folder / name
    file.write_bytes(b"x")
    return Reply(200, {"etag": f'"{name}"'}, file)


def test_an_object_that_was_deleted_is_asked_for_again(cache, tmp_path):
    found = stored(tmp_path, "one")
    ask(cache, "one", found)
    assert ask(cache, "one", Reply(500)).cache == "Hit from cloudfront"
    found.body.unlink()
    assert ask(cache, "one", Reply(403)).status == 403


def test_errors_that_are_over_and_objects_that_are_deleted_are_let_go(cache, clock, tmp_path):
    gone, there = stored(tmp_path, "gone"), stored(tmp_path, "there")
    for name, reply in (("gone", gone), ("there", there), ("wrong", Reply(403))):
        ask(cache, name, reply)
    gone.body.unlink()
    clock.seconds = 70.0
    for number in range(2):
        ask(cache, f"new{number}", Reply(403))
    assert [name for _, name, _ in cache._kept] == ["there", "new0", "new1"]
    assert ask(cache, "there", there).cache == "RefreshHit from cloudfront"


def test_there_are_never_more_than_the_most(cache, monkeypatch, tmp_path):
    monkeypatch.setattr(edge_cache, "_MOST_ENTRIES", 8)
    for number in range(50):
        ask(cache, str(number), stored(tmp_path, str(number)))
        assert len(cache._kept) <= 9
    assert "49" in {name for _, name, _ in cache._kept}
