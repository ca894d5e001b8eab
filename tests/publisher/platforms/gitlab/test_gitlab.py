from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from publisher.errors import LimitExceeded, PlatformRefused, PlatformUnavailable, PublisherError, StagedDiffers
from publisher.journal import Journal
from publisher.platforms.base import Plan, Quota
from publisher.platforms.gitlab import GitlabPlatform
from publisher.progress import Silence
from publisher.releasing import publish, recover
from tests.publisher.platforms.remembering import remembered

PAGES = {
    "index.html": "<p>home",
    "about.html": "<p>about",
    "posts/index.html": "<p>posts",
    "posts/a b & c.html": "<p>odd name",
    "posts/größe.html": "<p>ünïcode",
    "posts/taken.html": "<p>shown under its whole name only",
    "style.css": "p { color: green }",
    "gone.css": "p { color: red }",
    "app.3f2a9c1b.js": "'use strict'",
    "404.html": "<p>lost",
    "_redirects": "/old /about 301\n/docs/* /posts/:splat 302\n/forced /posts/ 302!\n/in-place /about.html 200\n"
    "/gone.css /style.css 301!\n/posts/taken /about 301!\n/app/* /posts/:splat 200\n"
    "/ext https://example.org/x?y=1 302\n",
    "_headers": "/posts/*\n  X-Extra: posts\n  Referrer-Policy: no-referrer\n",
}


SMALL = {"index.html": "<p>home", "about.html": "<p>about", "_redirects": "/old /about 301\n"}


async def test_a_release_answers_every_path_as_the_site_says(account, make_site):
    site = make_site(PAGES)
    sent = await account.release(site)
    assert sent.files_sent == 10
    assert await account.verify(site) > 20


async def test_one_changed_page_sends_that_page(account, make_site):
    await account.release(make_site(PAGES))
    site = make_site({**PAGES, "about.html": "<p>changed"})
    sent = await account.release(site)
    assert sent.files_sent == 1
    await account.verify(site)


async def test_a_moved_page_is_not_sent_again(account, make_site):
    await account.release(make_site(PAGES))
    site = make_site(
        {**{path: text for path, text in PAGES.items() if path != "style.css"}, "new/moved.css": PAGES["style.css"]}
    )
    sent = await account.release(site)
    assert sent.files_sent == 0
    await account.verify(site)


async def test_a_staged_release_is_seen_by_nobody_and_costs_no_minutes(account, make_site):
    old = make_site(PAGES)
    await account.release(old)
    await account.upload(make_site({**PAGES, "index.html": "<p>next"}))
    await account.verify(old)
    assert len(await account.pipelines()) == 1


async def test_one_release_gets_one_pipeline_however_often_it_is_published(account, make_site):
    site = make_site(PAGES)
    for _ in range(3):
        await account.release(site)
    assert await account.publications() == [site.release_id]
    assert len(await account.pipelines()) == 1


async def test_the_same_release_is_the_same_commit(account, make_site):
    first = await account.upload(make_site(PAGES))
    await account.api(f"/repository/branches/releases%2F{make_site(PAGES).release_id}", "DELETE")
    assert (await account.upload(make_site(PAGES))).staged == first.staged


async def test_an_earlier_release_comes_back_without_files(account, make_site):
    first, second = make_site(PAGES), make_site({**PAGES, "index.html": "<p>second"})
    await account.release(first)
    await account.release(second)
    platform = account.platform()
    sent = await recover(platform, remembered(first), Silence(), Journal())
    await publish(platform, first.release_id, sent.staged, Silence(), Journal())
    await platform.close()
    assert await account.platform().live() == first.release_id
    assert await account.publications() == [first.release_id, second.release_id, first.release_id]
    await account.verify(first)


async def test_kept_names_releases_the_last_published_first_and_prune_leaves_the_newest(account, make_site):
    sites = [make_site({**PAGES, "index.html": f"<p>{number}"}) for number in range(4)]
    account.target["keep"] = "2"
    for site in sites[:3]:
        await account.release(site)
    assert [kept.release for kept in await account.platform().kept()] == [sites[2].release_id, sites[1].release_id]
    await account.release(sites[0])
    kept = await account.platform().kept()
    assert [found.release for found in kept] == [sites[0].release_id, sites[2].release_id]
    assert all(datetime.now(UTC) - found.made < timedelta(minutes=5) for found in kept)
    await account.verify(sites[0])


async def test_prune_takes_what_was_never_published_first_and_never_the_live_one(account, make_site):
    live = make_site(PAGES)
    await account.upload(make_site({**PAGES, "index.html": "<p>never"}))
    account.target["keep"] = "1"
    await account.release(live)
    assert [found.release for found in await account.platform().kept()] == [live.release_id]


