from __future__ import annotations

import shutil

import pytest

from tools.deploy.errors import Refused
from tools.deploy.places import Places, content_bytes


def usage(free):
    return shutil._ntuple_diskusage(10**12, 10**12 - free, free)


def test_a_disk_that_is_nearly_full_is_refused_before_anything_begins(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(5_000_000))
    places = Places(tmp_path, tmp_path / "not" / "there" / "yet")
    with pytest.raises(Refused, match=r"has 5 MB left, this run may need 64 MB\. Nothing was changed; make room"):
        places.require_space()
    assert not places.state.exists()


def test_the_content_counts_as_often_as_it_is_copied(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(200_000_000))
    places = Places(tmp_path, tmp_path)
    places.require_space(40_000_000)
    with pytest.raises(Refused, match="may need 214 MB"):
        places.require_space(50_000_000)


def test_the_size_of_a_folder_is_that_of_its_files_and_a_git_address_has_none(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "page.html").write_bytes(b"x" * 100)
    (tmp_path / "link").symlink_to("/dev/zero")
    assert 100 <= content_bytes(str(tmp_path)) < 200
    assert content_bytes("https://example.org/site.git") == 0
    assert content_bytes(None) == 0
