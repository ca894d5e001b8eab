"""The page as its readers get it, over a site that was watched for some days."""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import replace
from xml.etree import ElementTree

import httpx
import pytest

from coordinator.heartbeats import Heartbeats
from coordinator.status_page import words
from coordinator.status_page.rendering import as_json, export, feed, page
from coordinator.status_page.serving import Pages
from coordinator.watching.metrics import WatchMetrics
from coordinator.watching.watcher import TASK
from tests.coordinator.status_page.a_life import END, FORGE, HOSTS, SITE, Life, named_targets, reader_of

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("life")


@pytest.fixture
async def reader(folder):
    """Lived once a module; the others open what is there."""
    life = Life(days=3, step=600)
    if (folder / "life.sqlite").exists():
        life.lived = life.deployed = life.told = _nothing
    async with reader_of(folder, life, title="Example <b>") as found:
        life.now = END
        yield found


async def _nothing(_):
    return None


async def test_numbers_on_the_page_are_those_in_the_database(reader, folder):
    view = await reader.view()
    text = page(view)
    with sqlite3.connect(folder / "life.sqlite") as database:
        sums = "sum(good), sum(bad), sum(watched), sum(down)"
        query = f"SELECT name, {sums} FROM day JOIN target ON target = id GROUP BY name"
        found = {name: numbers for name, *numbers in database.execute(query)}
        looks = dict(database.execute("SELECT name, count(*) FROM look JOIN target ON target = id GROUP BY name"))
    assert set(found) == set(named_targets())
    for row in view.rows:
        good, bad, _, _ = found[row.name]
        assert (row.looks, row.share) == (good + bad, good / (good + bad))
        assert row.looks >= looks[row.name] > 0
        assert f"<strong>{words.percent(good / (good + bad), 3)}</strong>" in text
    _, _, watched, down = found[SITE]
    assert f'<p class="big">{words.percent(1 - down / watched, 4)}</p>' in text
    assert f"in {words.duration(watched)} watched" in text
    assert f"{words.duration(down)} down so far" in text
    assert f'<p class="big">{words.duration(max(0, 315.36 - down))}</p>' in text


async def test_incidents_have_their_time_line_to_the_second(reader):
    view = await reader.view()
    netlify = next(one for one in view.incidents if one.subject == "netlify")
    assert netlify.opened == pytest.approx(END - 2.1 * 86_400, abs=30)
    assert netlify.seconds(END) == pytest.approx(1260, abs=30)
    text = page(view)
    for line in (line for one in view.incidents for line in one.lines):
        assert f'<time datetime="{words.iso(line.at)}">' in text
        assert words.clock(line.at) in text


async def test_deployments_are_shown_by_platform_and_step(reader):
    view = await reader.view()
    text = page(view)
    own = [one for one in view.deployments if not one.trigger]
    again, failed, remote = own
    assert [one.outcome for one in own] == ["deployed", "failed", "deployed"]
    assert (again.attempt, remote.by, remote.hosts) == (2, "GitLab pipeline 48211", [])
    assert [host.state for host in failed.hosts] == ["deployed"] * 4 + ["failed", "deployed"]
    for host in again.hosts:
        assert host.seconds == pytest.approx(sum(host.steps.values()))
        assert f'<td class="n">{words.short(host.steps["verify"])}</td>' in text


async def test_runs_that_others_started_stand_among_the_deployments_and_none_twice(reader):
    view = await reader.view()
    assert [one.by for one in view.deployments] == [
        "GitLab pipeline 48240",
        "make up",
        "make up",
        "GitLab pipeline 48198",
        "GitLab pipeline 48211",
    ]
    by_hand, _, _, scheduled, own = view.deployments
    assert (by_hand.trigger, by_hand.outcome, by_hand.seconds(END)) == ("hand", "failed", 200)
    assert (scheduled.trigger, scheduled.outcome) == ("schedule", "succeeded")
    assert (own.trigger, own.outcome) == ("", "deployed")
    text = page(view)
    assert "GitLab pipeline 48240, by hand</span>" in text
    assert "Runs at GitHub are not known since" in text


async def test_addresses_of_runs_are_shown_where_the_settings_allow_it_only(reader):
    view = await reader.view()
    assert FORGE not in page(view) + as_json(view) + feed(view)
    inside = await replace(reader, links=True).view()
    assert f'<a href="{FORGE}/48240" rel="noreferrer">GitLab pipeline 48240</a>' in page(inside)
    assert f'<a href="{FORGE}/48211" rel="noreferrer">' in page(inside), "the run of the coordinator's own deployment"
    links = [one["link"] for one in json.loads(as_json(inside))["deployments"]]
    assert links == [f"{FORGE}/48240", "", "", f"{FORGE}/48198", f"{FORGE}/48211"]