async def test_the_forge_packs_what_pushes_left_and_drops_what_pages_shows_no_more(account, make_site, monkeypatch):
    monkeypatch.setattr("sandbox.platforms.gitlab.pipelines._PUSHES_UNTIL_TIDIED", 2)
    for number in range(3):
        await account.release(make_site({**PAGES, "index.html": f"<p>{number}"}))
    folder = account.sandbox.world.folder / "gitlab"
    homes = {path.read_text() for path in (folder / "pages").rglob("*") if path.is_file()} & {"<p>0", "<p>1", "<p>2"}
    assert homes == {"<p>2"}
    assert list(folder.glob("repositories/*.git/objects/pack/*.pack"))
    await account.verify(make_site({**PAGES, "index.html": "<p>2"}))


async def test_nothing_is_live_before_the_first_release_nor_after_pages_was_emptied(account, make_site):
    assert await account.platform().live() is None
    site = make_site(PAGES)
    await account.release(site)
    assert await account.platform().live() == site.release_id
    await account.api("/pages", "DELETE")
    assert await account.platform().live() is None


async def test_pipelines_of_the_default_branch_count_for_the_quota(account, make_site, monkeypatch):
    await account.release(make_site(PAGES))
    await account.release(make_site({**PAGES, "index.html": "<p>second"}))
    assert len(await account.platform().deployments(datetime.now(UTC) - timedelta(days=1))) == 2
    assert await account.platform().deployments(datetime.now(UTC) + timedelta(days=1)) == []
    tight = {"free": Plan(quotas=(Quota("compute minutes", 30, 2),)), "premium": Plan()}
    monkeypatch.setattr(GitlabPlatform, "traits", _with_plans(GitlabPlatform.traits, tight))
    with pytest.raises(LimitExceeded, match=r"2 of 2 compute minutes .* Nothing was sent"):
        await account.release(make_site({**PAGES, "index.html": "<p>third"}))


def _with_plans(traits, plans):
    return type(traits)(**{**{name: getattr(traits, name) for name in traits.__dataclass_fields__}, "plans": plans})


@pytest.mark.parametrize("secret", ["hunter2hunter2", "glpat-wrong"])
async def test_a_refused_token_is_named_without_its_value(account, make_site, monkeypatch, secret):
    monkeypatch.setenv("GITLAB_TOKEN", secret)
    with pytest.raises(PlatformRefused, match=r"HTTP 401.*Set GITLAB_TOKEN") as error:
        await account.release(make_site(PAGES))
    assert secret not in str(error.value)


async def test_a_missing_token_is_named(account, make_site, monkeypatch):
    monkeypatch.delenv("GITLAB_TOKEN")
    with pytest.raises(PlatformRefused, match="GITLAB_TOKEN is not set"):
        await account.release(make_site(PAGES))


async def test_a_release_branch_with_other_bytes_is_not_published(account, make_site):
    old, site = make_site({**PAGES, "index.html": "<p>old"}), make_site(PAGES)
    await account.release(old)
    query = {"branch": f"releases/{site.release_id}", "ref": f"releases/{old.release_id}"}
    await account.api("/repository/branches", "POST", **query)
    with pytest.raises(StagedDiffers, match="is not the release; nothing was published"):
        await account.release(site)
    await account.verify(old)


async def test_a_failed_pipeline_says_why_and_the_next_run_begins_anew(account, make_site):
    old, site = make_site(PAGES), make_site({**PAGES, "index.html": "<p>new"})
    await account.release(old)
    pipelines = account.sandbox.twins[0].resource_types[0]._projects.pipelines
    real, pipelines._keep = pipelines._keep, lambda *_: _too_much()
    with pytest.raises(PlatformRefused, match=r"ended as failed \(artifacts for pages are too large: 2147483648"):
        await account.release(site)
    await account.verify(old)
    pipelines._keep = real
    await account.release(site)
    await account.verify(site)
    assert await account.publications() == [site.release_id, old.release_id]


async def _too_much():
    return 2 * 1024**3


async def test_a_branch_that_moved_meanwhile_is_built_upon(account, make_site, monkeypatch):
    site = make_site(PAGES)
    platform = account.platform()
    sent = await account.upload(site)
    real, others = platform._repository.follow_up, ["one"]

    async def follow_up(*arguments):
        made = await real(*arguments)
        if others:
            others.pop()
            await _somebody_commits(account)
        return made

    monkeypatch.setattr(platform._repository, "follow_up", follow_up)
    await publish(platform, site.release_id, sent.staged, Silence(), Journal())
    await platform.close()
    await account.verify(site)
    assert await account.publications() == [site.release_id, "note"]


async def _somebody_commits(account):
    base, token = account.sandbox.environment["GITLAB_BASE_URL"], account.sandbox.environment["GITLAB_TOKEN"]
    action = {"action": "create", "file_path": "note.txt", "content": "hello"}
    body = {"branch": "main", "commit_message": "note", "actions": [action]}
    address = f"{base}projects/{account.project}/repository/commits"
    async with account.http.post(address, json=body, headers={"PRIVATE-TOKEN": token}) as answer:
        assert answer.status == 201


async def _calls_of_a_release(account, site) -> int:
    account.target["keep"] = "1"
    account.wire.heal()
    await account.release(site)
    return len(account.wire.requests)


