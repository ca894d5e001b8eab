from __future__ import annotations

import datetime
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from components.delivery.settings import DeliverySettings
from tools.check_tokens.__main__ import judged, read
from tools.deploy.errors import Refused

LAST_DAY = "2027-05-31"
MILLISECONDS = int(datetime.datetime.fromisoformat(f"{LAST_DAY}T12:00:00+00:00").timestamp() * 1000)
NAMES = ("CLOUDFLARE_API_TOKEN", "VERCEL_API_TOKEN", "NETLIFY_AUTH_TOKEN", "GITLAB_TOKEN", "INFRA_DISPATCH_TOKEN")
SETTINGS = DeliverySettings.model_validate(
    {
        "github": {"owner": "robot", "infrastructure": "infra", "content": "site", "direct": True},
        "tokens": {**{name: {"expires": LAST_DAY} for name in NAMES}, "PULUMI_CONFIG_PASSPHRASE": {}},
    }
)
WELL = {
    "/gitlab/personal_access_tokens/self": ({"active": True, "scopes": ["api"], "expires_at": LAST_DAY}, {}),
    "/cf/user/tokens/verify": ({"result": {"status": "active", "expires_on": f"{LAST_DAY}T00:00:00Z"}}, {}),
    "/vercel/v5/user/tokens/current": ({"token": {"expiresAt": MILLISECONDS, "scopes": [{"type": "team"}]}}, {}),
    "/netlify/api/v1/user": ({"id": "1"}, {}),
    "/gh/repos/robot/infra": ({"id": 1}, {"GitHub-Authentication-Token-Expiration": f"{LAST_DAY} 10:00:00 UTC"}),
}


@pytest.fixture
def services():
    """Environment that leads to local services; what they answer can be changed."""
    answers = dict(WELL)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            shown = self.headers.get("PRIVATE-TOKEN") or self.headers.get("Authorization", "").removeprefix("Bearer ")
            body, headers = answers.get(self.path, (None, {}))
            self.send_response(200 if shown.startswith("planted-") and body is not None else 401)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    root = f"http://127.0.0.1:{server.server_port}"
    own = {"GITLAB_BASE_URL": "gitlab/", "CLOUDFLARE_BASE_URL": "cf", "VERCEL_API_URL": "vercel"}
    own |= {"NETLIFY_API_URL": "netlify", "GITHUB_BASE_URL": "gh"}
    environment = {name: f"{root}/{place}" for name, place in own.items()} | {name: f"planted-{name}" for name in NAMES}
    yield environment, answers
    server.shutdown()
    server.server_close()


def verdicts(environment):
    return {one.name: one for one in judged(SETTINGS, environment)}


def test_tokens_that_end_when_it_is_written_are_right_and_what_nobody_can_tell_is_said(services):
    found = verdicts(services[0])
    assert {name for name, one in found.items() if one.wrong is False} == set(NAMES) - {"NETLIFY_AUTH_TOKEN"}
    assert {name for name, one in found.items() if one.wrong is None} == {
        "NETLIFY_AUTH_TOKEN",
        "PULUMI_CONFIG_PASSPHRASE",
    }


OF_GITLAB, OF_CLOUDFLARE, OF_VERCEL, OF_GITHUB = (path for path in WELL if "netlify" not in path)
WIDE = {"active": True, "scopes": ["api", "sudo"], "expires_at": LAST_DAY}
EARLIER = {"active": True, "scopes": ["api"], "expires_at": "2027-01-01"}
OF_A_USER = {"token": {"expiresAt": MILLISECONDS, "scopes": [{"type": "user"}]}}


@pytest.mark.parametrize(
    ("path", "body", "headers", "name", "said"),
    [
        (OF_GITLAB, WIDE, {}, "GITLAB_TOKEN", "scopes sudo"),
        (OF_GITLAB, EARLIER, {}, "GITLAB_TOKEN", "ends on 2027-01-01"),
        (OF_GITLAB, {"active": False}, {}, "GITLAB_TOKEN", "revoked"),
        (OF_CLOUDFLARE, {"result": {"status": "disabled"}}, {}, "CLOUDFLARE_API_TOKEN", "disabled"),
        (OF_CLOUDFLARE, {"result": {"status": "active"}}, {}, "CLOUDFLARE_API_TOKEN", "has no end"),
        (OF_VERCEL, OF_A_USER, {}, "VERCEL_API_TOKEN", "all teams"),
        (OF_GITHUB, {"id": 1}, {"X-OAuth-Scopes": "repo"}, "INFRA_DISPATCH_TOKEN", "classic"),
    ],
)
def test_what_is_not_as_written_is_wrong_and_says_how(services, path, body, headers, name, said):
    environment, answers = services
    answers[path] = body, headers
    found = verdicts(environment)[name]
    assert found.wrong is True
    assert said in found.said


def test_a_token_that_is_refused_is_wrong_and_its_value_is_nowhere(services):
    environment, _ = services
    found = verdicts({**environment, "VERCEL_API_TOKEN": "another-one", "NETLIFY_AUTH_TOKEN": "another-one"})
    assert found["VERCEL_API_TOKEN"].wrong is found["NETLIFY_AUTH_TOKEN"].wrong is True
    assert not [one for one in found.values() if "another-one" in one.said or "planted-" in one.said]


def test_a_service_that_does_not_answer_or_answers_something_else_is_not_known(services):
    environment, answers = services
    answers["/cf/user/tokens/verify"] = (["nonsense"], {})
    found = verdicts({**environment, "GITLAB_BASE_URL": "http://127.0.0.1:1/"})
    assert found["GITLAB_TOKEN"].wrong is found["CLOUDFLARE_API_TOKEN"].wrong is None


def test_without_the_setting_there_is_nothing_to_ask_and_a_wrong_one_is_refused(tmp_path):
    (tmp_path / "Pulumi.a.yaml").write_text("config: {}\n")
    assert read(tmp_path, "a").tokens == {}
    (tmp_path / "Pulumi.b.yaml").write_text("config: {'peacefulrobot-infra:delivery': {nonsense: 1}}\n")
    for stack in ("b", "c"):
        with pytest.raises(Refused):
            read(tmp_path, stack)
