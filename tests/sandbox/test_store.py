from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from sandbox.store import Store


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "world")
    yield made
    made.close()


def test_a_document_is_found_under_its_kind_and_id(store):
    store.put("bucket", "a", {"name": "a", "tags": {"x": [1, None]}})
    assert store.get("bucket", "a") == {"name": "a", "tags": {"x": [1, None]}}
    assert store.get("site", "a") is None


def test_a_second_put_replaces_the_document(store):
    store.put("bucket", "a", {"n": 1})
    store.put("bucket", "a", {"n": 2})
    assert store.all("bucket") == {"a": {"n": 2}}


def test_all_documents_of_one_kind_come_in_order_of_their_ids(store):
    for identifier in ("b", "a", "c"):
        store.put("bucket", identifier, {})
    store.put("site", "z", {})
    assert list(store.all("bucket")) == ["a", "b", "c"]


def test_delete_says_whether_there_was_something(store):
    store.put("bucket", "a", {})
    assert store.delete("bucket", "a")
    assert not store.delete("bucket", "a")


def test_a_transaction_that_fails_leaves_nothing(store):
    def fails():
        with store.transaction():
            store.put("bucket", "a", {"n": 2})
            with store.transaction():
                store.put("bucket", "b", {})
            raise RuntimeError

    store.put("bucket", "a", {"n": 1})
    with pytest.raises(RuntimeError):
        fails()
    assert store.all("bucket") == {"a": {"n": 1}}
    with store.transaction():
        store.put("bucket", "b", {})
    assert sorted(store.all("bucket")) == ["a", "b"]


def test_threads_write_side_by_side(store):
    def write(thread):
        for number in range(20):
            store.put("note", f"{thread}-{number}", {})

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.all("note")) == 80


WRITER = """
import os, signal, sys
from pathlib import Path
from sandbox.store import Store
store = Store(Path(sys.argv[1]))
for number in range(3):
    store.put("note", str(number), {"number": number})
with store.transaction():
    store.put("note", "unfinished", {})
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_answered_for_survives_kill_9_and_half_a_transaction_does_not(tmp_path):
    subprocess.run([sys.executable, "-c", WRITER, tmp_path], check=False)
    store = Store(tmp_path)
    assert store.all("note") == {str(number): {"number": number} for number in range(3)}
    store.close()
