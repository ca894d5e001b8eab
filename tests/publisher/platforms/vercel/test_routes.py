"""What Vercel is told, read by the twin, means what the site says."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given, settings

from publisher.errors import PlatformRefused
from publisher.platforms.vercel import routes
from publisher.platforms.vercel.routes import config
from sandbox.platforms.vercel.build_output import CONFIG, STATIC, Output
from sandbox.platforms.vercel.serving import decide
from tests.generated_sites import ASKED, sites
from website import Site, url_encoded


def output_of(site: Site) -> Output:
    files = {f"{STATIC}{path}": file.sha256 for path, file in site.files.items()}
    return Output.read({**files, CONFIG: ""}, config(site))


@settings(max_examples=150, deadline=None)
@given(sites())
def test_every_path_is_answered_as_the_site_says(site):
    assume(not any("$" in rule.target for rule in site.rules.redirects))
    output = output_of(site)
    for path in ASKED:
        expected, found = site.answer(path), decide(output, url_encoded(path))
        names = {name.lower(): value for name, value in found.headers.items()}
        assert found.status == expected.status, path
        assert names.get("location") == expected.location, path
        if expected.file is None:
            continue
        assert found.file == expected.file.path, path
        for name, value in expected.headers.items():
            if name == "Content-Type":
                override = output.config.overrides.get(found.file)
                assert override is None or override.contentType == value
            elif name == "Cache-Control":
                assert names.get("cache-control", "public, max-age=0, must-revalidate") == value, path
            else:
                assert names[name.lower()] == value, (path, name)


def test_no_expression_is_longer_than_vercel_takes_and_many_pages_share_one(make_site, tmp_path):
    pages = {f"folder-{number % 7}/page-with-a-long-name-{number:05d}.html": "<p>" for number in range(1500)}
    found = json.loads(config(make_site({"index.html": "<p>home", **pages})))["routes"]
    assert max(len(route.get("src", "")) for route in found) <= 4096
    assert len(found) < 40


def test_more_rules_than_a_deployment_has_are_refused(make_site, monkeypatch):
    monkeypatch.setattr(routes, "MAX_ROUTES", 5)
    with pytest.raises(PlatformRefused, match=r"vercel cannot take \d+ routes, because a deployment has 5\. Use fewer"):
        config(make_site({"index.html": "<p>", "_redirects": "/a /b 301\n/c /d 302\n/e /f 302\n"}))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"_redirects": "/ok / 301\n/a /b$1 301\n"}, r"_redirects:2: vercel cannot send visitors to /b\$1"),
        ({"_redirects": "/a/* /b-:splat_c 301\n"}, r"_redirects:1: vercel cannot send visitors to /b-:splat_c"),
    ],
)
def test_what_vercel_would_read_otherwise_is_refused_by_name(make_site, files, said):
    with pytest.raises(PlatformRefused, match=said):
        config(make_site({"index.html": "<p>", **files}))


def test_all_mistakes_of_a_site_are_named_at_once(make_site):
    files = {"index.html": "<p>", "_redirects": "/a /b$1 301\n/ok / 301\n/c /d$2 301\n"}
    with pytest.raises(PlatformRefused) as refused:
        config(make_site(files))
    assert len(str(refused.value).splitlines()) == 2
