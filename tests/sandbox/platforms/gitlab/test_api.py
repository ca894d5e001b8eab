from __future__ import annotations

import asyncio

import pytest

from coordinator import forge_api
from coordinator.deployments.forges import GitLabPipelineList
from sandbox.platforms import gitlab
from sandbox.provider.resource_type import Refused
from tests.sandbox.platforms.gitlab.conftest import CI, PAGES, PROJECT
from tests.worlds import running


async def test_calls_without_the_token_are_refused_and_others_are_counted(client):
    status, body, _ = await client.call("GET", "user", token="wrong")
    assert (status, body) == (401, {"message": "401 Unauthorized"})
    status, body, headers = await client.call("GET", "user")
    assert (status, body["username"]) == (200, "sandbox")
    assert headers["RateLimit-Limit"] == "2000"
    assert int(headers["RateLimit-Remaining"]) < 2000


async def test_too_many_calls_in_a_minute_are_told_when_to_come_again(client):
    api = client.sandbox.twins[0].control[0].app.middlewares[-1].__self__
    api._recent.extend([api._clock.monotonic() + 60.0] * 2000)
    status, _, headers = await client.call("GET", "user")
    assert status == 429
    assert int(headers["Retry-After"]) >= 1


async def test_unknown_things_are_404(client):
    project = await client.project()
    base = f"projects/{project['id']}"
    for path in ("projects/999", f"{base}/pipelines/1", f"{base}/repository/branches/none", f"{base}/nothing"):
        assert (await client.call("GET", path))[0] == 404


async def test_names_are_unique_and_checked(client):
    project = await client.project()
    assert project["path_with_namespace"] == "sandbox/robot"
    status, body, _ = await client.call("POST", "projects", json={"name": "Robot", "path": "robot"})
    assert (status, body["message"]["path"]) == (400, ["has already been taken"])
    status, _, _ = await client.call("POST", "projects", json={"name": "a", "path": "a b"})
    assert status == 400
    status, _, _ = await client.call("POST", "projects", json={"name": "a", "pages_access_level": "everyone"})
    assert status == 400
    assert (await client.call("GET", "projects/sandbox%2Frobot"))[1]["id"] == project["id"]


async def test_lists_come_in_pages_with_links(client):
    project = await client.project()
    for number in range(5):
        query = {"branch": f"b{number}", "ref": "main"}
        assert (await client.call("POST", f"projects/{project['id']}/repository/branches", params=query))[0] == 201
    path = f"projects/{project['id']}/repository/branches"
    _, found, headers = await client.call("GET", path, params={"per_page": "4"})
    assert len(found) == 4
    assert (headers["X-Total"], headers["X-Next-Page"]) == ("6", "2")
    assert headers["Link"].startswith(f"<{client.base.removesuffix('/api/v4/')}/api/v4/")
    _, found, headers = await client.call("GET", path, params={"search": "^b1"})
    assert [each["name"] for each in found] == ["b1"]


async def test_the_default_branch_can_be_neither_deleted_nor_forced(client):
    project = await client.project()
    status, _, _ = await client.call("DELETE", f"projects/{project['id']}/repository/branches/main")
    assert status == 405
    await client.clone(project)
    await client.commit({"a.txt": "a"})
    await client.git("-C", "work", "push", "--quiet", "origin", "HEAD:main")
    await client.git("-C", "work", "commit", "--quiet", "--amend", "-m", "other")
    said = await client.git("-C", "work", "push", "--force", "origin", "HEAD:main", expect=1)
    assert "You are not allowed to force push code to a protected branch" in said
    said = await client.git("-C", "work", "push", "origin", ":main", expect=1)
    assert "The default branch of a project cannot be deleted" in said
    said = await client.git("-C", "work", "push", "origin", "HEAD:refs/keep-around/x", expect=1)
    assert "is reserved" in said
    await client.git("-C", "work", "push", "--quiet", "--force", "origin", "HEAD:other")


async def test_git_needs_the_token(client):
    project = await client.project()
    said = await client.git("ls-remote", project["http_url_to_repo"], token="wrong", expect=128)
    assert "could not read Username" in said or "Authentication failed" in said
    async with client.http.get(project["http_url_to_repo"] + "/info/refs?service=git-upload-pack") as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="GitLab"'
    missing = project["http_url_to_repo"].replace("robot", "nobody")
    assert "not found" in await client.git("ls-remote", missing, expect=128)


async def test_a_large_push_comes_in_pieces(client):
    project = await client.project()
    await client.clone(project)
    body = bytes(range(256)) * 12_000
    await client.commit({"a.bin": body[::-1], "b.bin": body})
    await client.git("-C", "work", "-c", "core.compression=0", "push", "--quiet", "origin", "HEAD:main")
    path = f"projects/{project['id']}/repository/tree"
    _, tree, _ = await client.call("GET", path, params={"recursive": "true"})
    assert {entry["path"] for entry in tree} == {"README.md", "a.bin", "b.bin"}


