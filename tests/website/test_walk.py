from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tests.website.conftest import Load, Mistakes, write
from website import ContentError, SourceError, load_site
from website.walk import Walk


def test_files_are_found_in_order_whatever_the_order_on_disk(folder: Path) -> None:
    write(folder, {"b.html": "b", "a/z.html": "z", "a.html": "a", ".well-known/x": "x"})
    assert [found.path for found in Walk(folder).files] == [".well-known/x", "a.html", "a/z.html", "b.html"]


def test_git_housekeeping_is_not_published(load: Load) -> None:
    site = load({".git/config": "token", ".gitignore": "x", ".github/workflows/ci.yml": "x"})
    assert set(site.files) == {"index.html", ".well-known/release.json"}


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside.txt", "../../../../etc/hostname"])
def test_a_symlink_out_of_the_tree_is_refused_by_path(folder: Path, mistakes: Mistakes, target: str) -> None:
    write(folder.parent, {"outside.txt": "secret"})
    (folder / "docs").mkdir()
    (folder / "docs" / "page.html").symlink_to(target if target.startswith("/") else f"../{target}")
    text = mistakes()
    assert "docs/page.html: is a symlink" in text
    assert "cp -L" in text


def test_a_symlinked_folder_out_of_the_tree_is_refused(folder: Path, mistakes: Mistakes) -> None:
    write(folder.parent, {"other/page.html": "secret"})
    (folder / "docs").symlink_to("../other")
    assert "docs: is a symlink out of the content" in mistakes()


def test_a_symlink_into_git_is_refused(folder: Path, mistakes: Mistakes) -> None:
    write(folder, {".git/config": "token"})
    (folder / "config.txt").symlink_to(".git/config")
    assert "config.txt: is a symlink out of the content" in mistakes()


def test_a_symlink_to_nothing_is_refused(folder: Path, mistakes: Mistakes) -> None:
    (folder / "page.html").symlink_to("gone.html")
    assert "page.html: is a symlink to nothing. Delete it" in mistakes()


def test_symlinks_within_the_tree_publish_what_they_point_to(folder: Path, load: Load) -> None:
    write(folder, {"v2/page.html": "two"})
    (folder / "latest").symlink_to("v2")
    (folder / "page.html").symlink_to("v2/page.html")
    site = load()
    assert site.files["latest/page.html"].sha256 == site.files["page.html"].sha256 == site.files["v2/page.html"].sha256


def test_a_folder_that_contains_itself_is_refused(folder: Path, mistakes: Mistakes) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "up").symlink_to("..")
    assert "contains itself" in mistakes()


def test_chains_of_symlinked_folders_cannot_multiply(folder: Path, mistakes: Mistakes) -> None:
    write(folder, {"c/page.html": "x"})
    (folder / "b").mkdir()
    (folder / "b" / "more").symlink_to("../c")
    (folder / "a").symlink_to("b")
    assert "a/more: is a symlink to a folder inside a folder" in mistakes()


def test_a_fifo_is_refused(folder: Path, mistakes: Mistakes) -> None:
    os.mkfifo(folder / "pipe")
    assert "pipe: is a device, a socket or a FIFO, not a file. Delete it" in mistakes()


def test_a_symlink_to_a_socket_is_refused(folder: Path, mistakes: Mistakes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
        (folder / "page.html").symlink_to("s")
        text = mistakes()
    assert "page.html: leads to a device, a socket" in text
    assert "s: is a device, a socket" in text


def test_names_that_differ_only_in_case_are_refused_naming_both(mistakes: Mistakes) -> None:
    text = mistakes({"About.html": "1", "about.html": "2"})
    assert "about.html: differs from About.html only in case" in text
    assert "Rename one" in text


def test_a_folder_and_a_file_that_differ_only_in_case_are_refused(mistakes: Mistakes) -> None:
    assert "docs: differs from Docs only in case" in mistakes({"Docs": "1", "docs/page.html": "2"})


def test_a_name_that_is_not_utf8_is_refused_with_a_printable_path(folder: Path, mistakes: Mistakes) -> None:
    (folder / os.fsdecode(b"caf\xe9.html")).write_text("x")
    assert "caf\\xe9.html: the name is not UTF-8" in mistakes()


def test_control_characters_of_a_name_never_reach_the_terminal(folder: Path, mistakes: Mistakes) -> None:
    (folder / "a\x1b[2Jb.html").write_text("x")
    text = mistakes()
    assert "\x1b" not in text
    assert "a\\x1b[2Jb.html" in text


def test_a_release_file_in_the_content_is_refused(mistakes: Mistakes) -> None:
    assert ".well-known/release.json: is written by the publisher" in mistakes({".well-known/release.json": "{}"})


def test_all_mistakes_are_told_at_once(mistakes: Mistakes) -> None:
    text = mistakes({".env": "x", "a/id_rsa": "x", "netlify.toml": "x", "_redirects": "nonsense"})
    assert "4 mistakes" in text
    assert all(place in text for place in (".env:", "a/id_rsa:", "netlify.toml:", "_redirects:1:"))


def test_a_long_list_of_mistakes_is_cut_with_its_number(mistakes: Mistakes) -> None:
    text = mistakes({f"p{n}.pem": "x" for n in range(60)})
    assert "60 mistakes" in text
    assert "and 10 more" in text


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"does not exist. Give the folder that holds index.html"):
        load_site(str(tmp_path / "gone"), cache=tmp_path / "cache")


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    (tmp_path / "site.zip").write_text("x")
    with pytest.raises(SourceError, match="is not a folder"):
        load_site(str(tmp_path / "site.zip"), cache=tmp_path / "cache")


def test_a_folder_that_may_not_be_read_is_named(folder: Path, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "closed").mkdir()
    real = os.open

    def refuse(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "closed":
            raise PermissionError(13, "Permission denied", path)
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(SourceError, match=r"closed cannot be read: Permission denied. Check its permissions"):
        load()


def test_a_folder_swapped_for_a_symlink_during_the_walk_leads_nowhere(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, {"index.html": "x", "docs/page.html": "x"})
    write(tmp_path, {"other/secret.html": "x"})
    real = os.open

    def swap(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "docs" and not (folder / "docs").is_symlink():
            (folder / "docs").rename(tmp_path / "away")
            (folder / "docs").symlink_to(tmp_path / "other")
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", swap)
    with pytest.raises((SourceError, ContentError), match="docs"):
        load_site(str(folder), cache=tmp_path / "cache")
