"""Strict where Google's documentation is: https://firebase.google.com/docs/reference/hosting/rest."""

from __future__ import annotations

import asyncio
import gzip

import aiohttp
import pytest

from sandbox.platforms import firebase
from sandbox.platforms.firebase.account import NUMBER, PROJECT
from tests.sandbox.platforms.firebase.conftest import Client, digest, packed
from tests.worlds import running

HOME = digest(packed("home"))


async def begun(client, files=None, **body):
    """Name of a new version with these hashes, and the answer to them."""
    name = (await client.ok("POST", "sites/robot/versions", json=body))["name"]
    answer = await client.ok("POST", f"{name}:populateFiles", json={"files": files}) if files else {}
    return name, answer


async def test_without_a_right_token_nothing_is_answered(client):
    for token in ("wrong", "ya29.invented"):
        code, text = await client.refused("GET", "sites/robot", token=token)
        assert (code, token in text) == ("UNAUTHENTICATED", False)
    async with client.http.get(f"{client.base}/v1beta1/sites/robot") as answer:
        assert answer.status == 401


async def test_a_token_needs_a_scope_of_hosting_and_ends_when_it_is_revoked(client):
    token = await client.log_in("https://www.googleapis.com/auth/drive")
    assert (await client.refused("GET", "sites/robot", token=token))[0] == "PERMISSION_DENIED"
    token = await client.log_in()
    assert (await client.call("GET", "sites/robot", token=token))[0] == 200
    for name in client.sandbox.world.store.all("firebase:token"):
        document = client.sandbox.world.store.get("firebase:token", name)
        client.sandbox.world.store.put("firebase:token", name, {**document, "ends": 0})
    assert (await client.refused("GET", "sites/robot", token=token))[0] == "UNAUTHENTICATED"


async def test_another_project_is_refused_and_number_dash_or_none_is_this_one(client):
    assert (await client.refused("GET", "projects/other/sites/robot"))[0] == "PERMISSION_DENIED"
    for project in (PROJECT, NUMBER, "-"):
        assert (await client.ok("GET", f"projects/{project}/sites/robot"))["type"] == "USER_SITE"


async def test_only_bytes_that_are_not_there_are_asked_for_once(client):
    await client.release({"/index.html": "home"})
    new = digest(packed("new"))
    _, answer = await begun(client, {"/index.html": HOME, "/a.html": new, "/b.html": new})
    assert answer["uploadRequiredHashes"] == [new]
    _, answer = await begun(client, {"/copy.html": HOME})
    assert "uploadRequiredHashes" not in answer
    assert answer["uploadUrl"]


async def test_paths_add_up_over_calls_and_an_empty_hash_takes_one_away(client):
    name, _ = await begun(client, {"/index.html": HOME, "/a.html": HOME})
    await client.ok("POST", f"{name}:populateFiles", json={"files": {"/b.html": HOME, "/a.html": ""}})
    listed = await client.ok("GET", f"{name}/files")
    assert [found["path"] for found in listed["files"]] == ["/b.html", "/index.html"]
    assert {found["status"] for found in listed["files"]} == {"EXPECTED"}
    assert (await client.ok("GET", f"{name}/files", params={"status": "ACTIVE"})) == {}


async def test_paths_that_are_added_in_several_calls_at_once_are_all_there(client):
    name, _ = await begun(client)
    batches = [{f"/{batch}/{number}": HOME for number in range(200)} for batch in range(10)]
    adding = [client.ok("POST", f"{name}:populateFiles", json={"files": files}) for files in batches]
    await asyncio.gather(*adding)
    assert len(client.sandbox.world.store.get("firebase:files", name.rsplit("/", 1)[-1])["files"]) == 2000


async def test_more_than_a_thousand_paths_in_a_call_are_refused(client):
    name, _ = await begun(client)
    files = {f"/{number}": HOME for number in range(1001)}
    code, text = await client.refused("POST", f"{name}:populateFiles", json={"files": files})
    assert (code, "1000" in text) == ("INVALID_ARGUMENT", True)