async def test_a_push_is_deployed_after_job_and_deployment_and_says_so(client):
    project = await client.project()
    await client.clone(project)
    sha = await client.commit({".gitlab-ci.yml": CI, "public/index.html": "home"})
    assert (await client.page("/"))[0] == 404
    await client.git("-C", "work", "push", "--quiet", "origin", "HEAD:main")
    (pipeline,) = await client.ended(project["id"])
    assert (pipeline["sha"], pipeline["status"], pipeline["ref"]) == (sha, "success", "main")
    _, statuses, _ = await client.call("GET", f"projects/{project['id']}/repository/commits/{sha}/statuses")
    assert {(each["name"], each["status"]) for each in statuses} == {
        ("deploy-pages", "success"),
        ("pages:deploy", "success"),
    }
    assert len((await client.pages(project["id"]))["deployments"]) == 1
    assert (await client.page("/"))[:2] == (200, "home")
    await client.call("DELETE", f"projects/{project['id']}/pages")
    assert (await client.page("/"))[0] == 404


@pytest.mark.parametrize("how", ["option", "message", "branch"])
async def test_what_is_skipped_is_not_deployed(client, how):
    project = await client.site({"index.html": "home"})
    await client.commit({"public/index.html": "other"}, "other [skip ci]" if how == "message" else "other")
    options = ["--push-option=ci.skip"] if how == "option" else []
    branch = "other" if how == "branch" else "main"
    await client.git("-C", "work", "push", "--quiet", *options, "origin", f"HEAD:{branch}")
    newest = (await client.ended(project["id"]))[0]
    assert newest["status"] == ("success" if how == "branch" else "skipped")
    assert (await client.page("/"))[:2] == (200, "home")


@pytest.mark.parametrize(
    ("ci", "reason"),
    [
        (CI.replace("pages: true", "pages: yes please"), "should be a hash or a boolean"),
        (CI.replace("stage: deploy", "stage: nowhere"), "stage nowhere does not exist"),
        (CI.replace("script:", "scripts:"), "unknown keys: scripts"),
        (CI.replace("pages: true", "publish: public\n  pages: {publish: public}"), "not both"),
        ("just text", "Invalid configuration format"),
        ("stages: [deploy]", "at least one visible job"),
    ],
)
async def test_a_ci_file_that_gitlab_cannot_use_fails_at_once(client, ci, reason):
    project = await client.project()
    await client.clone(project)
    await client.commit({".gitlab-ci.yml": ci, "public/index.html": "home"})
    await client.git("-C", "work", "push", "--quiet", "origin", "HEAD:main")
    (pipeline,) = await client.ended(project["id"])
    assert pipeline["status"] == "failed"
    assert reason in pipeline["yaml_errors"]
    assert (await client.page("/"))[0] == 404


@pytest.mark.parametrize(
    ("ci", "files", "reason"),
    [
        (CI, {"other/index.html": "home"}, "need to either include a `public/` folder"),
        (CI.replace('["true"]', '["make build"]'), {"public/index.html": "home"}, None),
    ],
    ids=["no public", "a build"],
)
async def test_a_job_that_hands_nothing_over_fails(client, ci, files, reason):
    project = await client.project()
    await client.clone(project)
    sha = await client.commit({".gitlab-ci.yml": ci, **files})
    await client.git("-C", "work", "push", "--quiet", "origin", "HEAD:main")
    (pipeline,) = await client.ended(project["id"])
    assert pipeline["status"] == "failed"
    _, statuses, _ = await client.call("GET", f"projects/{project['id']}/repository/commits/{sha}/statuses")
    told = [each["description"] for each in statuses if each["name"] == "pages:deploy"]
    assert bool(told) is bool(reason)
    assert all(reason in text for text in told)


async def test_only_the_published_folder_is_shown_and_links_are_not(client):
    await client.site({"index.html": "home"})
    (client.folder / "work" / "public" / "link.html").symlink_to("index.html")
    await client.commit({"secret.txt": "not public"})
    await client.git("-C", "work", "push", "--quiet", "origin", "HEAD:main")
    await client.ended(101)
    assert (await client.page("/secret.txt"))[0] == 404
    assert (await client.page("/.gitlab-ci.yml"))[0] == 404
    assert (await client.page("/link.html"))[0] == 404


