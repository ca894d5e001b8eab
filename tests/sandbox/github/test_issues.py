"""Comments of pull requests."""

from __future__ import annotations


async def test_a_comment_is_made_edited_and_found_again(client):
    await client.clone(await client.repository())
    await client.commit("index.html", "home")
    await client.push("HEAD:refs/heads/topic")
    given = {"title": "A page", "head": "topic", "base": "main"}
    status, pull = await client.call("POST", "repos/sandbox/website/pulls", json=given)
    assert (status, pull["number"]) == (201, 1)
    comments = "repos/sandbox/website/issues/1/comments"
    status, made = await client.call("POST", comments, json={"body": "first"})
    assert status == 201
    path = f"repos/sandbox/website/issues/comments/{made['id']}"
    assert (await client.call("PATCH", path, json={"body": "second"}))[1]["body"] == "second"
    assert [one["body"] for one in (await client.call("GET", comments))[1]] == ["second"]
    assert (await client.call("PATCH", path, json={"body": "x" * 65_537}))[0] == 422
    assert (await client.call("GET", "repos/sandbox/website/issues/2/comments"))[0] == 404


async def test_lists_come_in_pages(client):
    await client.clone(await client.repository())
    await client.commit("index.html", "home")
    await client.push("HEAD:refs/heads/topic")
    await client.call("POST", "repos/sandbox/website/pulls", json={"title": "", "head": "topic", "base": "main"})
    comments = "repos/sandbox/website/issues/1/comments"
    for number in range(3):
        await client.call("POST", comments, json={"body": str(number)})
    headers = {"Authorization": f"Bearer {client.token}"}
    async with client.http.get(f"{client.base}{comments}?per_page=2", headers=headers) as answer:
        assert len(await answer.json()) == 2
        following = answer.links["next"]["url"]
    async with client.http.get(following, headers=headers) as answer:
        assert [one["body"] for one in await answer.json()] == ["2"]


async def test_a_pull_request_needs_two_branches_that_differ(client):
    await client.clone(await client.repository())
    await client.push("HEAD:refs/heads/same")
    for head in ("nowhere", "same"):
        given = {"title": "x", "head": head, "base": "main"}
        assert (await client.call("POST", "repos/sandbox/website/pulls", json=given))[0] == 422