@pytest.mark.parametrize("path", ["index.html", "/folder/", "/a//b", "/__/x", "/tool.exe"])
async def test_paths_that_cannot_be_are_refused(client, path):
    name, _ = await begun(client)
    code, _ = await client.refused("POST", f"{name}:populateFiles", json={"files": {path: HOME}})
    assert code == ("FAILED_PRECONDITION" if path.endswith(".exe") else "INVALID_ARGUMENT")


async def test_a_hash_must_be_a_sha_256_in_lower_case(client):
    name, _ = await begun(client)
    for wrong in (HOME.upper(), HOME[:-1], "x" * 64, 7):
        code, _ = await client.refused("POST", f"{name}:populateFiles", json={"files": {"/x": wrong}})
        assert code == "INVALID_ARGUMENT"


async def test_bytes_must_be_those_of_the_hash_of_an_open_version_and_gzip(client):
    name, answer = await begun(client, {"/index.html": HOME, "/raw": digest(b"raw")})
    url = answer["uploadUrl"]
    code, text = await client.refused("POST", f"{url}/{HOME}", data=packed("other"))
    assert (code, "content hash" in text) == ("INVALID_ARGUMENT", True)
    assert "gzip" in (await client.refused("POST", f"{url}/{digest(b'raw')}", data=b"raw"))[1]
    assert (await client.refused("POST", f"{url}/{digest(b'x')}", data=b"x"))[0] == "INVALID_ARGUMENT"
    code, text = await client.refused("PATCH", name, params={"updateMask": "status"}, json={"status": "FINALIZED"})
    assert code == "FAILED_PRECONDITION"
    await client.ok("POST", f"{url}/{HOME}", data=packed("home"))
    await client.ok("POST", f"{url}/{HOME}", data=packed("home"))  # a retry
    half = gzip.compress(b"raw" * 1000)[:-5]
    _, answer = await begun(client, {"/half": digest(half)})
    assert "whole" in (await client.refused("POST", f"{answer['uploadUrl']}/{digest(half)}", data=half))[1]


async def test_a_finalized_version_does_not_change_any_more(client):
    name = await client.version({"/index.html": "home"})
    shown = await client.ok("GET", name)
    assert (shown["status"], shown["fileCount"]) == ("FINALIZED", "1")
    assert int(shown["versionBytes"]) == len(packed("home"))
    for method, path, options in (
        ("POST", f"{name}:populateFiles", {"json": {"files": {"/x": HOME}}}),
        ("PATCH", name, {"params": {"updateMask": "config"}, "json": {"config": {}}}),
        ("PATCH", name, {"params": {"updateMask": "status"}, "json": {"status": "FINALIZED"}}),
    ):
        assert (await client.refused(method, path, **options))[0] == "FAILED_PRECONDITION"


async def test_what_is_no_version_is_refused(client):
    create = ("POST", "sites/robot/versions")
    for body in ({"status": "FINALIZED"}, {"files": {}}, {"labels": {"A": "x"}}, {"labels": {"a": "Upper"}}):
        assert (await client.refused(*create, json=body))[0] == "INVALID_ARGUMENT"
    assert (await client.refused("POST", "sites/nobody/versions", json={}))[0] == "NOT_FOUND"
    name, _ = await begun(client)
    assert (await client.refused("PATCH", name, json={"status": "FINALIZED"}))[0] == "INVALID_ARGUMENT"
    assert (await client.refused("GET", f"{name}0"))[0] == "NOT_FOUND"


@pytest.mark.parametrize(
    "config",
    [
        {"redirects": [{"glob": "/a", "location": "/b", "statusCode": 200}]},
        {"redirects": [{"glob": "/a", "statusCode": 301}]},
        {"redirects": [{"glob": "/a", "regex": "a", "location": "/b", "statusCode": 301}]},
        {"redirects": [{"location": "/b", "statusCode": 301}]},
        {"redirects": [{"regex": "^/(?!x)", "location": "/b", "statusCode": 301}]},
        {"rewrites": [{"regex": "(a", "path": "/b"}]},
        {"rewrites": [{"glob": "/a", "path": "b"}]},
        {"headers": [{"glob": "/a", "headers": {"X": 1}}]},
        {"headers": [{"source": "/a", "headers": {}}]},
        {"trailingSlash": True},
        {"trailingSlashBehavior": "KEEP"},
    ],
)
async def test_a_configuration_that_is_none_is_refused(client, config):
    name, _ = await begun(client)
    code, _ = await client.refused("PATCH", name, params={"updateMask": "config"}, json={"config": config})
    assert code == "INVALID_ARGUMENT"


