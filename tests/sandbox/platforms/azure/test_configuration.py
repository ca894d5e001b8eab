"""What ``staticwebapp.config.json`` may say: https://learn.microsoft.com/azure/static-web-apps/configuration."""

from __future__ import annotations

import json

import pytest

from sandbox.platforms.azure.configuration import LARGEST, ConfigurationRefused, read


def routes(*found):
    return read(json.dumps({"routes": found}).encode())


def meets(configuration, path, method="GET"):
    route = configuration.route(path, method)
    return route.pattern if route else None


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("no json", "not valid JSON"),
        ([], "An object is expected"),
        ({"routez": []}, "Unknown property 'routez'"),
        ({"routes": [{}]}, "Each rule needs a 'route'"),
        ({"routes": ["/a"]}, "Each rule needs a 'route'"),
        ({"routes": [{"route": "/a", "status": 301}]}, "Unknown property 'status' in the route /a"),
        ({"routes": [{"route": "/*/a"}]}, "wildcard is only supported at the end"),
        ({"routes": [{"route": "/a/*.{png,jpg"}]}, "wildcard is only supported at the end"),
        ({"routes": [{"route": "/a", "redirect": "/b", "rewrite": "/c"}]}, "mutually exclusive"),
        ({"routes": [{"route": "/a", "statusCode": "301"}]}, "status code is none"),
        ({"routes": [{"route": "/a", "methods": ["get"]}]}, "Unknown method"),
        ({"routes": [{"route": "/a", "headers": {"X-A": 1}}]}, "Texts are expected in /a"),
        ({"globalHeaders": {"X-A": None}}, "Texts are expected in globalHeaders"),
        ({"mimeTypes": ["a"]}, "Texts are expected in mimeTypes"),
        ({"responseOverrides": {"500": {"rewrite": "/a"}}}, "Only the status codes 400, 401, 403 and 404"),
        ({"trailingSlash": "sometimes"}, "must be one of always, never and auto"),
    ],
)
def test_what_the_platform_does_not_take_is_refused(document, words):
    content = document if isinstance(document, str) else json.dumps(document)
    with pytest.raises(ConfigurationRefused, match=words):
        read(content.encode())


def test_20_kb_are_the_limit():
    document = json.dumps({"globalHeaders": {"X-A": ""}})
    fits = document.replace('""', f'"{"a" * (LARGEST - len(document))}"')
    read(fits.encode())
    with pytest.raises(ConfigurationRefused, match="exceeds the limit of 20 KB"):
        read(fits.replace("a", "aa", 1).encode())


def test_a_route_behind_a_wildcard_that_covers_it_is_refused():
    with pytest.raises(ConfigurationRefused, match=r"Route: /a/b, Wildcard\(s\): /a/\*"):
        routes({"route": "/a/*"}, {"route": "/a/b"})
    routes({"route": "/a/b"}, {"route": "/a/*"})
    routes({"route": "/a/*", "methods": ["POST"]}, {"route": "/a/b"})


def test_the_first_route_that_fits_counts():
    found = routes({"route": "/a/b"}, {"route": "/a/*.{css,js}"}, {"route": "/a/*"})
    assert [meets(found, path) for path in ("/a/b", "/a/b.css", "/a/c/d.js", "/a/c", "/b")] == [
        "/a/b",
        "/a/*.{css,js}",
        "/a/*.{css,js}",
        "/a/*",
        None,
    ]


def test_an_index_route_fits_its_folder_too():
    found = routes({"route": "/a/index.html"})
    assert [meets(found, path) for path in ("/a/index.html", "/a/", "/a", "/a/b")] == [
        "/a/index.html",
        "/a/index.html",
        "/a/index.html",
        None,
    ]


def test_a_redirect_to_itself_is_passed_over():
    found = routes({"route": "/a/*", "redirect": "/a/b"})
    assert meets(found, "/a/b") is None
    assert meets(found, "/a/c") == "/a/*"


def test_a_route_may_be_for_some_methods_only():
    found = routes({"route": "/a", "methods": ["POST"]})
    assert (meets(found, "/a"), meets(found, "/a", "POST")) == (None, "/a")


def test_paths_are_excluded_from_the_fallback():
    document = {"navigationFallback": {"rewrite": "/index.html", "exclude": ["/images/*.{png,gif}", "/css/*"]}}
    found = read(json.dumps(document).encode())
    assert [found.falls_back(path) for path in ("/a", "/images/a.png", "/images/a.txt", "/css/x")] == [
        True,
        False,
        True,
        False,
    ]
    assert not read(b"{}").falls_back("/a")
