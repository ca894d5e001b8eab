"""What the provider and the services behind it refuse."""

from __future__ import annotations

import pytest

from sandbox.platforms import firebase
from sandbox.platforms.firebase.account import NUMBER, PROJECT
from sandbox.provider.resource_type import UNKNOWN, Refused
from tests.worlds import running

SERVICE = "gcp:projects/service:Service"
FIREBASE = "gcp:firebase/project:Project"
SITE = "gcp:firebase/hostingSite:HostingSite"
APIS = ("firebase.googleapis.com", "firebasehosting.googleapis.com")


@pytest.fixture
async def world(tmp_path):
    async with running(tmp_path / "world", [firebase.twin]) as sandbox:
        yield sandbox


@pytest.fixture
def types(world):
    return {kind.token: kind for twin in world.twins for kind in twin.resource_types}


async def enable(world):
    for name in APIS:
        await world.declare(SERVICE, project=PROJECT, service=name)


async def test_a_site_needs_the_api_of_hosting_and_firebase_that_of_its_management(world):
    with pytest.raises(Refused, match=r"firebasehosting.googleapis\.com has not been used in project"):
        await world.declare(SITE, project=PROJECT, siteId="robot")
    with pytest.raises(Refused, match=r"firebase.googleapis\.com has not been used"):
        await world.declare(FIREBASE, project=PROJECT)
    await enable(world)
    identifier, outputs = await world.declare(FIREBASE, project=PROJECT)
    assert (identifier, outputs["projectNumber"]) == (f"projects/{PROJECT}", NUMBER)
    for form in (identifier, PROJECT):
        kind = next(kind for kind in world.twins[0].resource_types if kind.token == FIREBASE)
        assert await kind.read(form) == outputs


async def test_a_site_has_its_address_from_the_service_with_a_part_that_nobody_can_compose(world, types):
    await enable(world)
    identifier, outputs = await world.declare(SITE, project=PROJECT, siteId="robot")
    assert identifier == outputs["name"] == f"projects/{PROJECT}/sites/robot"
    assert outputs["defaultUrl"].startswith("https://robot-")
    assert outputs["defaultUrl"].endswith(".web.app")
    assert types[SITE].computed <= outputs.keys()
    assert world.world.lookup(outputs["defaultUrl"].removeprefix("https://")).platform == "firebase"
    for form in (identifier, f"{PROJECT}/robot", "sites/robot", "robot"):
        assert await types[SITE].read(form) == outputs
    assert await types[SITE].read("other") is None


async def test_the_id_of_a_site_is_unique_over_all_of_firebase(world):
    await enable(world)
    await world.declare(SITE, project=PROJECT, siteId="robot")
    with pytest.raises(Refused, match=r"Error 409: .*`robot` is already reserved"):
        await world.declare(SITE, project=PROJECT, siteId="robot")


@pytest.mark.parametrize("token", [SERVICE, FIREBASE, SITE])
async def test_another_project_is_refused(world, token):
    given = {SERVICE: {"service": APIS[0]}, FIREBASE: {}, SITE: {"siteId": "robot"}}[token]
    with pytest.raises(Refused, match="Error 403: Permission denied on resource project other"):
        await world.declare(token, project="other", **given)


def test_what_is_missing_or_no_name_is_refused_at_preview(types):
    assert [key for key, _ in types[SITE].check({})] == ["project", "siteId"]
    assert types[SITE].check({"project": PROJECT, "siteId": "Not_A_Label"})[0][0] == "siteId"
    assert types[SITE].check({"project": PROJECT, "siteId": UNKNOWN}) == []
    assert types[SERVICE].check({"project": PROJECT, "service": "hosting"})[0][0] == "service"
    assert types[FIREBASE].check({}) != []


async def test_a_deleted_site_is_gone_with_its_versions_unless_its_policy_says_otherwise(world, types):
    await enable(world)
    identifier, outputs = await world.declare(SITE, project=PROJECT, siteId="robot")
    hosting = types[SITE]._hosting
    hosting.make_version("robot", {})
    await types[SITE].delete("robot")  # as it is known after a killed run
    assert world.world.store.all("firebase:version") == {}
    assert await types[SITE].read(identifier) is None
    identifier, again = await world.declare(SITE, project=PROJECT, siteId="robot", deletionPolicy="PREVENT")
    assert again["defaultUrl"] != outputs["defaultUrl"]
    with pytest.raises(Refused, match="cannot destroy HostingSite"):
        await types[SITE].delete(identifier)
    changed = {"project": PROJECT, "siteId": "robot", "deletionPolicy": "ABANDON"}
    assert (await types[SITE].update(identifier, again, changed))["defaultUrl"] == again["defaultUrl"]
    await types[SITE].delete(identifier)
    assert types[SITE]._hosting.site("robot")["id"] == "robot"
    await types[SITE].delete("not-there")


async def test_an_api_is_switched_off_only_where_that_is_asked_for(world, types):
    await enable(world)
    await types[SERVICE].delete(f"{PROJECT}/{APIS[1]}")
    await world.declare(SITE, project=PROJECT, siteId="robot")
    await world.declare(SERVICE, project=PROJECT, service=APIS[1], disableOnDestroy=True)
    await types[SERVICE].delete(f"{PROJECT}/{APIS[1]}")
    with pytest.raises(Refused, match="has not been used"):
        await world.declare(SITE, project=PROJECT, siteId="other")


async def test_the_status_shows_what_is_live(world):
    await enable(world)
    await world.declare(SITE, project=PROJECT, siteId="robot")
    (view,) = world.twins[0].sites()
    assert (view.live_release, view.files) == (None, 0)