async def test_visitors_get_a_version_only_when_it_is_released_and_the_old_one_comes_back_as_a_roll_back(client):
    first = await client.release({"/index.html": "first"})
    second = await client.version({"/index.html": "second"})
    assert (await client.page("/"))[1] == "first"
    query = {"versionName": second}
    assert (await client.ok("POST", "sites/robot/releases", params=query, json={"message": "m"}))["type"] == "DEPLOY"
    assert (await client.page("/"))[1] == "second"
    back = await client.ok("POST", "sites/robot/releases", params={"versionName": first}, json={})
    assert (back["type"], back["version"]["name"]) == ("ROLLBACK", first)
    assert (await client.page("/"))[1] == "first"
    listed = (await client.ok("GET", "sites/robot/releases"))["releases"]
    assert [found["type"] for found in listed] == ["ROLLBACK", "DEPLOY", "DEPLOY"]


async def test_what_cannot_be_released_is_refused(client):
    name, _ = await begun(client, {"/index.html": HOME})
    await client.site("other")
    other = await client.version({"/index.html": "other"}, site="other")
    release = ("POST", "sites/robot/releases")
    assert (await client.refused(*release, params={"versionName": name}, json={}))[0] == "FAILED_PRECONDITION"
    assert (await client.refused(*release, params={"versionName": other}, json={}))[0] == "INVALID_ARGUMENT"
    assert (await client.refused(*release, json={}))[0] == "INVALID_ARGUMENT"
    done = await client.version({"/index.html": "home"})
    query = {"versionName": done}
    assert (await client.refused(*release, params=query, json={"message": "x" * 513}))[0] == "INVALID_ARGUMENT"
    assert (await client.refused(*release, params=query, json={"type": "DEPLOY"}))[0] == "INVALID_ARGUMENT"


async def test_a_version_that_a_channel_shows_cannot_be_deleted_and_shared_bytes_stay(client):
    first = await client.release({"/index.html": "home", "/first.html": "first"})
    assert (await client.refused("DELETE", first))[0] == "FAILED_PRECONDITION"
    await client.release({"/index.html": "home"})
    await client.ok("DELETE", first)
    assert (await client.refused("GET", first))[0] == "NOT_FOUND"
    assert (await client.page("/"))[1] == "home"
    _, answer = await begun(client, {"/first.html": digest(packed("first"))})
    assert len(answer["uploadRequiredHashes"]) == 1


async def test_a_version_that_is_left_alone_for_twelve_hours_is_abandoned(client):
    name, _ = await begun(client, {"/index.html": HOME})
    client.sandbox.world.clock._wall += 12 * 3600 + 1
    assert (await client.ok("GET", name))["status"] == "ABANDONED"
    assert (await client.refused("POST", f"{name}:populateFiles", json={"files": {}}))[0] == "FAILED_PRECONDITION"
    done = await client.version({"/index.html": "home"})
    client.sandbox.world.clock._wall += 12 * 3600 + 1
    assert (await client.ok("GET", done))["status"] == "FINALIZED"


async def test_lists_come_in_pages_newest_first_and_by_status(client):
    names = [(await begun(client))[0] for _ in range(5)]
    await client.version({"/index.html": "home"})
    query, found = {"pageSize": "2"}, []
    while True:
        page = await client.ok("GET", "sites/robot/versions", params=query)
        found += [version["name"] for version in page["versions"]]
        assert len(page["versions"]) <= 2
        if "nextPageToken" not in page:
            break
        query["pageToken"] = page["nextPageToken"]
    assert found[1:] == names[::-1]
    created = await client.ok("GET", "sites/robot/versions", params={"filter": 'status="CREATED"'})
    assert len(created["versions"]) == 5
    assert (await client.refused("GET", "sites/robot/versions", params={"pageToken": "x"}))[0] == "INVALID_ARGUMENT"


