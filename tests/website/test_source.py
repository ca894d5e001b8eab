from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.website.conftest import Load, write
from website import ContentError, Site, SiteError, SourceError, load_site, read_verified
from website.repository import Repository


def git(folder: Path, *arguments: str, text: str | None = None) -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_{what}": "a@b.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=environment, input=text, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A repository with two commits on main, the older one tagged v1."""
    folder = write(tmp_path / "remote", {"index.html": "<p>one", "docs/a.html": "a"})
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder)
    git(folder, "tag", "-a", "-m", "first", "v1")
    write(folder, {"index.html": "<p>two"})
    commit(folder)
    return folder


def commit(folder: Path) -> str:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "change")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def fetch(remote: Path, tmp_path: Path) -> Load:
    def build(behind: str = "", **arguments: Any) -> Site:
        return load_site(f"file://{remote}{behind}", cache=tmp_path / "cache", **arguments)

    return build


def front(site: Site) -> bytes:
    return read_verified(site.files["index.html"])


def test_the_default_branch_is_fetched_with_its_commit(remote: Path, fetch: Load, tmp_path: Path) -> None:
    site = fetch()
    assert front(site) == b"<p>two"
    assert site.commit == git(remote, "rev-parse", "HEAD")
    assert site.folder.is_relative_to(tmp_path / "cache")
    assert not any(path.startswith(".git") for path in site.files)


@pytest.mark.parametrize("name", ["v1", "refs/tags/v1", "main", "refs/heads/main", "HEAD"])
def test_a_branch_or_a_tag_is_fetched(remote: Path, fetch: Load, name: str) -> None:
    assert front(fetch(f"#{name}")) == front(fetch(ref=name)) == (b"<p>one" if "v1" in name else b"<p>two")
    assert fetch(f"#{name}").commit == git(remote, "rev-parse", f"{name}^{{commit}}")


def test_a_branch_whose_name_another_ends_in_is_not_mistaken(remote: Path, fetch: Load) -> None:
    git(remote, "branch", "feature/main", "v1")
    assert front(fetch("#main")) == b"<p>two"


def test_a_whole_commit_is_fetched_and_later_read_without_the_remote(remote: Path, fetch: Load) -> None:
    old = git(remote, "rev-parse", "v1^{commit}")
    assert front(fetch(f"#{old}")) == b"<p>one"
    shutil.rmtree(remote)
    assert front(fetch(f"#{old}")) == b"<p>one"


def test_only_one_commit_is_fetched(fetch: Load) -> None:
    folder = fetch().folder.parent
    assert git(folder / "git", "rev-list", "--all", "--count", str(fetch().commit)) == "1"


def test_the_id_does_not_depend_on_the_commit(remote: Path, fetch: Load) -> None:
    first = fetch()
    git(remote, "commit", "--quiet", "--allow-empty", "-m", "nothing")
    second = fetch()
    assert second.commit != first.commit
    assert second.release_id == first.release_id


def test_a_new_commit_is_seen(remote: Path, fetch: Load) -> None:
    fetch()
    write(remote, {"index.html": "<p>three"})
    commit(remote)
    assert front(fetch()) == b"<p>three"


def test_an_unchanged_remote_is_not_fetched_again(fetch: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch()
    monkeypatch.setattr(Repository, "_fetch", lambda *_: pytest.fail("fetched again"))
    assert front(fetch()) == b"<p>two"


@pytest.mark.parametrize("tamper", ["change", "add", "remove", "replace"])
def test_a_cached_commit_that_was_tampered_with_is_fetched_anew(fetch: Load, tamper: str) -> None:
    tree = fetch().folder
    if tamper == "change":
        (tree / "index.html").write_text("<p>owned")
    elif tamper == "add":
        (tree / "more.html").write_text("<p>owned")
    elif tamper == "remove":
        (tree / "docs" / "a.html").unlink()
    else:
        shutil.rmtree(tree / "docs")
        (tree / "docs").symlink_to("/etc")
    site = fetch()
    assert front(site) == b"<p>two"
    assert set(site.files) == {"index.html", "docs/a.html", ".well-known/release.json"}


@pytest.mark.parametrize("killed_at", ["read-tree", "checkout-index", "fetch"])
def test_a_run_killed_half_way_is_made_good_by_the_next(
    fetch: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, killed_at: str
) -> None:
    real = Repository._git

    def die(self: Repository, arguments: list[str], what: str, folder: Path | None = None) -> str:
        if arguments[0] == killed_at:
            raise KeyboardInterrupt
        return real(self, arguments, what, folder)

    with monkeypatch.context() as patch:
        patch.setattr(Repository, "_git", die)
        patch.setattr("website.repository.shutil.rmtree", lambda *_arguments, **_more: None)  # as kill -9 leaves it
        with pytest.raises(KeyboardInterrupt):
            fetch()
    assert list((tmp_path / "cache" / "git").glob("*/.new-*"))
    assert front(fetch()) == b"<p>two"
    assert not list((tmp_path / "cache" / "git").glob("*/.new-*"))


def test_old_commits_are_deleted_but_not_those_in_use(remote: Path, fetch: Load) -> None:
    first = fetch().folder.parent
    for number in range(4):
        write(remote, {"index.html": f"<p>{number}"})
        commit(remote)
        fetch()
    assert first.exists()
    for each in first.parent.iterdir():
        os.utime(each, (1, 1))
    fetch("#v1")
    left = [each for each in first.parent.iterdir() if each.is_dir()]
    assert len(left) == 3


def test_a_ref_that_is_not_there_is_named_with_those_that_are(fetch: Load) -> None:
    with pytest.raises(SourceError, match=r"no branch or tag 'gone'. It has: main, v1. Correct contentRef"):
        fetch("#gone")


def test_a_commit_that_is_not_there_is_an_error(fetch: Load) -> None:
    with pytest.raises(SourceError, match=r"could not be fetched at 000000000000. Git says: .*Check the address"):
        fetch(f"#{'0' * 39}1")


def test_an_object_that_is_no_commit_is_an_error(remote: Path, fetch: Load) -> None:
    tree = git(remote, "rev-parse", "HEAD^{tree}")
    with pytest.raises(SourceError, match=r"not a commit|could not be fetched"):
        fetch(f"#{tree}")


def test_a_repository_without_commits_is_an_error(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "empty")
    with pytest.raises(SourceError, match=r"no default branch, or no commit yet. Name a branch"):
        load_site(f"file://{tmp_path}/empty", cache=tmp_path / "cache")


def test_a_repository_that_is_not_there_is_an_error_in_gits_words(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"could not be asked for its branches. Git says: .*Check the address"):
        load_site(f"file://{tmp_path}/gone", cache=tmp_path / "cache")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("ext::sh -c 'touch owned'", "remote helper"),
        ("fd::17", "remote helper"),
        ("http://example.com/site.git", "not encrypted"),
        ("git://example.com/site.git", "not encrypted"),
        ("ftp://example.com/site.git", "cannot be fetched by ftp"),
        ("https://user:token@example.com/site.git", "user name or a password"),
        ("https://token@example.com/site.git", "user name or a password"),
        ("https://example.com/a b.git", "a space"),
    ],
)
def test_a_source_that_is_dangerous_or_careless_is_refused(source: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=reason) as error:
        load_site(source, cache=tmp_path / "cache")
    assert "token" not in str(error.value)
    assert "Use" in str(error.value) or "Encode" in str(error.value)


@pytest.mark.parametrize("ref", ["--upload-pack=touch owned", "a:b", "+main", "a..b", "a b", "@{u}", "-x", "a*"])
def test_a_ref_that_could_be_an_option_or_a_refspec_is_refused(fetch: Load, ref: str) -> None:
    with pytest.raises(SourceError, match=r"not the name of a branch, a tag or a whole commit. Correct it"):
        fetch(ref=ref)


def test_two_refs_that_differ_are_refused(fetch: Load) -> None:
    assert front(fetch("#v1", ref="v1")) == b"<p>one"
    with pytest.raises(SourceError, match=r"ends in #v1, but contentRef is main. Give one"):
        fetch("#v1", ref="main")


def test_a_ref_for_a_folder_is_refused(remote: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"has no meaning for the folder.*Empty it"):
        load_site(str(remote), ref="main", cache=tmp_path / "cache")


def test_a_folder_is_taken_as_it_is_even_if_git_knows_it(remote: Path, tmp_path: Path) -> None:
    write(remote, {"index.html": "<p>not committed"})
    site = load_site(str(remote), cache=tmp_path / "cache")
    assert (front(site), site.commit) == (b"<p>not committed", None)


def test_nothing_of_the_content_or_the_users_configuration_is_run(
    remote: Path, fetch: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/owned\ncat\n")
    trap.chmod(0o755)
    home = write(
        tmp_path / "home",
        {
            ".gitconfig": f"""
                [core]
                    hooksPath = {tmp_path}/hooks
                    fsmonitor = {trap}
                [filter "lfs"]
                    smudge = {trap}
                    required = true
                [credential]
                    helper = {trap}
                [uploadpack]
                    packObjectsHook = {trap}
            """
        },
    )
    for hook in ("post-checkout", "post-merge", "reference-transaction", "post-index-change"):
        write(tmp_path, {f"hooks/{hook}": trap.read_bytes()})
        (tmp_path / "hooks" / hook).chmod(0o755)
        write(remote, {f".git/hooks/{hook}": trap.read_bytes(), f"hooks/{hook}": trap.read_bytes()})
    write(remote, {".gitattributes": "*.html filter=lfs\n", ".lfsconfig": "[lfs]\n\turl = https://evil.example\n"})
    commit(remote)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(trap))
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(tmp_path))
    (tmp_path / "owned").unlink(missing_ok=True)
    assert front(fetch()) == b"<p>two"
    assert not (tmp_path / "owned").exists()


def test_a_submodule_is_refused_and_not_fetched(remote: Path, fetch: Load, tmp_path: Path) -> None:
    other = write(tmp_path / "other", {"page.html": "x"})
    git(other, "init", "--quiet", "--initial-branch=main")
    inner = commit(other)
    write(remote, {".gitmodules": f'[submodule "docs/x"]\n\tpath = docs/x\n\turl = file://{other}\n'})
    git(remote, "add", ".gitmodules")
    git(remote, "update-index", "--add", "--cacheinfo", f"160000,{inner},docs/x")
    git(remote, "commit", "--quiet", "-m", "module")
    with pytest.raises(SourceError, match=r"has the submodule docs/x.*Commit its files instead"):
        fetch()
    assert not list((tmp_path / "cache" / "git").glob("*/.new-*"))


@pytest.mark.parametrize("target", ["/etc/passwd", "../git/config", "../../../../../remote/.git/config"])
def test_a_symlink_out_of_the_commit_is_refused(remote: Path, fetch: Load, target: str) -> None:
    (remote / "page.html").symlink_to(target)
    commit(remote)
    with pytest.raises(ContentError, match=r"page\.html: is a symlink out of the content"):
        fetch()


@pytest.mark.parametrize("name", [".git", ".GIT", "git~1"])
def test_a_commit_that_would_write_into_git_itself_is_refused(remote: Path, fetch: Load, name: str) -> None:
    blob = git(remote, "hash-object", "-w", "--stdin", text="[core]\n\tfsmonitor = evil\n")
    inner = git(remote, "mktree", text=f"100644 blob {blob}\tconfig\n")
    tree = git(remote, "mktree", text=f"100644 blob {blob}\tindex.html\n040000 tree {inner}\t{name}\n")
    made = git(remote, "commit-tree", tree, "-m", "attack")
    git(remote, "update-ref", "refs/heads/main", made)
    with pytest.raises(SiteError):
        fetch()


def test_a_folder_and_a_symlink_of_one_name_cannot_write_outside(remote: Path, fetch: Load, tmp_path: Path) -> None:
    blob = git(remote, "hash-object", "-w", "--stdin", text="owned")
    link = git(remote, "hash-object", "-w", "--stdin", text=str(tmp_path))
    inner = git(remote, "mktree", text=f"100644 blob {blob}\towned\n")
    entries = f"120000 blob {link}\ta\n040000 tree {inner}\ta\n100644 blob {blob}\tindex.html\n"
    tree = git(remote, "mktree", text=entries)
    git(remote, "update-ref", "refs/heads/main", git(remote, "commit-tree", tree, "-m", "attack"))
    with contextlib.suppress(SiteError):
        assert "a/owned" in fetch().files
    assert not (tmp_path / "owned").exists()


def test_without_git_the_error_says_so(fetch: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SourceError, match=r"command git is not on PATH. Install Git"):
        fetch()


def test_the_proxy_for_content_can_differ_from_the_one_for_everything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("SSL_CERT_FILE", "/sandbox.pem")
    monkeypatch.setenv("PEACEFULROBOT_CONTENT_HTTPS_PROXY", "http://127.0.0.1:2")
    monkeypatch.setenv("PEACEFULROBOT_CONTENT_SSL_CERT_FILE", "")
    environment = Repository("https://example.com/x.git", "https", tmp_path)._environment(None)
    assert environment["HTTPS_PROXY"] == "http://127.0.0.1:2"
    assert "SSL_CERT_FILE" not in environment


def test_a_cache_that_cannot_be_written_is_named(fetch: Load, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(SourceError, match=r"cannot be kept in .*Free some space or mend its permissions"):
        fetch()
