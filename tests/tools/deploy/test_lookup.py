from __future__ import annotations

import json
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest

from components.hosts import ApiLookup
from tools.deploy import lookup
from tools.deploy.errors import Refused
from tools.deploy.pending import Fate

LISTS = {
    "/client/v4/zones/z/load_balancers": [{"id": "lb", "name": "www.example.com"}],
    "/client/v4/accounts/a/load_balancers/pools": [{"id": "p1", "name": "one"}, {"id": "p2", "name": "two"}],
    "/client/v4/accounts/a/load_balancers/monitors": [{"id": "m", "description": "d", "path": "/x"}],
    "/client/v4/zones/z/dns_records": [
        {"id": "d1", "name": "example.com", "type": "CAA", "data": {"flags": 0, "tag": "issue", "value": "one"}},
        {"id": "d2", "name": "example.com", "type": "CAA", "data": {"flags": 0, "tag": "issue", "value": "two"}},
        {"id": "d3", "name": "example.com", "type": "A", "content": "192.0.2.1"},
    ],
    "/client/v4/zones/z/rulesets": [
        {"id": "r", "kind": "zone", "phase": "http_request_dynamic_redirect", "name": "n", "version": "1"}
    ],
}


@pytest.fixture
def cloudflare():
    """Cloudflare's lists, by the official client over real HTTP."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked = urlsplit(self.path)
            found = LISTS.get(asked.path)
            if found and int(parse_qs(asked.query).get("page", ["1"])[0]) > 1:
                found = []
            body = {"success": found is not None, "errors": [], "messages": [], "result": found}
            body["result_info"] = {"page": 1, "per_page": 100, "count": len(found or []), "total_pages": 1}
            self.send_response(403 if found is None else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/client/v4"
    yield {"CLOUDFLARE_BASE_URL": address, "CLOUDFLARE_API_TOKEN": "t0ken"}
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("kind", "inputs", "expected"),
    [
        ("loadBalancer:LoadBalancer", {"zoneId": "z", "name": "www.example.com"}, "lb"),
        ("loadBalancer:LoadBalancer", {"zoneId": "z", "name": "other"}, Fate.ABSENT),
        ("loadBalancerPool:LoadBalancerPool", {"accountId": "a", "name": "two"}, "p2"),
        ("loadBalancerMonitor:LoadBalancerMonitor", {"accountId": "a", "description": "d", "path": "/x"}, "m"),
        ("loadBalancerMonitor:LoadBalancerMonitor", {"accountId": "a", "description": "d", "path": "/y"}, Fate.ABSENT),
        (
            "dnsRecord:DnsRecord",
            {"zoneId": "z", "name": "example.com", "type": "CAA", "data": {"tag": "issue", "value": "two"}},
            "d2",
        ),
        ("dnsRecord:DnsRecord", {"zoneId": "z", "name": "example.com", "type": "A", "content": "192.0.2.1"}, "d3"),
        ("dnsRecord:DnsRecord", {"zoneId": "z", "name": "example.com", "type": "AAAA"}, Fate.ABSENT),
        ("ruleset:Ruleset", {"zoneId": "z", "kind": "zone", "phase": "http_request_dynamic_redirect"}, "r"),
        ("zoneSetting:ZoneSetting", {"zoneId": "z", "settingId": "ssl"}, Fate.AGAIN),
        ("workersScript:WorkersScript", {}, Fate.UNKNOWN),
    ],
)
def test_cloudflare_resources_are_found_by_what_tells_them_apart(cloudflare, kind, inputs, expected):
    assert lookup.finder(cloudflare)(f"cloudflare:index/{kind}", inputs) == expected


def test_a_cloudflare_that_does_not_answer_is_refused_without_its_token(cloudflare):
    with pytest.raises(Refused, match="LoadBalancerPool") as refused:
        lookup.finder(cloudflare)("cloudflare:index/x:LoadBalancerPool", {"accountId": "unknown", "name": "two"})
    assert "t0ken" not in refused.value.message


@pytest.mark.parametrize("kind", ["publisher:index:Upload", "pulumi:providers:aws", "gcp:projects/service:Service"])
def test_what_looks_itself_up_is_done_again(kind):
    assert lookup.finder({})(kind, {}) is Fate.AGAIN


def test_resources_that_their_host_names_an_input_for_are_found_by_it(monkeypatch):
    module = SimpleNamespace(IDENTIFIED_BY={"some:index/thing:Thing": "name"})
    monkeypatch.setattr(lookup, "import_module", lambda name: module)
    find = lookup.finder({})
    assert find("some:index/thing:Thing", {"name": "x"}) == "x"
    assert find("some:index/thing:Thing", {}) is Fate.UNKNOWN
    assert find("some:index/other:Other", {"name": "x"}) is Fate.UNKNOWN


def test_an_id_is_composed_of_inputs_and_variables_of_the_environment(monkeypatch):
    module = SimpleNamespace(IDENTIFIED_BY={"some:index:Thing": "/subscriptions/{SUBSCRIPTION}/groups/{group}/{name}"})
    monkeypatch.setattr(lookup, "import_module", lambda name: module)
    find = lookup.finder({"SUBSCRIPTION": "s"})
    assert find("some:index:Thing", {"group": "g", "name": "n"}) == "/subscriptions/s/groups/g/n"
    assert find("some:index:Thing", {"group": "g"}) is Fate.UNKNOWN
    assert find("some:index:Thing", {"group": "g", "name": None}) is Fate.UNKNOWN
    assert lookup.finder({})("some:index:Thing", {"group": "g", "name": "n"}) is Fate.UNKNOWN


@pytest.fixture
def projects():
    """An API with one project, to those with the token, by name and as a list."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            project = {"id": 7, "name": "a b"}
            found = {
                "/v1/projects/a%20b": project,
                "/v1/projects?search=a%20b": [{"id": 6, "name": "a"}, project],
                "/v1/projects/a%20b?teamId=t1": {**project, "id": 8},
            }
            known = self.headers.get("Authorization") == "Bearer t0ken"
            body = found.get(self.path, {"message": "not found"})
            self.send_response(401 if not known else 200 if self.path in found else 404)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield {"THEIR_URL": f"http://127.0.0.1:{server.server_port}/v1/", "THEIR_TOKEN": "t0ken"}
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("path", ["/projects/{name}", "/projects?search={name}"])
def test_resources_with_ids_of_the_platforms_own_are_found_by_their_name(monkeypatch, projects, path):
    known = {"some:index:Project": ApiLookup("THEIR_URL", "https://api.example.com", path, "THEIR_TOKEN")}
    monkeypatch.setattr(lookup, "import_module", lambda name: SimpleNamespace(FOUND_BY_API=known))
    assert lookup.finder(projects)("some:index:Project", {"name": "a b"}) == "7"
    assert lookup.finder(projects)("some:index:Project", {"name": "other"}) is Fate.ABSENT
    asked = replace(known["some:index:Project"], path="/projects/{name}", query=("teamId",))
    monkeypatch.setitem(known, "some:index:Project", asked)
    assert lookup.finder(projects)("some:index:Project", {"name": "a b", "teamId": "t1"}) == "8"
    with pytest.raises(Refused, match="check THEIR_TOKEN") as refused:
        lookup.finder({**projects, "THEIR_TOKEN": "hunter2"})("some:index:Project", {"name": "a b"})
    assert "hunter2" not in refused.value.message
