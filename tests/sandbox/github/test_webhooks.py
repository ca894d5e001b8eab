"""Webhooks as https://docs.github.com/en/webhooks has them."""

from __future__ import annotations

import hashlib
import hmac
import json

HOOK = "github:index/repositoryWebhook:RepositoryWebhook"
SECRET = "0123456789abcdef0123456789abcdef"


async def hooked(client, receiver, **more):
    configuration = {"url": receiver.url, "contentType": "json", "secret": SECRET}
    return await client.sandbox.declare(
        HOOK, repository="website", events=["push"], configuration=configuration, **more
    )


async def test_a_new_hook_gets_a_ping_and_a_push_is_signed_over_its_bytes(client, receiver):
    repository = await client.repository()
    await hooked(client, receiver)
    await receiver.until(1)
    await client.clone(repository)
    before = await client.tip()
    tip = await client.commit("index.html", "home")
    await client.push()
    (ping, _, _), (push, headers, body) = await receiver.until(2)
    assert (ping, push) == ("ping", "push")
    wanted = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == f"sha256={wanted}"
    found = json.loads(body)
    assert (found["ref"], found["before"], found["after"]) == ("refs/heads/main", before, tip)
    assert found["repository"]["full_name"] == "sandbox/website"
    assert [one["id"] for one in found["commits"]] == [tip]


async def test_a_failed_delivery_is_not_sent_again_by_itself_and_keeps_its_id_when_asked_for(client, receiver):
    repository = await client.repository()
    identifier, _ = await hooked(client, receiver)
    await receiver.until(1)
    receiver.status = 503
    await client.clone(repository)
    await client.commit("index.html", "home")
    await client.push()
    await receiver.until(2)
    path = f"repos/sandbox/website/hooks/{identifier}/deliveries"
    listed = []
    while len(listed) < 2:
        _, listed = await client.call("GET", path)
    assert (listed[0]["status_code"], listed[0]["event"]) == (503, "push")
    assert (await client.call("POST", f"{path}/{listed[0]['id']}/attempts"))[0] == 202
    got = await receiver.until(3)
    assert got[2][1]["X-GitHub-Delivery"] == got[1][1]["X-GitHub-Delivery"] == listed[0]["guid"]


async def test_many_refs_at_once_start_nothing(client, receiver):
    repository = await client.repository()
    await hooked(client, receiver)
    await receiver.until(1)
    await client.clone(repository)
    await client.commit("index.html", "home")
    await client.push(*(f"HEAD:refs/heads/b{number}" for number in range(4)))
    await client.push("HEAD:main")
    assert [json.loads(body).get("ref") for _, _, body in await receiver.until(2)] == [None, "refs/heads/main"]


async def test_the_api_makes_hooks_too_and_never_shows_the_secret(client, receiver):
    await client.repository()
    config = {"url": receiver.url, "content_type": "json", "secret": SECRET}
    status, made = await client.call("POST", "repos/sandbox/website/hooks", json={"config": config})
    assert (status, made["config"]["secret"], made["events"]) == (201, "********", ["push"])
    again = await client.call("POST", "repos/sandbox/website/hooks", json={"config": config})
    assert again[0] == 422
    assert "already exists" in again[1]["message"]
    _, listed = await client.call("GET", "repos/sandbox/website/hooks")
    assert SECRET not in json.dumps(listed)
    assert (await client.call("DELETE", f"repos/sandbox/website/hooks/{made['id']}"))[0] == 204
    assert (await client.call("GET", "repos/sandbox/website/hooks"))[1] == []
