"""Small sites with rules that get in each other's way, for properties of what platforms make of them."""

from __future__ import annotations

import hashlib
from itertools import product
from pathlib import Path

from hypothesis import strategies as st

from website import File, HeaderRule, Redirect, Rules, Site
from website.resolution import file_at

NAMES = ("a.html", "a/index.html", "a/b.html", "a/b/index.html", "a/c d.txt", "é.html", "b", "b(1)%.html", "a.b/x.html")
SOURCES = ("/a", "/a/", "/a/b", "/a/b/", "/é", "/b", "/b.html", "/new", "/new/page", "/index.html", "/b(1)%", "/")
FOLDERS = ("/a/*", "/*", "/new/*", "/é/*", "/a/b/*", "/a.b/*")
TARGETS = ("/to", "/to/#part", "https://example.org/x?y=1", "/t%C3%B6", "/a")
SPLATS = ("/to/:splat", "https://example.org/:splat", "/to/:splat/more", "/to/:splat?x=1")
MOVED = st.sampled_from([301, 302, 307, 308])
REDIRECTS = st.one_of(
    st.builds(Redirect, st.sampled_from(SOURCES + FOLDERS), st.sampled_from(TARGETS), MOVED, st.booleans(), st.just(1)),
    st.builds(Redirect, st.sampled_from(FOLDERS), st.sampled_from(SPLATS), MOVED, st.booleans(), st.just(1)),
    st.builds(
        Redirect,
        st.sampled_from(SOURCES + FOLDERS),
        st.sampled_from(["/a", "/é", "/b", "/a/b/", "/"]),
        st.just(200),
        st.booleans(),
        st.just(1),
    ),
    st.builds(
        Redirect, st.sampled_from(FOLDERS), st.sampled_from(["/a/:splat", "/:splat"]), st.just(200), st.booleans()
    ),
)
HEADERS = st.builds(
    HeaderRule,
    st.sampled_from(SOURCES + FOLDERS),
    st.dictionaries(
        st.sampled_from(["X-One", "x-one", "X-Two", "X-Frame-Options"]), st.sampled_from("12"), min_size=1
    ).map(lambda found: tuple(found.items())),
    st.just(1),
)


def file(path: str) -> File:
    body = f"<p>{path}".encode()
    kind = "text/html; charset=utf-8" if path.endswith(".html") else "text/x-own"
    caching = "public, max-age=0, must-revalidate" if path.endswith(".html") else "public, max-age=31536000, immutable"
    return File(path, hashlib.sha256(body).hexdigest(), len(body), kind, caching, body)


@st.composite
def sites(draw) -> Site:
    names = {"index.html", *draw(st.sets(st.sampled_from(NAMES)))}
    not_found = draw(st.sampled_from(["404.html", None]))
    files = {name: file(name) for name in sorted({*names, *([not_found] if not_found else [])})}
    redirects: dict[str, Redirect] = {}
    for number, rule in enumerate(draw(st.lists(REDIRECTS, max_size=4)), 1):
        there = file_at(rule.target, files) or file_at(f"{rule.target}/", files)
        if rule.source not in redirects and (rule.status != 200 or there or ":splat" in rule.target):
            redirects[rule.source] = Redirect(rule.source, rule.target, rule.status, rule.force, number)
    rules = Rules(tuple(redirects.values()), tuple(draw(st.lists(HEADERS, max_size=3))), FLOOR, not_found)
    return Site(Path(), None, files, rules, "r0123456789abcdef", "0" * 64)


FLOOR = (("X-Frame-Options", "DENY"), ("Referrer-Policy", "no-referrer"))
ASKED = sorted(
    {
        *("/" + name for name in NAMES),
        *SOURCES,
        *(f"/{name}".removesuffix("index.html").removesuffix(".html") for name in NAMES),
        *(
            "".join(pair)
            for pair in product([folder[:-1] for folder in FOLDERS], ["", "b", "word", "c d.txt", "x/y é"])
        ),
        *("/404", "/index", "/a/b/index.html", "/nothing", "/nothing/", "/B", "/a.bx", "/axb/x", "/new"),
    }
)
