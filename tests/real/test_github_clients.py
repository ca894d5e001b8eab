"""PyGithub against the sandbox's GitHub, unchanged."""

from __future__ import annotations

import json
import sys

import pytest

from sandbox import github
from tests.real.command import run
from tests.real.installing import from_pypi
from tests.worlds import running

VERSION = "2.8.1"
BODY = """
r = g.get_user().create_repo("website", auto_init=True)
tip = r.get_branch("main").commit.sha
r.create_hook("web", {"url": "https://deploy.example.org/hooks/github", "content_type": "json", "secret": "planted"})
d = r.create_deployment(tip, environment="production/aws", auto_merge=False, required_contexts=[])
d.create_status("success", environment_url="https://aws.example.org", description="serves r1")
r.get_commit(tip).create_status("success", context="production")
sent = r.create_repository_dispatch("content-updated", {"stack": "prod"})
found = [
    [one.config["url"] for one in r.get_hooks()], [one.environment for one in r.get_deployments()],
    [(one.state, one.environment_url) for one in d.get_statuses()], r.get_commit(tip).get_combined_status().state,
    sent, r.get_workflow_runs().totalCount,
]
try: r.create_deployment("f" * 40, auto_merge=False, required_contexts=[])
except github.GithubException as error: found.append(error.status)
"""


@pytest.fixture(scope="module")
def client():
    return from_pypi("PyGithub", VERSION, "github/__init__.py")


async def test_what_a_delivery_writes_is_written_and_read_by_the_client(client, tmp_path):
    async with running(tmp_path / "world", [github.twin]) as world:
        own = world.environment
        opened = f"base_url={own['GITHUB_BASE_URL'].rstrip('/')!r}, auth=github.Auth.Token({own['GITHUB_TOKEN']!r})"
        lines = ["import github, json", f"g = github.Github({opened}, retry=None)", BODY]
        text = "\n".join([*lines, "print('FOUND' + json.dumps(found))"])
        output = await run([sys.executable, "-c", text], {"PYTHONPATH": str(client)}, tmp_path)
    assert json.loads(output.partition("FOUND")[2]) == [
        *(["https://deploy.example.org/hooks/github"], ["production/aws"]),
        *([["success", "https://aws.example.org"]], "success", True, 0, 422),
    ]
