"""Sites of thousands of files: whole, and without a resource for each file."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import requests

from tests.engine.stack import ROOT, Stack
from tools.bench.checkout import checkout
from website import load_site

FILES = 10_000
#: Platforms whose free plan takes that many files in a day.
TAKE_IT = ["netlify", "aws"]


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A stack with a site of 10,000 small files, some of them equal, in folders with odd names."""
    folder = tmp_path_factory.mktemp("large")
    content = folder / "content"
    picker = random.Random(42)
    for number in range(FILES):
        part = content / f"part {number % 50:02d}"
        part.mkdir(parents=True, exist_ok=True)
        suffix = picker.choice(["html", "html", "html", "css", "svg", "txt"])
        words = " ".join(str(picker.random()) for _ in range(picker.randrange(5, 40)))
        (part / f"page-{number}-é.{suffix}").write_text(f"<p>{words if number % 100 else 'the same'}\n", "utf-8")
    (content / "index.html").write_text("<p>home")
    (content / "404.html").write_text("<p>lost")
    root = checkout(ROOT, folder / "checkout", hosts=TAKE_IT)
    made = Stack(folder / "state", content, root=root)
    try:
        made.run("up")
        yield made
    finally:
        made.run("down", expect=None)


def test_every_file_comes_byte_for_byte_through_the_edge(large, tmp_path):
    site = load_site(str(large.content), cache=tmp_path / "cache")
    url = large.status()["site_url"].rstrip("/")
    session = requests.Session()

    def differs(file):
        answer = session.get(f"{url}/{file.path}", timeout=30)
        right = answer.status_code == 200 and answer.content == file.source.read_bytes()
        return None if right and answer.headers["Content-Type"].lower() == file.media_type.lower() else file.path

    files = [file for file in site.files.values() if not isinstance(file.source, bytes)]
    with ThreadPoolExecutor(8) as pool:
        assert [path for path in pool.map(differs, files) if path] == []


def test_the_state_grows_by_less_than_200_bytes_a_file_and_no_resource(large):
    state = next((large.folder / "pulumi").rglob("stacks/**/sandbox.json"))
    assert state.stat().st_size < 200 * FILES + 200_000
    assert state.read_text().count('"urn":') < 80


def test_nothing_changed_means_nothing_to_do(large):
    output = large.run("up")
    assert large.journal() == []
    assert "unchanged" in output


def test_the_publisher_needs_less_than_300_megabytes(large):
    (large.content / "part 08" / "another.html").write_text("<p>another")
    process = large.start("up")
    peak = 0
    while process.poll() is None:
        peak = max([peak, *map(memory, publishers(large))])
        time.sleep(0.05)
    process.communicate()
    assert process.returncode == 0
    assert 0 < peak < 300 * 1024 * 1024


def publishers(stack):
    """Plugin processes of this stack's runs."""
    for process in psutil.process_iter(["cmdline"]):
        if (process.info["cmdline"] or [""])[-2:-1] == [str(stack.root / "publisher")] and belongs(process, stack):
            yield process


def belongs(process, stack):
    try:
        return process.environ().get("PEACEFULROBOT_STATE") == str(stack.folder)
    except psutil.Error:
        return False


def memory(process):
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


def test_one_changed_file_of_ten_thousand_is_the_only_one_sent(large):
    changed = next((large.content / "part 07").iterdir())
    changed.write_text("<p>changed")
    large.run("up")
    uploads = [line["files_sent"] for line in large.journal() if line["operation"] == "upload"]
    assert uploads == [1, 1]
