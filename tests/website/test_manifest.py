from __future__ import annotations

import json

from website import Manifest

PAGES = {
    "index.html": "<p>home",
    "about.html": "<p>about",
    "posts/index.html": "<p>posts",
    "app.3f2a9c1b.js": "'use strict'",
    "404.html": "<p>lost",
    "_redirects": "/old /about 301\n/docs/* /posts/:splat 302\n/forced /posts/ 307!\n/in-place /about.html 200\n",
    "_headers": "/posts/*\n  X-Extra: posts\n/about.html\n  Cache-Control: no-cache\n",
}
PATHS = [
    "/",
    "/about",
    "/about.html",
    "/posts",
    "/posts/",
    "/old",
    "/docs/a/b",
    "/forced",
    "/in-place",
    "/app.3f2a9c1b.js",
]


def through_json(manifest: Manifest) -> Manifest:
    plain = {key: getattr(manifest, key) for key in manifest.__dataclass_fields__}
    return Manifest(**json.loads(json.dumps(plain), parse_int=float))


def test_what_is_remembered_of_a_site_answers_every_path_as_the_site_does(load):
    site = load(PAGES)
    again = through_json(Manifest.of(site)).site()
    assert again.release_id == site.release_id
    assert list(again.files) == list(site.files)
    for path in [*PATHS, "/.well-known/release.json", "/missing"]:
        expected, found = site.answer(path), again.answer(path)
        assert (found.status, found.location, found.headers) == (expected.status, expected.location, expected.headers)
        if expected.file is not None:
            assert expected.file.sha256.startswith(found.file.sha256)


def test_the_release_record_is_the_same_byte_for_byte(load):
    site = load(PAGES)
    record = ".well-known/release.json"
    assert through_json(Manifest.of(site)).site().files[record] == site.files[record]


def test_a_rule_that_moves_to_another_line_changes_nothing(load):
    first = Manifest.of(load(PAGES))
    second = Manifest.of(load({**PAGES, "_redirects": f"# a comment\n\n{PAGES['_redirects']}"}))
    assert second == first
