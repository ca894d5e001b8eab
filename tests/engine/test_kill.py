"""`kill -9` of the whole process group at any moment of ``up``: one whole release is served, the next run ends well."""

from __future__ import annotations

import time

import pytest

from website import load_site


def releases(stack, tmp_path):
    """Release ids of the content as it is now."""
    return load_site(str(stack.content), cache=tmp_path / "cache").release_id


def change(stack, text):
    about = stack.content / "about.html"
    about.write_text(about.read_text("utf-8").replace("</main>", f"<p>{text}</p></main>"), "utf-8")


def kill_after(stack, seconds):
    """Start ``up`` and kill everything of it after ``seconds``; True if it was still running."""
    process = stack.start("up")
    time.sleep(seconds)
    running = process.poll() is None
    stack.kill(process)
    return running


def assert_whole(stack, allowed):
    """Each platform serves one whole release of the allowed ones."""
    pages = {"/": "index.html", "/styles.css": "styles.css"}
    for platform, release in stack.live().items():
        assert release in allowed, platform
        if release is not None:
            assert stack.get("/.well-known/release.json", platform).json()["release"] == release
            for path, name in pages.items():
                assert stack.get(path, platform).content == (stack.content / name).read_bytes()


@pytest.mark.parametrize(
    "seconds", [pytest.param(2.0, marks=pytest.mark.long), 5.0, pytest.param(7.0, marks=pytest.mark.long)]
)
def test_a_first_up_that_is_killed_is_finished_by_the_next(stack, tmp_path, seconds):
    release = releases(stack, tmp_path)
    kill_after(stack, seconds)
    stack.run("up")
    assert set(stack.live().values()) == {release}
    assert_whole(stack, {release})
    stack.run("preview", "--expect-no-changes")


@pytest.mark.long
def test_an_update_that_is_killed_at_any_moment_leaves_whole_releases_and_no_second_deploy(stack, tmp_path):
    stack.run("up")
    old = releases(stack, tmp_path)
    known = {old}
    started = time.monotonic()
    stack.run("up")
    length = time.monotonic() - started
    for number in range(4):
        change(stack, f"change {number}")
        new = releases(stack, tmp_path)
        kill_after(stack, length * (0.45 + 0.15 * number))
        assert set(stack.live().values()) <= {*known, new}
        stack.run("up")
        known.add(new)
        assert set(stack.live().values()) == {new}
        assert_whole(stack, {new})
    deploys = [found["title"] for found in stack.netlify_deploys()]
    assert sorted(deploys) == sorted(known)
    stack.run("preview", "--expect-no-changes")


def test_a_lock_of_a_dead_run_is_removed_and_said(stack):
    stack.run("up")
    change(stack, "locked")
    kill_after(stack, 4.0)
    output = stack.run("up")
    assert (
        "lock" in output.lower() or "pending" in output.lower() or "killed" in output.lower() or "unchanged" in output
    )
    assert "Done after" in output