async def test_what_the_platforms_say_is_shown_and_what_they_do_not_say_is_not_known(reader):
    view = await reader.view()
    assert [(one.name, one.phase, one.unknown_since is not None) for one in view.platform_states] == [
        ("vercel", "ready", False),
        ("netlify", "ready", False),
        ("aws", "ready", False),
        ("firebase", "ready", False),
        ("azure", "ready", True),
        ("gitlab", "failed", False),
    ]
    text = page(view)
    (azure,) = re.findall(r'<th scope="row">azure</th>\s<td colspan="4">.*?</td>', text)
    assert "Not known" in azure
    assert f'<time datetime="{words.iso(END - 1500)}">' in azure
    assert "<code>dpl_8Yx2</code>" in text
    assert next(row.state for row in view.rows if row.name == "azure") == "well", "an API is not what visitors get"


async def test_the_page_asks_nobody_else_and_needs_no_script(reader):
    text = page(await reader.view())
    assert len(text.encode()) < 50_000
    assert "<script" not in text
    loaded = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert {one.partition(":")[0] for one in loaded if not one.startswith("#")} == {"data", "feed.atom", "status.json"}
    assert not re.search(r"url\(|@import| style=", text)


async def test_what_others_have_said_cannot_become_markup(reader):
    view = await reader.view()
    assert "Example &lt;b&gt;" in page(view)
    assert "Example <b>" not in page(view)
    assert "Example &lt;b&gt;" in feed(view)


async def test_the_json_has_the_same_numbers(reader):
    view = await reader.view()
    found = json.loads(as_json(view))
    assert [row["name"] for row in found["rows"]] == named_targets()
    assert found["budget"]["left"] == view.budget.left
    assert (found["state"], found["sentence"]) == (view.state, view.sentence)
    assert [len(found["incidents"]), len(found["deployments"])] == [len(view.incidents), 5]


async def test_the_feed_is_atom_with_an_entry_for_each_incident(reader):
    view = await reader.view()
    root = ElementTree.fromstring(feed(view))
    entries = root.findall(f"{ATOM}entry")
    assert len(entries) == len(view.incidents)
    assert len({entry.findtext(f"{ATOM}id") for entry in entries}) == len(entries)
    for part in (root, *entries):
        assert all(part.findtext(f"{ATOM}{name}") for name in ("id", "title", "updated"))


async def test_it_is_written_as_files(reader, tmp_path):
    written = export(tmp_path / "out", await reader.view())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["feed.atom", "index.html", "status.json"]
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in written)


async def test_before_anything_was_watched_there_is_a_page_that_says_so(tmp_path):
    life = Life()
    life.lived = life.deployed = life.told = _nothing
    async with reader_of(tmp_path, life) as reader:
        view = await reader.view()
    assert (view.state, view.rows, view.budget.share) == ("unknown", [], None)
    assert "Nothing has been measured this year yet" in page(view)
    assert ElementTree.fromstring(feed(view)) is not None


class Served:
    def __init__(self, reader):
        self.beats, self.reads, self.now = Heartbeats(lambda: self.now), 0, 0.0
        self.pages = Pages(reader, WatchMetrics(), self.beats, lambda: self.now)

    async def get(self, path, method="GET", **headers):
        transport = httpx.ASGITransport(self.pages.app())
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as http:
            return await http.request(method, path, headers=headers)


async def test_every_answer_has_strict_headers_and_the_pages_own_style_is_all_that_is_allowed(reader):
    served = Served(reader)
    for path in ("/", "/status.json", "/feed.atom", "/metrics", "/healthz", "/nowhere"):
        answer = await served.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-"), path
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "set-cookie" not in answer.headers


async def test_what_has_not_changed_is_not_sent_again(reader):
    served = Served(reader)
    first = await served.get("/status.json")
    again = await served.get("/status.json", **{"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


async def test_however_many_ask_the_files_are_read_once_in_five_seconds(reader, monkeypatch):
    served, reads = Served(reader), []
    real = type(reader).view

    async def counted(self):
        reads.append(1)
        return await real(self)

    monkeypatch.setattr(type(reader), "view", counted)
    for _ in range(20):
        assert (await served.get("/")).status_code == 200
    assert len(reads) == 1
    served.now = 6.0
    await served.get("/")
    assert len(reads) == 2


async def test_metrics_say_what_the_page_says(reader):
    served = Served(reader)
    view = await reader.view()
    text = (await served.get("/metrics")).text
    assert float(re.search(r"^site_availability_ratio (.+)$", text, re.M)[1]) == pytest.approx(view.budget.share)
    assert float(re.search(r"^site_downtime_left_seconds (.+)$", text, re.M)[1]) == pytest.approx(view.budget.left)
    assert float(re.search(r"^releases_live (.+)$", text, re.M)[1]) == len(view.releases)


async def test_it_says_when_nobody_looks(reader):
    served = Served(reader)
    assert (await served.get("/healthz")).json() == {"status": "ok"}
    served.beats.beat(TASK, "looking", 30)
    served.now = 31.0
    stuck = await served.get("/healthz")
    assert (stuck.status_code, stuck.json()) == (503, {"status": "stuck"})


async def test_nothing_can_be_changed_by_it(reader):
    served = Served(reader)
    answers = [await served.get("/", method) for method in ("POST", "PUT", "DELETE", "PATCH")]
    assert {answer.status_code for answer in answers} == {405}


def test_the_platforms_of_this_life_are_all_shown():
    assert named_targets() == [SITE, "dns", *HOSTS]
