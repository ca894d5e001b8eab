"""For any small site, the twin answers what the publisher packed as the site says."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from publisher.errors import PlatformRefused
from publisher.platforms.azure import AzurePlatform
from publisher.platforms.azure.package import Package
from publisher.platforms.azure.routes import configuration
from sandbox.platforms.azure.configuration import NAME, read
from sandbox.platforms.azure.serving import Tree, _Exchange
from website import SPLAT, ContentError, load_site, url_encoded

NAMES = ["a", "b", "ü", "a b", "index", "a.b"]
FOLDERS = ["", "a/", "b/", "a/b/", "ü/"]
ENDS = ["", ".html", "/index.html", ".css", ".txt"]
FILES = st.sets(st.tuples(st.sampled_from(FOLDERS), st.sampled_from(NAMES), st.sampled_from(ENDS)), max_size=8)
SOURCES = st.sampled_from(["/a", "/b/", "/a/b", "/a.html", "/x", "/%C3%BC", "/a/*", "/b/*", "/*", "/x/*", "/a/b/*"])
TARGETS = st.sampled_from(["/", "/a", "/b/", "/a.html", "https://example.org/y", "/a/:splat", "/b/:splat", "/:splat"])
REDIRECTS = st.lists(
    st.tuples(SOURCES, TARGETS, st.sampled_from(["301", "302", "200", "301!", "302!", "200!"])), max_size=4
)
HEADERS = st.lists(
    st.tuples(SOURCES, st.sampled_from(["X-A: 1", "X-A: 2", "X-B: 3", "Cache-Control: no-store"])), max_size=3
)
ASKED = sorted(
    {f"/{folder}{name}{end}" for folder in ["", "a/", "b/", "x/", "ü/"] for name in [*NAMES, "none"] for end in ENDS}
    | {"/", "/a/", "/b/", "/x/", "/x/a", "/x/b/", "/a/b/", "/a/b", "/a/b/a", "/ü/", "/none/", "/a/a/", "/b/a/"}
)


def built(files, redirects, headers, not_found):
    """The site in a folder that is gone afterwards; its files' bytes are read at once."""
    with tempfile.TemporaryDirectory() as folder:
        content = Path(folder) / "content"
        texts = {**{f"{where}{name}{end}": f"{where}{name}{end}" for where, name, end in files}, "index.html": "home"}
        if not_found:
            texts["404.html"] = "lost"
        texts["_redirects"] = "".join(f"{source} {target} {status}\n" for source, target, status in redirects)
        texts["_headers"] = "".join(f"{pattern}\n  {line}\n" for pattern, line in headers)
        try:
            for path, text in texts.items():
                (content / path).parent.mkdir(parents=True, exist_ok=True)
                (content / path).write_text(text, "utf-8")
            site = load_site(str(content), cache=Path(folder) / "cache")
        except (ContentError, OSError):  # a name that is a file and a folder, a loop
            assume(False)
        try:
            AzurePlatform.check_site(site)
        except PlatformRefused:
            assume(False)
        return site, *unpacked(site)


def unpacked(site):
    rules = configuration(site)
    package = Package(rules.types)
    for file in site.files.values():
        package.add(file)
    with zipfile.ZipFile(package.sealed(rules.content).content) as opened:
        contents = {name: opened.read(name) for name in opened.namelist()}
    files = {name: [f"{number:064x}", len(body)] for number, (name, body) in enumerate(contents.items())}
    return contents, Tree(files, read(contents[NAME]))


class Content:
    """Stands for what the twin keeps by digest."""

    def __init__(self, contents):
        self.bodies = list(contents.values())

    def __call__(self, file):
        return self.bodies[int(file[0], 16)]


def carried_nowhere(site, address, expected):
    """A redirect by a splat to what is not there, or on to the same rule again: the platform may say 404 at once."""
    if expected.location is None:
        return False
    following = site.answer(unquote(expected.location))
    by_splat = any(SPLAT in rule.target and rule.match(address) == expected.location for rule in site.rules.redirects)
    return by_splat and following.status != 200


def differs(site, address, expected, answer):
    if answer.status == 404 and carried_nowhere(site, address, expected):
        return None
    if (answer.status, answer.headers.get("Location")) != (expected.status, expected.location):
        return f"{address}: {answer.status} {answer.headers.get('Location')}, not {expected.status} {expected.location}"
    if expected.file is None:
        return None
    body = expected.file.source if isinstance(expected.file.source, bytes) else None
    if body is not None and answer.body != body:
        return f"{address}: other bytes"
    found = {name: value for name, value in answer.headers.items() if name in expected.headers or name.startswith("X-")}
    found.pop("X-DNS-Prefetch-Control", None)
    return None if found == dict(expected.headers) else f"{address}: {found}, not {dict(expected.headers)}"


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(FILES, REDIRECTS, HEADERS, st.booleans())
def test_every_address_is_answered_as_the_site_says(files, redirects, headers, not_found):
    site, contents, tree = built(files, redirects, headers, not_found)
    content = Content(contents)
    wrong = []
    for address in ASKED:
        request = SimpleNamespace(method="GET", raw_path=url_encoded(address), headers={})
        answer = _Exchange(tree, request, "site.azurestaticapps.net", content).answer()
        expected = site.answer(address)
        wrong.append(differs(site, address, expected, answer) or text_differs(address, expected, answer))
    assert [found for found in wrong if found] == []


def text_differs(address, expected, answer):
    """Each file's text is its own path, so bytes tell which file was served."""
    file = expected.file
    if file is None or answer.status in (301, 302) or isinstance(file.source, bytes):
        return None
    own = {"index.html": b"home", "404.html": b"lost"}.get(file.path, file.path.encode())
    return None if answer.body == own else f"{address}: {answer.body!r}, not {own!r}"
