"""Whatever goes wrong at whichever call: visitors get one whole release, and the next run makes no second version."""

from __future__ import annotations

from contextlib import suppress
from itertools import count

import pytest

from publisher.errors import PlatformRefused, PlatformUnavailable, PublisherError
from publisher.journal import Journal
from publisher.platforms.firebase import api
from publisher.platforms.firebase.credentials import AccessTokens
from publisher.progress import Silence
from publisher.releasing import publish, upload
from sandbox.platforms.firebase.oauth import TokenEndpoint
from tests.publisher.platforms.firebase import faults
from tests.publisher.platforms.firebase.faults import Killed, Line, Reply

OLD = {"index.html": "<p>old", "404.html": "<p>lost", "a.css": "a {}", "_redirects": "/go/* /:splat 302\n"}
NEW = {**OLD, "index.html": "<p>new", "new.html": "<p>more"}
FAULTS = ("killed", "errors", "cut", "truncated", "401")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    """No pauses between attempts, and no key that is read and signed with anew for each of hundreds of runs."""
    monkeypatch.setattr("publisher.retries._FIRST_PAUSE", 0.001)
    monkeypatch.setattr("publisher.retries.random.uniform", lambda low, high: 0.0)
    shared = AccessTokens()
    monkeypatch.setattr(api, "AccessTokens", lambda: shared)


async def deploy(account, site, line) -> PublisherError | None:
    """One run over the line; returns its error, if any."""
    platform = account.platform()
    platform.http = platform._api._http = line
    with suppress(Killed):
        try:
            sent = await upload(platform, site, Silence(), Journal())
            await publish(platform, site.release_id, sent.staged, Silence(), Journal())
        except BaseExceptionGroup as group:
            if group.subgroup(Killed) is None:
                raise
        except PublisherError as error:
            return error
    return None


@pytest.mark.parametrize("fault", ["killed", "cut", "truncated"])
async def test_a_first_release_is_there_as_a_whole_or_not_at_all(account, make_site, fault):
    site, revoke = make_site(NEW), revocation(account)
    for at in count():
        here = await account.fresh(f"first-{at}")
        line = Line(here.http, fault, at, revoke)
        error = await deploy(here, site, line)
        live = await here.platform().live()
        assert live in {None, site.release_id}
        assert line.met or (error is None and live == site.release_id)
        await assert_next_run_finishes(here, site, error)
        if not line.met:
            break
    assert at >= 14


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_old_release_stays_whole_until_the_new_one_is(account, make_site, fault):
    old, revoke = make_site(OLD), revocation(account)
    await account.release(old)
    for at in count():
        new = make_site({**NEW, "index.html": f"<p>new {at}"})
        line = Line(account.http, fault, at, revoke)
        error = await deploy(account, new, line)
        live = await account.platform().live()
        assert live in {old.release_id, new.release_id}
        if fault in {"errors", "cut", "401"}:
            assert error is None, line.calls
            assert live == new.release_id
        else:
            await account.verify(old if live == old.release_id else new, passes=1)
        await assert_next_run_finishes(account, new, error)
        if not line.met:
            break
        old = new
    assert at >= 13


async def assert_next_run_finishes(here, site, error) -> None:
    assert error is None or isinstance(error, PlatformUnavailable | PlatformRefused)
    assert error is None or "Run again" in str(error) or "run again" in str(error)
    await here.release(site)
    await here.verify(site, passes=1)
    labels = [version["labels"].get("release") for version in here.versions()]
    assert labels.count(site.release_id) == here.labels().count(site.release_id) == 1
    assert len(here.live_releases()) == len(set(here.live_releases()))


def revocation(account):
    """Ends all access tokens that were given out."""
    world = account.sandbox.world
    return TokenEndpoint(world.store, world.folder / "firebase").revoke_all


async def test_a_version_that_was_given_up_by_firebase_is_made_anew(account, make_site):
    site = make_site(NEW)
    await deploy(account, site, Line(account.http, "killed", 2))
    (begun,) = account.versions("CREATED")
    store = account.sandbox.world.store
    store.put("firebase:version", begun["id"], {**begun, "created": begun["created"] - 13 * 3600})
    await account.release(site)
    await account.verify(site)
    assert account.labels() == [site.release_id]
    assert [version["id"] for version in account.versions("ABANDONED")] == [begun["id"]]


async def test_what_an_earlier_run_has_sent_is_not_sent_again(account, make_site):
    site = make_site(NEW)
    first = Line(account.http, "killed", 4)
    await deploy(account, site, first)
    second = Line(account.http, "none", 1000)
    assert await deploy(account, site, second) is None
    sent = [call for line in (first, second) for call in line.calls if "/upload/" in call]
    assert len(set(sent)) == 5
    assert len([call for call in second.calls if "/upload/" in call]) < 5


async def test_a_wait_that_is_longer_than_sensible_ends_the_run_and_says_so(account, make_site, monkeypatch):
    line = Line(account.http, "errors", 0)
    monkeypatch.setattr(faults, "ERRORS", [Reply(429, {"Retry-After": "86400"}, b"{}")])
    error = await deploy(account, make_site(NEW), line)
    assert isinstance(error, PlatformUnavailable)
    assert "run again later" in str(error)
    assert len(line.calls) == 1