async def test_a_pipeline_can_be_started_for_a_branch_that_has_a_job(client):
    project = await client.site({"index.html": "home"})
    path = f"projects/{project['id']}/pipeline"
    status, pipeline, _ = await client.call("POST", path, params={"ref": "main"})
    assert (status, pipeline["source"]) == (201, "api")
    assert (await client.call("POST", path, params={"ref": "none"}))[0] == 400
    await client.git("-C", "work", "push", "--quiet", "origin", "HEAD:other")
    status, body, _ = await client.call("POST", path, params={"ref": "other"})
    assert (status, body["message"]["base"]) == (400, ["The resulting pipeline would have been empty."])


async def test_the_coordinator_reads_the_pipelines(client):
    project = await client.site({"index.html": "home"})
    await client.ended(project["id"])
    path = project["path_with_namespace"]
    source = GitLabPipelineList(forge_api.gitlab(client.base, client.token), path, "main", ("push", "api"))
    await client.call("POST", f"projects/{project['id']}/pipeline", params={"ref": "main"})
    by_api, *_, first = await source.runs()
    assert by_api.trigger == "program"
    assert (by_api.state, by_api.ended is None) in {("running", True), ("succeeded", False)}, "it takes a moment"
    assert (first.trigger, first.state) == ("push", "succeeded")
    assert first.url.endswith(f"/{path}/-/pipelines/{first.number}")
    await source.close()


async def test_without_runners_a_pipeline_waits(client):
    project = await client.project(shared_runners_enabled=False)
    await client.clone(project)
    await client.commit({".gitlab-ci.yml": CI, "public/index.html": "home"})
    await client.git("-C", "work", "push", "--quiet", "origin", "HEAD:main")
    await asyncio.sleep(0.1)
    _, (pipeline,), _ = await client.call("GET", f"projects/{project['id']}/pipelines")
    assert pipeline["status"] == "pending"
    await client.call("PUT", f"projects/{project['id']}", json={"shared_runners_enabled": True})
    assert (await client.ended(project["id"]))[0]["status"] == "success"


async def test_all_survives_a_restart_and_a_pipeline_goes_on(client, tmp_path):
    project = await client.site({"index.html": "home"}, shared_runners_enabled=True)
    client.sandbox.twins[0].resource_types[0]._projects.pipelines._clock.speed = 0.001  # time stands still
    await client.commit({"public/index.html": "second"})
    await client.git("-C", "work", "push", "--quiet", "origin", "HEAD:main")
    client.sandbox.world.store.close()
    async with running(
        tmp_path / "again", [lambda world: gitlab.twin(_moved(world, tmp_path / "world"))], 600.0
    ) as again:
        client.sandbox, client.base = again, again.environment["GITLAB_BASE_URL"]
        client.public = again.description["platforms"]["gitlab"]["url"]
        assert [each["status"] for each in await client.ended(project["id"])] == ["success", "success"]
        assert (await client.page("/"))[:2] == (200, "second")


def _moved(world, folder):
    """The same world with what the earlier one remembers."""
    type(world).__post_init__(_at(world, folder))
    return world


def _at(world, folder):
    world.store.close()
    world.folder = folder
    return world


async def test_resources_are_made_changed_and_deleted(client):
    number, project = await client.sandbox.declare(PROJECT, initializeWithReadme=True, pagesAccessLevel="public")
    assert project["name"].startswith("project-")
    assert project["httpUrlToRepo"].endswith(f"/sandbox/{project['path']}.git")
    _, pages = await client.sandbox.declare(PAGES, project=number)
    assert pages["url"].startswith(f"https://{project['path']}-")
    assert pages["url"].endswith(".gitlab.io")
    assert pages["deployments"] == []
    kinds = {kind.token: kind for kind in client.sandbox.twins[0].resource_types}
    changed = await kinds[PROJECT].update(number, project, {"name": project["name"], "pagesAccessLevel": "private"})
    assert changed["pagesAccessLevel"] == "private"
    assert (await kinds[PROJECT].read(number))["pagesAccessLevel"] == "private"
    await kinds[PAGES].delete(number)
    await kinds[PROJECT].delete(number)
    assert await kinds[PROJECT].read(number) is None
    assert await kinds[PAGES].read(number) is None
    await kinds[PROJECT].delete(number)


async def test_resources_that_gitlab_refuses(client):
    kinds = {kind.token: kind for kind in client.sandbox.twins[0].resource_types}
    assert kinds[PROJECT].check({"pagesAccessLevel": "everyone"})[0][0] == "pagesAccessLevel"
    assert kinds[PAGES].check({})[0][0] == "project"
    with pytest.raises(Refused, match="namespace"):
        await kinds[PROJECT].create({"name": "robot", "namespaceId": 99})
    await kinds[PROJECT].create({"name": "robot"})
    with pytest.raises(Refused, match="has already been taken"):
        await kinds[PROJECT].create({"name": "robot"})
    with pytest.raises(Refused, match="404 Project Not Found"):
        await kinds[PAGES].create({"project": "999"})
