"""What the publisher makes of any small site, the twin answers as the site says, or the publisher refuses it."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.platforms.gitlab.redirects import compiled
from publisher.platforms.gitlab.tree import PUBLIC, repository_files
from sandbox.git.repositories import Repositories
from sandbox.platforms.gitlab.account import DEPLOYMENTS, PROJECTS
from sandbox.platforms.gitlab.pipelines import Pipelines
from sandbox.platforms.gitlab.projects import Projects
from sandbox.platforms.gitlab.push_rules import PRE_RECEIVE
from sandbox.platforms.gitlab.serving import Serving
from sandbox.store import Store
from sandbox.world import Clock
from website import ContentError, load_site, read_verified, url_encoded

HOST = "robot-1.gitlab.io"
PROJECT = {"id": 1, "path": "robot", "unique_domain": "robot-1", "pages_unique_domain_enabled": True}
NAMES = (
    "a.html",
    "b.html",
    "b",
    "c.css",
    "d/index.html",
    "d/a.html",
    "d/e/index.html",
    "e/b.html",
    "é/a b.html",
    "A.txt",
)
SOURCES = ("/a", "/a.html", "/b/", "/d/", "/d", "/d/*", "/e/*", "/e/b", "/x", "/x/*", "/X", "/é/*", "/x-y", "/*", "/")
TARGETS = (
    "/a",
    "/a.html",
    "/d/",
    "/d/a",
    "/e/:splat",
    "/d/:splat",
    "/:splat",
    "/b?q=1#f",
    "https://o.example/:splat",
    "/$1",
)
STATUSES = ("301", "302", "200", "301!", "302!", "200!")
RULES = st.lists(
    st.tuples(*map(st.sampled_from, (SOURCES, TARGETS, STATUSES))), max_size=4, unique_by=lambda rule: rule[0]
)


class Pages:
    """The twin's serving alone, without network."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder)
        repositories = Repositories(folder / "repositories", PRE_RECEIVE)
        self.pipelines = Pipelines(self.store, repositories, folder, Clock())
        self.store.put(PROJECTS, "1", {**PROJECT, "pages_access_level": "public"})
        self.serving = Serving(Projects(self.store, repositories, self.pipelines), self.pipelines.contents)
        self.number = 0

    def show(self, site) -> None:
        files = {}
        for path, file in repository_files(site).items():
            if path.startswith(f"{PUBLIC}/"):
                files[path.removeprefix(f"{PUBLIC}/")] = file.sha256
                self.pipelines.contents.put(file.sha256, read_verified(file))
        self.number += 1
        self.store.put(DEPLOYMENTS, "1", {"files": files, "sha": "0" * 40, "pipeline": self.number})

    async def ask(self, path: str) -> web.Response:
        return await self.serving._serve(make_mocked_request("GET", url_encoded(path), headers={"Host": HOST}))


def asked(site):
    for path in site.files:
        yield f"/{path}"
        yield f"/{path}".removesuffix(".html")
        yield f"/{path}".removesuffix("index.html")
    for rule in site.rules.redirects:
        for tail in ("", "b", "d/", "a/b", "probe x") if rule.source.endswith("*") else ("",):
            yield rule.source.removesuffix("*") + tail
    yield f"/no-such-page-{site.release_id}"


def unlike_on_purpose(path, site, found) -> bool:
    """What no setting of Pages changes; the notes of the platform say it."""
    folder = path.strip("/")
    if found.status == 302 and found.headers["Location"] == f"//{HOST}{url_encoded(path)}/":
        return any(name.startswith(f"{folder}/") for name in site.files)
    if path.endswith("/") and found.status == 200:
        return f"{folder}.html" in site.files
    return any(near(rule, path) for rule in site.rules.redirects)


def near(rule, path) -> bool:
    """Whether Pages takes a rule for a path and the site does not: by case, a slash, or how a folder's name begins."""
    source = rule.source.lower().removesuffix("*").rstrip("/")
    asked = path.lower()
    fits = asked.startswith(source) if rule.source.endswith("*") else asked.rstrip("/") == source
    return fits and rule.match(path) is None


@given(names=st.sets(st.sampled_from(NAMES), max_size=6), rules=RULES, lost=st.booleans())
@settings(max_examples=150, deadline=None)
def test_what_is_published_is_answered_as_the_site_says_or_refused(names, rules, lost):
    with tempfile.TemporaryDirectory() as folder:
        content = Path(folder) / "content"
        texts = {name: f"this is {name}" for name in {*names, "index.html", *(["404.html"] if lost else [])}}
        texts["_redirects"] = "".join(f"{' '.join(rule)}\n" for rule in rules)
        for name, text in texts.items():
            (content / name).parent.mkdir(parents=True, exist_ok=True)
            (content / name).write_text(text)
        try:
            site = load_site(str(content), cache=Path(folder) / "cache")
        except ContentError:
            return
        if compiled(site).problems:
            return
        asyncio.run(_compare(site, Path(folder) / "world"))


async def _compare(site, folder) -> None:
    pages = Pages(folder)
    pages.show(site)
    for path in dict.fromkeys(asked(site)):
        wanted, found = site.answer(path), await pages.ask(path)
        if unlike_on_purpose(path, site, found):
            continue
        assert found.status == wanted.status, path
        assert wanted.location in {None, found.headers.get("Location")}, path
        assert wanted.file is None or found.body == read_verified(wanted.file), path
    pages.store.close()


def test_most_of_these_sites_can_be_published(tmp_path):
    """Else the test above would compare nothing."""
    published = 0
    for number, source in enumerate(SOURCES):
        content = tmp_path / str(number)
        content.mkdir()
        (content / "index.html").write_text("home")
        (content / "a.html").write_text("a")
        (content / "_redirects").write_text(f"{source} https://o.example/ 301\n")
        published += not compiled(load_site(str(content), cache=tmp_path / "cache")).problems
    assert published > len(SOURCES) / 2
