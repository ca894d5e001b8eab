from __future__ import annotations

import asyncio
import dataclasses
import json
import os
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

import pytest

from publisher.errors import LimitExceeded, PlatformRefused, ReleaseGone, StagedDiffers
from publisher.journal import Journal
from publisher.platforms.firebase import FirebasePlatform
from publisher.progress import Silence
from publisher.releasing import find_kept, publish, recover, upload
from publisher.verification import PublicOrigin, difference
from tests.publisher.platforms.remembering import remembered
from website import DigestCache, HeaderRule

PAGES = {
    "index.html": "<p>home",
    "about.html": "<p>about",
    "posts/index.html": "<p>posts",
    "posts/a b & c.html": "<p>odd name",
    "posts/café (1).html": "<p>odder name",
    "style.css": "p { color: green }",
    "app.3f2a9c1b.js": "'use strict'",
    "data": "no extension",
    "404.html": "<p>lost",
    "_redirects": "/old /about 301\n/docs/* /posts/:splat 302\n/forced /posts/ 307!\n/in-place /about.html 200\n"
    "/posts/* /about 308\n/data /about 302!\n/app/* /about.html 200\n/out/* https://example.org/x/:splat 301\n",
    "_headers": "/posts/*\n  X-Extra: posts\n  Referrer-Policy: no-referrer\n/posts/\n  x-extra: index\n",
}

BESIDE_FILES = (
    "/about",
    "/posts",
    "/posts/a b & c",
    "/posts/café (1)",
    "/posts/nothing/there",
    "/docs/",
    "/docs/a/b é",
    "/docs//evil.example",
    "/app/",
    "/app/deep/er",
    "/out/",
    "/out/a/b",
    "/style",
    "/nothing.html",
)


async def test_a_release_answers_every_path_as_the_site_says(account, make_site):
    site = make_site(PAGES)
    sent = await account.release(site)
    assert sent.files_sent == 9
    assert await account.verify(site) >= 20
    origin = PublicOrigin("firebase", f"https://{account.hostname}", account.hostname)
    for path in BESIDE_FILES:
        assert await difference(account.http, origin, path, site.answer(path), site.rules.floor) is None


async def test_one_changed_page_sends_that_page_also_without_the_cache_of_digests(account, make_site, tmp_path):
    await account.release(make_site(PAGES))
    account.digests = DigestCache(tmp_path / "another-machine")
    site = make_site({**PAGES, "about.html": "<p>changed"})
    sent = await account.release(site)
    assert sent.files_sent == 1
    await account.verify(site)


async def test_a_staged_release_is_seen_by_nobody(account, make_site):
    old, new = make_site(PAGES), make_site({**PAGES, "index.html": "<p>next"})
    await account.release(old)
    staged = await upload(account.platform(), new, Silence(), Journal())
    assert staged.staged.endswith(account.versions("FINALIZED")[-1]["id"])
    await account.verify(old)
    assert account.channel("staged")["hostname"] != account.hostname
    assert account.channel("staged")["hostname"].startswith("robot-site--staged-")


async def test_one_release_is_one_version_and_one_switch_however_often_it_is_published(account, make_site):
    site = make_site(PAGES)
    for _ in range(3):
        await account.release(site)
    assert account.labels() == [site.release_id]
    assert len(account.live_releases()) == 1


async def test_an_earlier_release_comes_back_without_its_files(account, make_site):
    first, second = make_site(PAGES), make_site({**PAGES, "index.html": "<p>second"})
    await account.release(first)
    await account.release(second)
    platform = account.platform()
    back = await recover(platform, remembered(first), Silence(), Journal())
    await publish(platform, first.release_id, back.staged, Silence(), Journal())
    assert back.files_sent == 0
    assert len(account.versions()) == 2
    await account.verify(first)


async def test_kept_are_complete_releases_of_ours_newest_first(account, make_site):
    sites = [make_site({**PAGES, "index.html": f"<p>{number}"}) for number in range(3)]
    for site in sites[:2]:
        await account.release(site)
    platform = account.platform()
    await platform.find_staged(sites[2])
    await platform.missing(sites[2])  # begun, not complete
    await platform._api.create_version({"deployment-tool": "cli-firebase"})
    kept = await platform.kept()
    assert [found.release for found in kept] == [sites[1].release_id, sites[0].release_id]
    assert kept[0].made >= kept[1].made
    assert kept[0].made.utcoffset().total_seconds() == 0
    with pytest.raises(ReleaseGone, match=f"It has {sites[1].release_id}, {sites[0].release_id}"):
        await find_kept(platform, sites[2].release_id)


