from __future__ import annotations

import gzip
import hashlib
import multiprocessing
import random
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from website import ChangedWhileReading, DigestCache, File, gzip_stream


def generated(content: bytes, path: str = "a.txt") -> File:
    return File(path, hashlib.sha256(content).hexdigest(), len(content), "text/plain", "no-cache", content)


@given(st.binary(max_size=200))
def test_the_digests_are_those_of_the_content(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    digests = DigestCache(tmp_path_factory.mktemp("cache"))
    file = generated(content)
    assert digests.sha1(file) == hashlib.sha1(content).hexdigest()
    assert digests.git_blob(file) == hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    packed = b"".join(gzip_stream(file))
    assert gzip.decompress(packed) == content
    assert digests.gzip_sha256(file) == hashlib.sha256(packed).hexdigest()
    digests.close()


def test_gzip_bears_no_time_stamp() -> None:
    assert b"".join(gzip_stream(generated(b"x"))).startswith(bytes.fromhex("1f8b0800000000000003"))


def test_text_is_packed_and_what_cannot_be_made_smaller_is_wrapped() -> None:
    noise, text = random.Random(1).randbytes(3_000_000), b"peace robots " * 300_000
    packed = [b"".join(gzip_stream(generated(content))) for content in (noise, text, noise[:10], b"")]
    assert [gzip.decompress(one) for one in packed] == [noise, text, noise[:10], b""]
    assert len(noise) < len(packed[0]) < 1.001 * len(noise)
    assert noise[:1000] in packed[0]
    assert len(packed[1]) < len(text) / 100


def test_gzip_digests_of_many_are_those_of_each_alone(tmp_path: Path) -> None:
    files = [generated(random.Random(n).randbytes(n) + b"text" * n, f"{n}.txt") for n in range(300)]
    found = DigestCache(tmp_path).gzip_sha256_many(files)
    assert found == {file.path: hashlib.sha256(b"".join(gzip_stream(file))).hexdigest() for file in files}


def test_many_are_given_by_path_and_read_once_for_each_content(tmp_path: Path) -> None:
    files = [generated(b"%d" % (n % 700), f"{n}.txt") for n in range(1400)]
    found = DigestCache(tmp_path).sha1_many(files)
    assert found["701.txt"] == found["1.txt"] == hashlib.sha1(b"1").hexdigest()
    assert len(found) == 1400


def test_what_is_known_is_not_read_again(tmp_path: Path) -> None:
    file = generated(b"content")
    DigestCache(tmp_path).sha1(file)
    unreadable = replace(file, source=tmp_path / "gone")
    assert DigestCache(tmp_path).sha1(unreadable) == hashlib.sha1(b"content").hexdigest()
    with pytest.raises(ChangedWhileReading):
        DigestCache(tmp_path).git_blob(unreadable)


def test_a_changed_file_gets_no_digest(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"other")
    file = replace(generated(b"content"), source=tmp_path / "a.txt")
    with pytest.raises(ChangedWhileReading):
        DigestCache(tmp_path).sha1(file)
    assert DigestCache(tmp_path).sha1(generated(b"content")) == hashlib.sha1(b"content").hexdigest()


def test_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "digests.sqlite").write_bytes(b"no database " * 100)
    file = generated(b"content")
    assert DigestCache(tmp_path).sha1(file) == hashlib.sha1(b"content").hexdigest()
    assert DigestCache(tmp_path).sha1(replace(file, source=tmp_path / "gone"))


def test_a_damaged_entry_is_not_believed(tmp_path: Path) -> None:
    file = generated(b"content")
    DigestCache(tmp_path).sha1(file)
    with sqlite3.connect(tmp_path / "digests.sqlite") as database:
        database.execute("update digest set value = ?", ("0" * 40,))
    database.close()
    assert DigestCache(tmp_path).sha1(file) == hashlib.sha1(b"content").hexdigest()


def test_a_cache_that_cannot_be_written_still_answers(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    assert DigestCache(tmp_path / "cache").sha1(generated(b"content")) == hashlib.sha1(b"content").hexdigest()


def _fill(folder: Path, start: int) -> None:
    cache = DigestCache(folder)
    for number in range(start, start + 40):
        cache.sha1(generated(b"%d" % number))


def test_processes_share_one_cache(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_fill, args=(tmp_path, start)) for start in (0, 20)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    with sqlite3.connect(tmp_path / "digests.sqlite") as database:
        assert database.execute("select count(*) from digest").fetchone() == (60,)
    database.close()
