from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from publisher.journal import Entry, Journal


def test_lines_of_parallel_operations_never_mix(tmp_path):
    path = tmp_path / "journal.jsonl"
    entry = Entry("upload", "example", "r0123456789abcdef", 1.5, 3, 99, 1)
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(Journal(path).add, entry) for _ in range(200)]:
            done.result()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == 200
    assert all(line["files_sent"] == 3 and line["calls"] == 1 for line in lines)


def test_without_the_variable_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.delenv("PUBLISHER_JOURNAL", raising=False)
    monkeypatch.chdir(tmp_path)
    Journal().add(Entry("verify", "example", "r0", 0.1))
    assert list(tmp_path.iterdir()) == []


def test_the_variable_names_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("PUBLISHER_JOURNAL", str(tmp_path / "run.jsonl"))
    Journal().add(Entry("publish", "example", "r0", 0.1, calls=1))
    assert json.loads((tmp_path / "run.jsonl").read_text())["operation"] == "publish"