async def test_old_versions_are_deleted_but_never_the_live_one_nor_those_of_others(account, make_site):
    foreign = await account.platform()._api.create_version({"deployment-tool": "cli-firebase"})
    await account.platform()._api.finalize(foreign["name"], {})
    sites = [make_site({**PAGES, "index.html": f"<p>{number}"}) for number in range(4)]
    for site in sites:
        await account.release(site, keep="2")
    assert account.labels() == [sites[2].release_id, sites[3].release_id]
    assert foreign["name"].endswith(account.versions("FINALIZED")[0]["id"])
    assert (
        len(list(account.sandbox.world.folder.glob("firebase/blobs/*/*"))) == 8 + 2 + 2
    )  # with two home pages and two records
    await account.release(sites[2], keep="2")
    await account.platform(keep="1").prune(sites[2].release_id)
    assert account.labels() == [sites[2].release_id, sites[3].release_id]
    await account.verify(sites[2])


async def test_what_the_preview_channel_shows_is_not_deleted(account, make_site):
    """Deleting it would be refused, and the next release takes the channel over anyway."""
    sites = [make_site({**PAGES, "index.html": f"<p>{number}"}) for number in range(3)]
    for site in sites:
        await account.release(site)
    await upload(account.platform(), sites[0], Silence(), Journal())
    await account.platform(keep="1").prune(sites[2].release_id)
    assert account.labels() == [sites[0].release_id, sites[2].release_id]


async def test_more_paths_than_one_call_takes_are_told_in_several(account, make_site):
    pages = {"index.html": "<p>home", **{f"p/{number}.txt": "the same" for number in range(2100)}}
    site = make_site(pages)
    sent = await account.release(site)
    assert sent.files_sent == 2
    (version,) = account.versions()
    assert version["files"] == len(site.files) + 1  # and the clean URL of the home page
    await account.verify(site)


async def test_a_version_with_other_bytes_is_not_published(account, make_site, monkeypatch):
    without_pauses = SimpleNamespace(**{**vars(asyncio), "sleep": lambda _: asyncio.sleep(0)})
    monkeypatch.setattr("publisher.verification.asyncio", without_pauses)
    old, site = make_site({**PAGES, "index.html": "<p>old"}), make_site(PAGES)
    await account.release(old)
    await upload(account.platform(), site, Silence(), Journal())
    folder = account.sandbox.world.folder / "firebase" / "blobs"
    digests = [account.digests.gzip_sha256(one.files["index.html"]) for one in (old, site)]
    spoilt, whole = (folder / digest[:2] / digest for digest in reversed(digests))
    spoilt.write_bytes(whole.read_bytes())
    with pytest.raises(StagedDiffers, match=r"/: 6 bytes with digest"):
        await account.release(site)
    assert await account.platform().live() == old.release_id


async def test_a_version_of_an_older_layout_is_not_taken_for_one_of_today(account, make_site, monkeypatch):
    site = make_site(PAGES)
    await upload(account.platform(), site, Silence(), Journal())
    monkeypatch.setattr("publisher.platforms.firebase._OURS", {"deployment-tool": "peacefulrobot-infra", "layout": "2"})
    await account.release(site)
    assert [version["labels"]["layout"] for version in account.versions("FINALIZED")] == ["1", "2"]
    assert account.live_releases() == [account.versions()[1]["id"]]


# Credentials


def key_text():
    return Path(os.environ["GOOGLE_APPLICATION_CREDENTIALS"]).read_text()


async def test_the_key_itself_or_its_path_in_the_variable_of_the_provider_comes_first(account, make_site, monkeypatch):
    path, content = os.environ["GOOGLE_APPLICATION_CREDENTIALS"], key_text()
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere")
    for number, given in enumerate((path, content)):
        monkeypatch.setenv("GOOGLE_CREDENTIALS", given)
        await account.release(make_site({"index.html": f"<p>{number}"}))
    assert len(account.versions()) == 2


async def test_a_key_that_google_refuses_is_named_without_its_value(account, make_site, monkeypatch):
    key = json.loads(key_text())
    monkeypatch.setenv("GOOGLE_CREDENTIALS", json.dumps({**key, "private_key_id": "hunter2"}))
    with pytest.raises(PlatformRefused, match=r"gives no access token.*Set GOOGLE_APPLICATION_CREDENTIALS") as error:
        await account.release(make_site(PAGES))
    assert "hunter2" not in str(error.value)
    assert "PRIVATE KEY" not in str(error.value)


@pytest.mark.parametrize("given", ["{not json", "/nowhere/key.json", '{"type": "service_account"}'])
async def test_credentials_that_cannot_be_read_are_named(account, make_site, monkeypatch, given):
    monkeypatch.setenv("GOOGLE_CREDENTIALS", given)
    with pytest.raises(PlatformRefused, match=r"firebase: .*credentials.* Set GOOGLE_APPLICATION_CREDENTIALS"):
        await account.release(make_site(PAGES))


