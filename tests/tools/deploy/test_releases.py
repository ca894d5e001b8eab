from __future__ import annotations

import io
from datetime import UTC, datetime

from rich.console import Console

from publisher.errors import PlatformUnavailable
from publisher.history import remembered
from publisher.platforms.base import Kept
from publisher.session import Session
from tools.deploy import releases
from tools.deploy.releases import Answer, Place
from website import Manifest

MADE = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def manifest(release):
    return Manifest(release, "d", 1, {"index.html": "00:aaaa"}, {"aaaa": ("text/html", "no-cache")}, {"floor": []})


def state(*uploads):
    website = {"type": "publisher:index:Website", "inputs": remembered(manifest("r2"), [manifest("r1")], 5)}
    made = [
        {"type": "publisher:index:Upload", "inputs": {"platform": name, "target": {"id": name}}} for name in uploads
    ]
    return {"deployment": {"resources": [website, *made]}}


def shown(*answers):
    file = io.StringIO()
    Console(file=file, width=200).print(releases.table(["r2", "r1"], answers))
    return file.getvalue()


def test_places_come_from_the_state_in_the_order_of_the_hosts():
    found = releases.places(state("netlify", "aws"), ["aws", "netlify", "vercel"])
    assert found == [Place("aws", {"id": "aws"}), Place("netlify", {"id": "netlify"})]
    assert releases.places({}, ["aws"]) == []


def test_the_stacks_memory_is_read_from_the_state():
    assert releases.known_releases(state()) == ["r2", "r1"]
    assert releases.known_releases({}) == []


def test_a_release_can_be_set_when_it_is_remembered_and_every_platform_keeps_it():
    first = Answer("aws", "r2", [Kept("r2", "x"), Kept("r1", "x", MADE), Kept("r0", "x")])
    second = Answer("netlify", "r2", [Kept("r2", "y")])
    assert releases.everywhere(["r2", "r1"], [first, second]) == ["r2"]
    assert releases.everywhere(["r2", "r1"], [first]) == ["r2", "r1"]
    lines = shown(first, second).splitlines()
    assert any("r1" in line and "2026-11-23T08:00:00+00:00" in line and "no: not everywhere" in line for line in lines)
    assert any("r0" in line and "no: not remembered" in line for line in lines)
    assert any("r2" in line and "live" in line and "yes" in line for line in lines)


def test_a_platform_that_cannot_be_asked_is_shown_as_unknown_and_hides_no_other(monkeypatch):
    class Down:
        async def live(self):
            raise PlatformUnavailable("aws: no answer")

        async def close(self):
            return

    monkeypatch.setattr(Session, "platform", lambda *_: Down())
    (answer,) = releases.ask([Place("aws", {})], {})
    assert answer == Answer("aws", trouble="aws: no answer")
    document = releases.as_json(["r1"], [answer, Answer("netlify", "r1", [Kept("r1", "y")])])
    assert document["everywhere"] == ["r1"]
    assert document["platforms"][0]["error"] == "aws: no answer"
    assert "?" in shown(answer)
