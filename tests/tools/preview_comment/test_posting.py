"""The comment at both forges, made from their documentation, on real sockets."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import stamina

from tools.deploy.errors import Refused
from tools.preview_comment.posting import post, thread

TOKEN = "tok-PLANTED-0123456789"
MARK = "<!-- mark -->"


class Forge(ThreadingHTTPServer):
    """Comments under two paths; ``failing`` are statuses of the next answers."""

    def __init__(self, header, value, edit):
        self.comments = [{"id": number, "body": f"talk {number}"} for number in range(250)]
        self.failing = []
        self.seen = []
        self.token = header, value
        self.edit = edit
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def handle_any(self):
        forge = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        forge.seen.append(self.command)
        if self.headers.get(forge.token[0]) != forge.token[1]:
            return self.answer(401, {"message": "Bad credentials"})
        if forge.failing:
            return self.answer(forge.failing.pop(0), {"message": "no"})
        if self.command == "GET":
            return self.listed(parse_qs(urlsplit(self.path).query))
        text = json.loads(body)["body"]
        if self.command == "POST":
            forge.comments.append({"id": len(forge.comments), "body": text})
            return self.answer(201, forge.comments[-1])
        if self.command != forge.edit:
            return self.answer(405, {})
        found = forge.comments[int(self.path.rsplit("/", 1)[1])]
        found["body"] = text
        return self.answer(200, found)

    def listed(self, query):
        size, page = int(query["per_page"][0]), int(query.get("page", ["1"])[0])
        shown = self.server.comments[size * (page - 1) : size * page]
        more = size * page < len(self.server.comments)
        base = f"{self.server.url}{urlsplit(self.path).path}?per_page={size}"
        self.answer(200, shown, {"Link": f'<{base}&page={page + 1}>; rel="next"'} if more else {})

    def answer(self, status, said, headers=None):
        text = json.dumps(said).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(text)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PATCH = do_PUT = handle_any  # noqa: N815 - the names are the library's


@pytest.fixture(params=["github", "gitlab"])
def forge(request, tmp_path, monkeypatch):
    stamina.set_testing(True, attempts=4)
    if request.param == "github":
        server = Forge("Authorization", f"Bearer {TOKEN}", "PATCH")
        event = tmp_path / "event.json"
        event.write_text(json.dumps({"pull_request": {"number": 7}}))
        server.environment = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_API_URL": server.url,
            "GITHUB_REPOSITORY": "owner/infra",
        }
    else:
        server = Forge("PRIVATE-TOKEN", TOKEN, "PUT")
        server.environment = {
            "GITLAB_CI": "true",
            "CI_MERGE_REQUEST_IID": "7",
            "CI_API_V4_URL": f"{server.url}/api/v4",
            "CI_PROJECT_ID": "42",
            "PREVIEW_COMMENT_TOKEN": TOKEN,
        }
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield server
    server.shutdown()
    server.server_close()
    stamina.set_testing(False)


def ours(forge):
    return [one["body"] for one in forge.comments if one["body"].startswith(MARK)]


def test_the_comment_is_made_once_edited_then_and_left_alone_when_it_says_the_same(forge):
    where = thread(forge.environment)
    assert post(where, f"{MARK}\none", MARK) == "made"
    assert post(where, f"{MARK}\ntwo", MARK) == "edited"
    assert post(where, f"{MARK}\ntwo", MARK) == "left as it is"
    assert ours(forge) == [f"{MARK}\ntwo"]
    assert forge.seen.count("POST") == 1


def test_trouble_of_the_forge_is_waited_out_and_no_comment_is_made_twice(forge):
    forge.failing = [502, 429]
    assert post(thread(forge.environment), f"{MARK}\none", MARK) == "made"
    assert len(ours(forge)) == 1


def test_making_a_comment_is_not_repeated_after_the_forge_may_have_made_it(forge):
    forge.comments.clear()
    where = thread(forge.environment)
    original = Handler.handle_any

    def fail_after(self):
        if self.command == "POST" and not self.server.seen.count("POST"):
            self.server.failing = [500]
        original(self)

    Handler.do_POST = fail_after
    try:
        with pytest.raises(Refused, match="answered 500"):
            post(where, f"{MARK}\none", MARK)
    finally:
        Handler.do_POST = original
    assert forge.seen.count("POST") == 1


def test_a_token_that_may_not_is_told_and_never_shown(forge):
    environment = {key: "wrong-PLANTED" if value == TOKEN else value for key, value in forge.environment.items()}
    where = thread(environment)
    with pytest.raises(Refused, match="answered 401") as caught:
        post(where, MARK, MARK)
    assert "PLANTED" not in str(caught.value) + repr(where)


def test_a_missing_token_is_named(forge):
    environment = {key: value for key, value in forge.environment.items() if value != TOKEN}
    with pytest.raises(Refused, match="_TOKEN is not set"):
        thread(environment)


@pytest.mark.parametrize("environment", [{}, {"GITLAB_CI": "true"}])
def test_outside_of_a_merge_request_there_is_nowhere_to_put_it(environment):
    assert thread(environment) is None


def test_a_push_at_github_is_no_merge_request(tmp_path):
    event = tmp_path / "event.json"
    event.write_text("{}")
    assert thread({"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": str(event)}) is None