async def test_a_preview_channel_has_an_address_of_its_own_until_it_ends(client):
    await client.release({"/index.html": "live"})
    query, week = {"channelId": "pr-1"}, {"ttl": "604800s"}
    made = await client.ok("POST", "sites/robot/channels", params=query, json=week)
    host = made["url"].removeprefix("https://")
    assert host.startswith("robot--pr-1-")
    assert (await client.page("/", host=host))[0] == 404
    await client.release({"/index.html": "preview"}, channel="pr-1")
    assert (await client.page("/", host=host))[1] == "preview"
    assert (await client.page("/"))[1] == "live"
    assert (await client.refused("POST", "sites/robot/channels", params=query, json=week))[0] == "ALREADY_EXISTS"
    client.sandbox.world.clock._wall += 604801
    assert (await client.page("/", host=host))[0] == 404
    assert (await client.refused("GET", "sites/robot/channels/pr-1"))[0] == "NOT_FOUND"
    live = await client.ok("GET", "sites/robot/channels/live")
    assert (live["release"]["type"], "expireTime" in live) == ("DEPLOY", False)


async def test_channels_are_made_longer_listed_deleted_and_checked(client):
    create = ("POST", "sites/robot/channels")
    for name, ttl in (("Upper", "1s"), ("ok", "1h"), ("ok", "2592001s")):
        code, _ = await client.refused(*create, params={"channelId": name}, json={"ttl": ttl})
        assert code == "INVALID_ARGUMENT"
    await client.ok(*create, params={"channelId": "ok"}, json={"ttl": "60s"})
    longer = await client.ok("PATCH", "sites/robot/channels/ok", params={"updateMask": "ttl"}, json={"ttl": "7200s"})
    assert longer["expireTime"] > longer["createTime"]
    listed = (await client.ok("GET", "sites/robot/channels"))["channels"]
    assert {found["name"].rsplit("/", 1)[-1] for found in listed} == {"live", "ok"}
    await client.ok("DELETE", "sites/robot/channels/ok")
    assert (await client.refused("DELETE", "sites/robot/channels/ok"))[0] == "NOT_FOUND"
    assert (await client.refused("DELETE", "sites/robot/channels/live"))[0] == "FAILED_PRECONDITION"


async def test_a_version_is_cloned_with_files_and_configuration(client):
    config = {"headers": [{"glob": "**", "headers": {"X-A": "1"}}]}
    first = await client.release({"/index.html": "first"}, config)
    await client.release({"/index.html": "second"})
    begun = await client.ok("POST", "sites/robot/versions:clone", json={"sourceVersion": first, "finalize": True})
    done = await client.ok("GET", begun["name"])
    assert done["done"] is True
    assert done["response"]["name"] != first
    query = {"versionName": done["response"]["name"]}
    await client.ok("POST", "sites/robot/releases", params=query, json={})
    _, text, headers = await client.page("/")
    assert (text, headers["X-A"]) == ("first", "1")


async def test_unknown_calls_and_bodies_that_are_no_json_are_refused(client):
    assert (await client.refused("GET", "sites/robot/unknown"))[0] == "NOT_FOUND"
    assert (await client.refused("POST", "sites/robot/versions", data=b"{"))[0] == "INVALID_ARGUMENT"
    assert (await client.refused("POST", "sites/robot/versions", json=[1]))[0] == "INVALID_ARGUMENT"


async def test_everything_is_there_again_after_a_restart(tmp_path):
    async with running(tmp_path / "world", [firebase.twin]) as sandbox, aiohttp.ClientSession() as http:
        client = Client(sandbox, http)
        token = await client.log_in()
        await client.site()
        await client.release({"/index.html": "kept"})
        name, _ = await begun(client, {"/index.html": HOME})
        host = client.host
    async with running(tmp_path / "world", [firebase.twin]) as sandbox, aiohttp.ClientSession() as http:
        client.http = http
        client.follow(sandbox)
        assert (await client.page("/", host=host))[1] == "kept"
        assert (await client.call("GET", name, token=token))[1]["status"] == "CREATED"
        await client.log_in()
