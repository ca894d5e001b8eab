from __future__ import annotations

from sandbox.platforms import netlify
from tests.sandbox.platforms.netlify.conftest import sha1
from tests.worlds import running


async def test_without_the_right_token_nothing_is_answered(client):
    status, body, _ = await client.call("GET", "/sites", token="wrong")
    assert (status, body["message"]) == (401, "Access Denied")


async def test_names_are_unique_over_all_of_netlify(client):
    await client.site("robot")
    status, body, _ = await client.call("POST", "/sites", json={"name": "robot"})
    assert status == 422
    assert "must be unique" in body["message"]


async def test_only_what_is_not_there_is_asked_for_each_content_once(client):
    site = await client.site()
    await client.deploy(site, {"/index.html": "home", "/copy.html": "home"})
    body = {"files": {"/index.html": sha1("home"), "/new.html": sha1("new"), "/new2.html": sha1("new")}}
    _, deploy, _ = await client.call("POST", f"/sites/{site}/deploys", json=body)
    assert deploy["required"] == [sha1("new")]


async def test_bytes_that_are_not_the_declared_ones_are_refused(client):
    site = await client.site()
    files = {"/index.html": sha1("home")}
    _, deploy, _ = await client.call("POST", f"/sites/{site}/deploys", json={"files": files})
    status, body, _ = await client.call("PUT", f"/deploys/{deploy['id']}/files/index.html", data=b"other")
    assert status == 422
    assert "SHA-1" in body["message"]
    status, _, _ = await client.call("PUT", f"/deploys/{deploy['id']}/files/none.html", data=b"home")
    assert status == 404


async def test_a_deploy_goes_live_when_its_last_file_is_there_and_not_before(client):
    site = await client.site()
    await client.deploy(site, {"/index.html": "old"})
    files = {"/index.html": sha1("new"), "/more.html": sha1("more")}
    _, deploy, _ = await client.call("POST", f"/sites/{site}/deploys", json={"files": files})
    await client.call("PUT", f"/deploys/{deploy['id']}/files/index.html", data=b"new")
    assert (await client.page("/"))[1] == "old"
    await client.call("PUT", f"/deploys/{deploy['id']}/files/more.html", data=b"more")
    assert (await client.page("/"))[1] == "new"


async def test_whether_a_deploy_is_a_draft_is_decided_when_it_is_made(client):
    site = await client.site()
    _, deploy, _ = await client.call("POST", f"/sites/{site}/deploys", json={"draft": True})
    body = {"files": {"/index.html": sha1("draft")}, "draft": False}
    await client.call("PUT", f"/sites/{site}/deploys/{deploy['id']}", json=body)
    await client.call("PUT", f"/deploys/{deploy['id']}/files/index.html", data=b"draft")
    assert (await client.page("/"))[0] == 404
    assert (await client.page("/", host=f"{deploy['id']}--robot.netlify.app"))[1] == "draft"


async def test_restore_publishes_a_draft_and_a_lock_keeps_what_is_there(client):
    site = await client.site()
    first = await client.deploy(site, {"/index.html": "first"}, draft=True)
    assert (await client.call("POST", f"/sites/{site}/deploys/{first}/restore"))[0] == 201
    await client.call("POST", f"/deploys/{first}/lock")
    await client.deploy(site, {"/index.html": "second"})
    assert (await client.page("/"))[1] == "first"
    _, found, _ = await client.call("GET", f"/sites/{site}")
    assert found["published_deploy"]["locked"] is True


async def test_a_name_that_no_url_can_carry_is_refused(client):
    site = await client.site()
    body = {"files": {"/what?.html": sha1("x")}}
    status, answer, _ = await client.call("POST", f"/sites/{site}/deploys", json=body)
    assert (status, answer["message"]) == (422, "Invalid filename what?.html")


async def test_too_many_requests_in_a_minute_are_told_when_to_come_back(tmp_path, client):
    async with running(tmp_path / "slow", [netlify.twin], speed=1.0) as sandbox:
        client.api = f"{sandbox.environment['NETLIFY_API_URL']}/api/v1"
        statuses = [await client.call("GET", "/user") for _ in range(501)]
    assert {status for status, _, _ in statuses[:499]} == {200}
    status, _, headers = statuses[-1]
    assert status == 429
    assert int(headers["X-RateLimit-Reset"]) > 0
    assert headers["X-RateLimit-Remaining"] == "0"


async def test_everything_is_there_again_after_a_restart(tmp_path, client):
    async with running(tmp_path / "other", [netlify.twin]) as sandbox:
        client.api, client.public = f"{sandbox.environment['NETLIFY_API_URL']}/api/v1", ""
        site = await client.site()
        await client.deploy(site, {"/index.html": "kept"})
    async with running(tmp_path / "other", [netlify.twin]) as sandbox:
        client.public = sandbox.description["platforms"]["netlify"]["url"]
        assert (await client.page("/"))[1] == "kept"


async def test_a_cancelled_deploy_never_goes_live(client):
    site = await client.site()
    _, deploy, _ = await client.call("POST", f"/sites/{site}/deploys", json={"files": {"/index.html": sha1("late")}})
    await client.call("POST", f"/deploys/{deploy['id']}/cancel")
    await client.call("PUT", f"/deploys/{deploy['id']}/files/index.html", data=b"late")
    assert (await client.page("/"))[0] == 404


async def test_a_deploy_that_is_compared_later_says_what_it_lacks_only_after_a_while(client):
    site = await client.site()
    body = {"files": {"/index.html": sha1("home")}, "async": True}
    _, deploy, _ = await client.call("POST", f"/sites/{site}/deploys", json=body)
    assert (deploy["state"], deploy["required"]) == ("preparing", [])
    path = f"/sites/{site}/deploys/{deploy['id']}"
    looks = [(await client.call("GET", path))[1] for _ in range(3)]
    assert [look["required"] for look in looks] == [[], [sha1("home")], [sha1("home")]]


async def test_a_roll_back_publishes_what_was_published_before(client):
    site = await client.site()
    for text in ("first", "second"):
        deploy = await client.deploy(site, {"/index.html": text}, draft=True)
        await client.call("POST", f"/sites/{site}/deploys/{deploy}/restore")
    assert (await client.call("PUT", f"/sites/{site}/rollback"))[0] == 204
    assert (await client.page("/"))[1] == "first"


async def test_the_bytes_of_a_deleted_site_go_unless_another_has_them(client):
    one, two = await client.site("one"), await client.site("two")
    await client.deploy(one, {"/index.html": "both", "/own.html": "one's"})
    await client.deploy(two, {"/index.html": "both"})
    assert (await client.call("DELETE", f"/sites/{one}"))[0] == 204
    contents = client.sandbox.world.folder / "netlify" / "blobs"
    assert [path.name for path in contents.rglob("*") if path.is_file()] == [sha1("both")]
    assert (await client.page("/", "two.netlify.app"))[1] == "both"
