"""The files that are handed to repositories with content."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import yaml

from sandbox.github.expressions import filled_in
from tests.tools.ci import expressions, forge_shell
from tools.ci.runner import bash

ROOT = forge_shell.ROOT / "examples" / "content-repository"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def github():
    """GitHub's API: its address, what it was sent, and the status code that it answers with."""
    sent, codes = [], [204]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sent.append((self.path, self.headers["Authorization"], json.loads(body)))
            self.send_response(codes[0])
            self.end_headers()

        def log_message(self, *said):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", sent, codes
    server.shutdown()
    server.server_close()


def notify(address, folder):
    workflow = yaml.safe_load((ROOT / ".github/workflows/publish.yml").read_text())
    (step,) = workflow["jobs"]["notify"]["steps"]
    contexts = {
        "vars": {"INFRA_REPOSITORY": "peacefulrobot/infra", "INFRA_STACK": "prod"},
        "secrets": {"INFRA_DISPATCH_TOKEN": "the-token"},
    }
    variables = {name: filled_in(text, contexts) for name, text in step["env"].items()}
    given = {"GITHUB_SHA": COMMIT, "GITHUB_RUN_ID": "17", "RUNNER_TEMP": str(folder)}
    given["GITHUB_API_URL"] = address
    return bash(step["run"], folder, {**given, **variables})


def test_a_push_at_github_sends_the_event_that_the_deployment_waits_for(github, tmp_path):
    address, sent, _ = github
    ended = notify(address, tmp_path)
    assert ended.code == 0, ended.output
    payload = {"commit": COMMIT, "stack": "prod", "deployment": "17-0123456789ab"}
    path = "/repos/peacefulrobot/infra/dispatches"
    assert sent == [(path, "Bearer the-token", {"event_type": "content-updated", "client_payload": payload})]
    deploy = forge_shell.GitHubWorkflow(forge_shell.ROOT, "deploy.yml")
    assert deploy.events["repository_dispatch"]["types"] == ["content-updated"]


def test_a_refused_event_fails_the_push_s_job_and_shows_no_token(github, tmp_path):
    address, sent, codes = github
    codes[0] = 404
    ended = notify(address, tmp_path)
    assert ended.code != 0
    assert "the-token" not in ended.output
    assert len(sent) == 1


def test_a_push_at_gitlab_starts_the_infrastructures_pipeline_without_a_token():
    job = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text())["publish"]
    assert job["trigger"]["project"] == "$INFRA_PROJECT"
    assert job["variables"]["CONTENT_STACK"] == "$INFRA_STACK"
    (rule,) = job["rules"]
    push = {"CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main", "CI_PIPELINE_SOURCE": "push"}
    named = {"INFRA_PROJECT": "peacefulrobot/infra", "INFRA_STACK": "prod"}
    assert expressions.gitlab(rule["if"], {**push, **named})
    assert not expressions.gitlab(rule["if"], push)
    assert not expressions.gitlab(rule["if"], {**push, **named, "CI_COMMIT_BRANCH": "feature"})