async def test_without_a_key_in_the_first_variable_the_application_default_counts(account, make_site, monkeypatch):
    monkeypatch.delenv("GOOGLE_CREDENTIALS")
    await account.release(make_site(PAGES))
    assert len(account.labels()) == 1


async def test_missing_credentials_are_named(account, make_site, monkeypatch, tmp_path):
    for name in ("GOOGLE_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    with pytest.raises(PlatformRefused, match=r"no usable credentials for Google. Set GOOGLE_APPLICATION_CREDENTIALS"):
        await account.release(make_site(PAGES))


async def test_a_token_that_is_refused_for_good_is_named_without_its_value(account, make_site, monkeypatch):
    platform = account.platform()

    async def token():
        return {"authorization": "Bearer hunter2"}

    monkeypatch.setattr(platform._api._tokens, "headers", token)
    with pytest.raises(PlatformRefused, match=r"HTTP 401.*The access token is not accepted") as error:
        await upload(platform, make_site(PAGES), Silence(), Journal())
    assert "hunter2" not in str(error.value)


async def test_another_project_or_a_site_that_is_gone_is_named_with_what_to_do(account, make_site):
    with pytest.raises(PlatformRefused, match=r"HTTP 403.*roles/firebasehosting.admin"):
        await account.release(make_site(PAGES), project="somebody-elses")
    with pytest.raises(PlatformRefused, match=r"HTTP 404.*run `pulumi refresh`"):
        await account.release(make_site(PAGES), site_id="not-there")


async def test_a_site_that_was_switched_off_shows_nothing_and_comes_back(account, make_site):
    site = make_site(PAGES)
    await account.release(site)
    platform = account.platform()
    await platform._api._json("POST", f"{platform._api._site}/releases", "switching off", json={"type": "SITE_DISABLE"})
    assert await platform.live() is None
    await account.release(site)
    await account.verify(site)
    assert account.labels() == [site.release_id]


# What the platform cannot take


def test_all_that_firebase_cannot_take_is_named_at_once_by_file_and_line(make_site):
    site = make_site(
        {
            "index.html": "<p>home",
            "tool.exe": "MZ",
            "a/b.html": "<p>",
            "c/d.html": "<p>",
            "_redirects": "/__/x /a 301\n/y/* /to:splat 301\n/a/* /c/d 200!\n/fine /a/b 301\n",
        }
    )
    with pytest.raises(PlatformRefused) as error:
        FirebasePlatform.check_site(site)
    lines = str(error.value).splitlines()
    assert [line.split(" cannot ")[0] for line in lines] == [
        "tool.exe: firebase (plan spark)",
        "_redirects:3: firebase",
        "_redirects:1: firebase",
        "_redirects:2: firebase",
    ]
    assert all(line.endswith("take firebase out of `hosts`.") and ", because " in line for line in lines)
    with pytest.raises(PlatformRefused) as error:
        FirebasePlatform.check_site(site, {"plan": "blaze"})
    assert "tool.exe" not in str(error.value)


def test_a_file_that_is_too_large_is_refused_and_on_spark_so_is_a_site(make_site):
    site = make_site({"index.html": "<p>home"})
    huge = dataclasses.replace(site.files["index.html"], path="film.mp4", size=2 * 1024**3 + 1)
    big = dataclasses.replace(site, files=MappingProxyType({**site.files, "film.mp4": huge}))
    with pytest.raises(LimitExceeded, match=r"firebase \(plan spark\): size of film.mp4 in bytes is 2,147,483,649"):
        FirebasePlatform.check_site(big)
    part = dataclasses.replace(huge, size=2 * 1024**3)
    many = dataclasses.replace(
        site, files=MappingProxyType({**site.files, **{f"{number}.mp4": part for number in range(6)}})
    )
    with pytest.raises(LimitExceeded, match="size of the site in bytes is 12,"):
        FirebasePlatform.check_site(many, {"plan": "spark"})
    FirebasePlatform.check_site(many, {"plan": "blaze"})


def test_a_configuration_so_large_that_nobody_has_tried_is_refused(make_site):
    site = make_site({"index.html": "<p>home"})
    rule = HeaderRule("/*", (("X-Large", "x" * 1024 * 1024),), 1)
    large = dataclasses.replace(site, rules=dataclasses.replace(site.rules, headers=(rule,)))
    with pytest.raises(LimitExceeded, match="the configuration would have"):
        FirebasePlatform.check_site(large)


async def test_what_the_live_channel_was_given_last_is_told(account, make_site):
    assert await account.platform().newest() is None
    sites = [make_site({**PAGES, "index.html": f"<p>{number}"}) for number in range(2)]
    found = []
    for site in sites:
        await account.release(site)
        found.append(await account.platform().newest())
    assert [(one.state, one.phase, one.release) for one in found] == [
        ("FINALIZED", "ready", site.release_id) for site in sites
    ]
    assert found[0].number != found[1].number
    assert found[0].made <= found[1].made
