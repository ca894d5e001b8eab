"""What Firebase is told, read by the twin, means what the site says."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from publisher.platforms.firebase import _config
from publisher.platforms.firebase.patterns import among
from publisher.platforms.firebase.routing import routing_of
from sandbox.platforms.firebase.hosting import Hosting
from sandbox.platforms.firebase.serving import Serving
from sandbox.store import Store
from sandbox.world import Clock
from tests.generated_sites import ASKED, FLOOR, file, sites
from website import HeaderRule, Redirect, Rules, Site, gzip_stream, url_encoded


class Served:
    """A twin without sockets."""

    def __init__(self, folder: Path) -> None:
        clock = Clock()
        self.hosting = Hosting(Store(folder), folder / "firebase", clock)
        self.serving = Serving(self.hosting, clock)
        self.site = self.hosting.make_site("robot")

    def deploy(self, site: Site) -> None:
        routing = routing_of(site)
        packed = {key: b"".join(gzip_stream(found)) for key, found in routing.paths.items()}
        hashes = {key: hashlib.sha256(body).hexdigest() for key, body in packed.items()}
        version = self.hosting.make_version("robot", {})["id"]
        self.hosting.populate("robot", version, hashes)
        for key, body in packed.items():
            self.hosting.contents.put(hashes[key], body)
        body = {"status": "FINALIZED", "config": _config(site, routing)}
        self.hosting.change_version("robot", version, {"status", "config"}, body)
        self.hosting.make_release("robot", "live", f"sites/robot/versions/{version}", {})

    async def ask(self, paths: Sequence[str]) -> list[web.Response]:
        headers = {"Host": self.site["hostname"]}
        requests = [make_mocked_request("GET", url_encoded(path), headers=headers) for path in paths]
        return [await self.serving._serve(request) for request in requests]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    return Served(tmp_path_factory.mktemp("twin"))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(site=sites())
def test_every_path_is_answered_as_the_site_says_or_the_site_is_refused(served, site):
    assume(not routing_of(site).mistakes)
    served.deploy(site)
    for path, found in zip(ASKED, asyncio.run(served.ask(ASKED)), strict=True):
        expected = site.answer(path)
        said = (path, found.status, found.headers.get("Location"))
        assert said == (path, expected.status, expected.location)
        if expected.file is not None:
            assert found.body == expected.file.source, path
            assert {name: found.headers.get(name) for name in expected.headers} == dict(expected.headers), path


def own(files=(), redirects=(), headers=()) -> Site:
    found = {name: file(name) for name in ("index.html", *files)}
    rules = Rules(tuple(Redirect(*rule) for rule in redirects), tuple(headers), FLOOR, None)
    return Site(Path(), None, found, rules, "r0123456789abcdef", "0" * 64)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_of_two_rules_for_one_header_the_last_one_counts_however_it_is_spelled(served, order):
    rules = [HeaderRule("/*", (("X-One", "1"),), 1), HeaderRule("/a/*", (("x-one", "2"),), 2)]
    rules.append(HeaderRule("/a/b", (("X-ONE", "3"), ("x-frame-options", "SAMEORIGIN")), 3))
    site = own(("a/b.html",), headers=[rules[number] for number in order])
    served.deploy(site)
    paths = ["/", "/a/b", "/a/b.html"]
    for path, found in zip(paths, asyncio.run(served.ask(paths)), strict=True):
        expected = site.answer(path).headers
        assert {name: found.headers.getall(name) for name in expected} == {
            name: [value] for name, value in expected.items()
        }


@pytest.mark.parametrize(
    ("files", "rule", "cannot", "because"),
    [
        ((), ("/__/auth", "/x", 301, False, 7), "answer this path", "it keeps URLs below /__/ for itself"),
        ((), ("/x/*", "/y:splat", 301, False, 7), "send to /y:splat", "only where a segment of the path begins"),
        ((), ("/x/*", "/y/:splat+", 301, False, 7), "send to", "'+' behind :splat"),
        ((), ("/x/*", "https://h:8080/:splat", 301, False, 7), "send to", "':' has a meaning of its own"),
        (("x/y.html", "z.html"), ("/x/*", "/z", 200, True, 7), "hide the files below /x/", "it serves a file"),
        (
            ("x/index.html", "z.html"),
            ("/x/", "/z", 200, True, 7),
            "serve another file at /x/",
            "the same file is shown",
        ),
        (("z.html",), ("/x/*", "/:splat/:splat", 200, False, 7), "serve", "the splat stands in it twice"),
    ],
)
def test_what_cannot_be_expressed_is_named_by_line_with_reason_and_way_out(files, rule, cannot, because):
    (mistake,) = routing_of(own(files, [rule])).mistakes
    assert mistake.startswith(f"_redirects:7: firebase cannot {cannot}")
    assert because in mistake
    assert mistake.endswith(", or take firebase out of `hosts`.")


def test_an_unforced_splat_over_very_many_files_is_refused_and_a_forced_one_is_not():
    names = [f"docs/{hashlib.sha256(str(number).encode()).hexdigest()}.html" for number in range(200)]
    (mistake,) = routing_of(own(names, [("/docs/*", "/new/:splat", 301, False, 3)])).mistakes
    assert "too many lie below /docs/ to be left out" in mistake
    assert routing_of(own(names, [("/docs/*", "/new/:splat", 301, True, 3)])).mistakes == []


@given(st.sets(st.text("ab/é .(%", min_size=1, max_size=5), min_size=1, max_size=30), st.text("ab/é .(%", max_size=5))
def test_joined_patterns_fit_these_paths_in_both_forms_and_no_others(paths, other):
    patterns = [re.compile(pattern) for pattern in among(paths)]
    for path in paths:
        assert any(pattern.search(path) for pattern in patterns)
        assert any(pattern.search(url_encoded(path)) for pattern in patterns)
    forms = {form for path in paths for form in (path, url_encoded(path))}
    mixed = any(char in other for char in "é %")  # a path half encoded may fit, which no browser sends
    assert mixed or other in forms or not any(pattern.search(other) for pattern in patterns)
