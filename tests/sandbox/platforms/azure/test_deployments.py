"""What the platform refuses of a package, and that it puts one in place as a whole, whatever happens."""

from __future__ import annotations

import asyncio
import json
import shutil
from datetime import timedelta

import pytest

from sandbox.platforms import azure
from sandbox.platforms.azure import deployments
from sandbox.platforms.azure.account import DEPLOYMENT, OPERATION
from tests.sandbox.platforms.azure.conftest import zipped
from tests.worlds import running

HOME = {"index.html": "<p>home"}


async def refused(client, files):
    """Words of a deployment that fails; what was there before stays."""
    await client.deploy(HOME)
    found = await client.deploy(files)
    assert found["status"] == "Failed"
    assert (await client.page("/"))[1] == "<p>home"
    _, build, _ = await client.arm("GET", "/builds/default")
    assert build["properties"]["status"] == "Failed"
    return found["error"]["message"]


async def test_a_package_needs_a_front_page(client):
    assert "Failed to find a default file" in await refused(client, {"about.html": "a"})


async def test_more_files_than_15000_are_refused(client, monkeypatch):
    monkeypatch.setattr(deployments, "MAX_FILES", 3)
    words = await refused(client, {**HOME, **{f"{number}.txt": "x" for number in range(3)}})
    assert "exceeds the limit of 3" in words


async def test_more_bytes_than_the_plan_has_are_refused(client, monkeypatch):
    monkeypatch.setitem(deployments.MAX_BYTES, "Free", 100)
    words = await refused(client, {**HOME, "large.txt": "x" * 100})
    assert words == "The size of the app content was too large. The limit for this Static Web App is 100 bytes."


def test_the_plans_have_the_documented_sizes():
    assert deployments.MAX_BYTES == {"Free": 250 * 1024**2, "Standard": 500 * 1024**2}
    assert deployments.MAX_FILES == 15_000


@pytest.mark.parametrize("path", ["../out.txt", "/etc/out.txt", "a/../../out.txt"])
async def test_a_file_outside_of_the_package_is_refused(client, path):
    assert "outside of its folder" in await refused(client, {**HOME, path: "x"})


async def test_what_is_no_zip_is_refused(client):
    found = await client.finish(await client.begin(b"no zip"))
    assert found["error"]["message"] == "The app content is not a valid zip file."


async def test_a_configuration_that_is_refused_stops_the_deployment(client):
    words = await refused(client, {**HOME, "staticwebapp.config.json": json.dumps({"routez": []})})
    assert "Unknown property 'routez'" in words


@pytest.mark.parametrize("changed", [{"expires": timedelta(seconds=-1)}, {"permission": "w"}])
async def test_a_link_that_does_not_open_the_package_fails_the_deployment(client, changed):
    await client.put("p.zip", zipped(HOME))
    body = {"properties": {"appZipUrl": await client.link("p.zip", **changed)}}
    found = await client.finish(await client.arm("POST", "/zipdeploy", json=body))
    assert "could not be downloaded from the given URL: 403" in found["error"]["message"]


async def test_a_package_that_is_deleted_too_early_fails_the_deployment(client, monkeypatch):
    monkeypatch.setattr(deployments, "_FETCHING", 40.0)
    begun = await client.begin(zipped(HOME))
    assert (await client.blob("DELETE", "p.zip"))[0] == 202
    found = await client.finish(begun)
    assert "could not be downloaded from the given URL: 404" in found["error"]["message"]


async def test_a_link_to_elsewhere_is_not_followed(client):
    body = {"properties": {"appZipUrl": "https://nowhere.example/p.zip"}}
    found = await client.finish(await client.arm("POST", "/zipdeploy", json=body))
    assert found["error"]["message"] == "The app content could not be downloaded from the given URL."


async def test_a_failed_operation_ends_at_its_location_with_the_error(client):
    begun = await client.begin(b"no zip")
    await client.finish(begun)
    status, body, _ = await client.arm("GET", begun[2]["Location"])
    assert (status, body["error"]["code"]) == (400, "BadRequest")


async def test_a_deployment_takes_the_place_of_the_whole_one_before(client):
    await client.deploy({**HOME, "old.html": "old"})
    await client.deploy({**HOME, "new.html": "new"})
    assert (await client.page("/old.html"))[0] == 404
    assert (await client.page("/new.html"))[1] == "new"
    assert len(client.sandbox.world.store.all(DEPLOYMENT)) == 1


async def test_no_link_is_remembered_when_the_deployment_has_ended(client):
    await client.deploy(HOME)
    await client.finish(await client.begin(b"no zip"))
    assert all(found["link"] == "" for found in client.sandbox.world.store.all(OPERATION).values())


async def test_a_deployment_under_way_is_finished_after_a_restart(client, tmp_path, monkeypatch):
    """The second sandbox begins with what a killed one has left on disk: a copy made in the middle."""
    monkeypatch.setattr(deployments, "_FETCHING", 2000.0 * 60)
    await client.begin(zipped(HOME))
    copied = tmp_path / "copied"
    shutil.copytree(client.sandbox.world.folder, copied, ignore=lambda *_: ["sandbox.json", "sandbox.lock"])
    monkeypatch.setattr(deployments, "_FETCHING", 1.0)
    async with running(copied, [azure.twin], speed=2000.0) as sandbox:
        for _ in range(200):
            (operation,) = sandbox.world.store.all(OPERATION).values()
            if operation["status"] != "InProgress":
                break
            await asyncio.sleep(0.02)
        assert operation["status"] == "Succeeded"
        assert sandbox.twins[0].sites()[0].live_release == "title"


async def test_the_bytes_of_the_package_before_go_and_those_of_the_new_one_stay(client):
    await client.deploy({"index.html": "<p>old", "same.html": "<p>same"})
    await client.deploy({"index.html": "<p>new", "same.html": "<p>same"})
    contents = client.sandbox.world.folder / "azure" / "content"
    assert {path.read_text() for path in contents.rglob("*") if path.is_file()} == {"<p>new", "<p>same"}
    assert (await client.page("/same.html"))[1] == "<p>same"