async def test_killed_after_any_call_visitors_see_one_whole_release_and_one_publication_is_made(account, make_site):
    old = make_site(SMALL)
    account.target["keep"] = "1"
    await account.release(old)
    published, point = [old.release_id], 0
    while True:
        new = make_site({**SMALL, "index.html": f"<p>new {point}", "new.html": f"<p>{point}"})
        finished = await _die_after_call(account, new, point)
        account.wire.heal()
        await account.settled()
        live = await account.platform().live()
        await account.verify(new if live == new.release_id else old)
        await account.release(new)
        await account.verify(new)
        published.insert(0, new.release_id)
        assert await account.publications() == published
        assert len([found for found in await account.pipelines() if found["status"] == "success"]) == len(published)
        if finished:
            break
        old, point = new, point + 1
    assert point > 20


async def _die_after_call(account, site, point) -> bool:
    """Publish, and die right after call number ``point`` was answered; whether the release was published before."""
    task = asyncio.create_task(account.release(site))

    async def spoil(number, request, response):
        if number == point:
            task.cancel()
        return response

    account.wire.heal()
    account.wire.spoil = spoil
    with suppress(asyncio.CancelledError):
        await task
        return True
    return False


def _status(code, body="", **headers):
    def refuse(request):
        return web.Response(status=code, text=body, headers=headers)

    return refuse


@pytest.mark.parametrize(
    ("answer", "times", "first"),
    [
        (_status(429, "Retry later\n", **{"Retry-After": "0"}), 2, 0),
        (_status(500, '{"message":"500 Internal Server Error"}'), 2, 1),
        (_status(502, "<html><body>GitLab is not responding</body></html>"), 1, 2),
    ],
    ids=["429", "500", "page"],
)
async def test_an_answer_that_heals_is_asked_for_again_wherever_it_comes(
    account, make_site, quick, answer, times, first
):
    calls = await _calls_of_a_release(account, make_site(SMALL))
    for point in range(first, calls, 3):
        site = make_site({**SMALL, "index.html": f"<p>{point}"})
        account.wire.heal()
        account.wire.refuse = lambda number, request, at=point: answer(request) if at <= number < at + times else None
        await account.release(site)
        await account.verify(site)
        assert (await account.publications()).count(site.release_id) == 1


async def _cut(request, response):
    request.transport.abort()
    return response


async def _truncated(request, response):
    body = bytes(response.body or b"some text")
    short = web.StreamResponse(status=response.status, headers={"Content-Type": response.content_type})
    short.content_length = len(body)
    await short.prepare(request)
    await short.write(body[: len(body) // 2])
    request.transport.abort()
    return short


@pytest.mark.parametrize(("spoiled", "first"), [(_cut, 0), (_truncated, 1)], ids=["cut", "truncated"])
async def test_an_answer_lost_after_the_server_did_what_was_asked_makes_nothing_twice(
    account, make_site, quick, spoiled, first
):
    calls = await _calls_of_a_release(account, make_site(SMALL))
    for point in range(first, calls, 2):
        site = make_site({**SMALL, "index.html": f"<p>{point}"})

        async def spoil(number, request, response, at=point):
            return await spoiled(request, response) if number == at else response

        account.wire.heal()
        account.wire.spoil = spoil
        with suppress(PlatformUnavailable):
            await account.release(site)
        account.wire.heal()
        await account.release(site)
        await account.verify(site)
        assert (await account.publications()).count(site.release_id) == 1


async def test_a_token_that_is_taken_back_half_way_leaves_the_old_release_whole(account, make_site, quick):
    old = make_site(SMALL)
    calls = await _calls_of_a_release(account, old)
    for point in range(0, calls, 3):
        site = make_site({**SMALL, "index.html": f"<p>{point}"})
        account.wire.heal()
        headers = {"WWW-Authenticate": 'Basic realm="GitLab"'}
        account.wire.refuse = lambda number, request, at=point, headers=headers: (
            web.Response(status=401, text='{"message":"401 Unauthorized"}', headers=headers) if number >= at else None
        )
        with pytest.raises(PublisherError, match="GITLAB_TOKEN"):
            await account.release(site)
        account.wire.heal()
        await account.release(site)
        await account.verify(site)
        assert (await account.publications()).count(site.release_id) == 1


async def test_the_token_is_in_no_command_line_and_in_no_file(account, make_site, monkeypatch):
    seen = []
    real = asyncio.create_subprocess_exec

    async def watched(*arguments, **options):
        seen.append(" ".join(map(str, arguments)))
        return await real(*arguments, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", watched)
    platform = account.platform()
    await platform._connect()
    token = account.sandbox.environment["GITLAB_TOKEN"]
    config = (platform._repository._folder / "config").read_text()
    folder = platform._repository._folder
    await platform.close()
    assert len(seen) > 4
    assert not any(token in line for line in seen)
    assert token not in config
    assert not folder.exists()


async def test_the_newest_pipeline_is_told_with_its_deployment(account, make_site):
    site = make_site(PAGES)
    await account.release(site)
    newest = await account.platform().newest()
    assert (newest.state, newest.phase, newest.release) == ("success", "ready", site.release_id)
    assert abs(datetime.now(UTC) - newest.made) < timedelta(minutes=5)
