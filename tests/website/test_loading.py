from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.website.conftest import Load, Mistakes, write
from website import HEALTH_TOKEN, ContentError, OptionsError, SiteOptions, load_site, read_verified
from website.file import File
from website.names import name_problem
from website.release import digest_of
from website.rules import Redirect, Rules

BARE = Rules((), (), (), None)


def test_an_empty_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"the folder is empty. Build the site first"):
        load_site(str(folder), cache=tmp_path / "cache")


def test_a_site_without_front_page_is_refused(folder: Path, tmp_path: Path) -> None:
    write(folder, {"about.html": "x"})
    with pytest.raises(ContentError, match=r"index.html: is missing.*folder of the built site"):
        load_site(str(folder), cache=tmp_path / "cache")


def test_an_empty_front_page_is_refused(mistakes: Mistakes) -> None:
    assert "index.html: is empty. Build the site again" in mistakes({"index.html": ""})


@pytest.mark.parametrize(
    "key",
    [
        "-----BEGIN PRIVATE KEY-----\nMII",
        "-----BEGIN RSA PRIVATE KEY-----\nMII",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nxc",
        "Bag Attributes\n  friendlyName: x\n-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
        "PuTTY-User-Key-File-3: ssh-ed25519",
    ],
)
def test_a_private_key_is_found_by_its_content(mistakes: Mistakes, key: str) -> None:
    text = mistakes({"notes/readme.txt": key})
    assert "notes/readme.txt: begins with a private key. Take it out" in text
    assert "MII" not in text


def test_a_page_about_private_keys_is_allowed(load: Load) -> None:
    assert load({"ssh.html": "<p>It starts with <code>-----BEGIN PRIVATE KEY-----</code>"}).files["ssh.html"]


def test_a_pointer_of_git_lfs_is_refused(mistakes: Mistakes) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    text = mistakes({"photo.jpg": pointer})
    assert "photo.jpg: is a pointer of Git LFS" in text
    assert "git lfs pull" in text


def test_rule_files_are_rules_and_not_published(load: Load) -> None:
    site = load({"_redirects": "/old /new", "_headers": "/*\n  X-Robots-Tag: none", "new.html": "x"})
    assert "_redirects" not in site.files
    assert "_headers" not in site.files
    assert site.rules.redirects[0].target == "/new"
    assert site.rules.headers_for("/")["X-Robots-Tag"] == "none"


def test_the_release_file_tells_id_counts_and_token(load: Load) -> None:
    site = load({"about.html": "about"})
    document = json.loads(read_verified(site.files[".well-known/release.json"]))
    assert document == {"release": site.release_id, "files": 2, "bytes": 13, "token": HEALTH_TOKEN}
    assert list(site.files) == sorted(site.files)
    assert site.release_id == f"r{site.content_digest[:16]}"


def test_the_id_is_the_same_for_the_same_content_elsewhere_and_later(load: Load, folder: Path, tmp_path: Path) -> None:
    first = load({"about.html": "about", "_redirects": "/old /about"})
    other = tmp_path / "elsewhere" / "copy"
    shutil.copytree(folder, other)
    for path in other.rglob("*"):
        os.utime(path, (1, 1))
    second = load_site(str(other), cache=tmp_path / "another-cache")
    assert first.release_id == second.release_id
    assert first.commit is None


@pytest.mark.parametrize(
    "change",
    [
        {"index.html": "<p>Hello"},
        {"more.html": ""},
        {"_redirects": "/old / 302"},
        {"_headers": "/*\n  X-Robots-Tag: none"},
        {"404.html": "<p>lost"},
    ],
)
def test_the_id_changes_with_anything_visitors_can_see(load: Load, change: dict[str, str]) -> None:
    assert load().release_id != load(change).release_id


def test_the_id_changes_with_the_floor_and_the_cache_rules(load: Load) -> None:
    plain = load()
    assert load(options=SiteOptions(floor={"X-Frame-Options": "DENY"})).release_id != plain.release_id
    assert load(options=SiteOptions(cache_rules=(("**", "no-store"),))).release_id != plain.release_id


def test_comments_in_rules_do_not_change_the_id(load: Load) -> None:
    first = load({"_redirects": "/old /"})
    assert first.release_id == load({"_redirects": "# why\n\n/old   /  # because"}).release_id


def _portable(path: str) -> bool:
    """Whether no part of the path is a name like ``nul``, which is refused."""
    folder, _, name = path.rpartition("/")
    return name_problem(name, folder) is None and (not folder or name_problem(folder, "") is None)


FILES = st.dictionaries(
    st.from_regex(r"[a-z]{1,6}(/[a-z]{1,6})?\.(html|css|js)", fullmatch=True).filter(_portable),
    st.text("ab<é\n", max_size=64).map(str.encode),
    max_size=12,
)


def manifest(files: dict[str, bytes]) -> list[File]:
    return [
        File(path, content.hex(), len(content), "text/html", "no-cache", content) for path, content in files.items()
    ]


@given(FILES, st.randoms())
def test_the_digest_does_not_depend_on_the_order_of_the_files(files: dict[str, bytes], random: Random) -> None:
    shuffled = manifest(files)
    random.shuffle(shuffled)
    assert digest_of(shuffled, BARE) == digest_of(manifest(files), BARE)


@given(FILES, FILES)
def test_different_manifests_have_different_digests(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    assert (digest_of(manifest(one), BARE) == digest_of(manifest(other), BARE)) == (one == other)


def test_line_numbers_are_not_part_of_the_digest() -> None:
    rules = [Rules((Redirect("/a", "/b", 301, False, line),), (), (), None) for line in (1, 7)]
    assert digest_of([], rules[0]) == digest_of([], rules[1])


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILES)
def test_every_file_is_published_with_its_own_bytes(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    base = tmp_path_factory.mktemp("site")
    content = {"index.html": b"<p>front", **{path: data for path, data in files.items() if path != "index.html"}}
    folder = write(base / "content", content)
    site = load_site(str(folder), cache=base / "cache")
    assert {path: read_verified(file) for path, file in site.files.items() if path in content} == content


def test_a_header_or_cache_rule_of_the_stack_that_is_wrong_is_named(load: Load) -> None:
    with pytest.raises(OptionsError, match=r"X-Frame-Options: .*use one of deny, sameorigin"):
        load(options=SiteOptions(floor={"X-Frame-Options": "ALLOWALL"}))
    with pytest.raises(OptionsError, match=r"X-A: the value is empty"):
        load(options=SiteOptions(floor={"X-A": "a\r\nSet-Cookie: b"}))
    with pytest.raises(OptionsError, match=r"\*\.pdf: the Cache-Control is empty"):
        load(options=SiteOptions(cache_rules=(("*.pdf", ""),)))


def test_a_header_of_the_stack_replaces_the_default_whatever_its_case(load: Load) -> None:
    site = load(options=SiteOptions(floor={"X-Frame-Options": "DENY", "x-frame-options": "SAMEORIGIN"}))
    assert site.rules.headers_for("/") == {"X-Frame-Options": "SAMEORIGIN"}
