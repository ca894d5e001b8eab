"""A real site: the HTML of Debian's python3-doc, every file through the edge."""

from __future__ import annotations

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from publisher.session import cache_folder
from tests.engine.stack import Stack
from website import load_site

PACKAGE = "python3.11-doc"


@pytest.fixture(scope="module")
def documentation(tmp_path_factory):
    """The package's HTML as a folder of plain files."""
    folder = cache_folder() / "sites" / PACKAGE
    if not folder.exists():
        if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
            pytest.skip("this is no Debian, so python3-doc cannot be had")
        scratch = tmp_path_factory.mktemp("package")
        for command in (["apt-get", "download", PACKAGE], ["sh", "-c", "dpkg-deb -x *.deb unpacked"]):
            if subprocess.run(command, cwd=scratch, capture_output=True, check=False).returncode:
                pytest.skip(f"{PACKAGE} cannot be had here: {' '.join(command)} failed")
        take(scratch / "unpacked" / "usr/share/doc" / PACKAGE.removesuffix("-doc") / "html", folder)
    return folder


def take(html: Path, folder: Path) -> None:
    """Copy the files; links into other packages that are not there are left out."""
    unfinished = folder.with_name(f".{folder.name}-unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(html, unfinished, ignore_dangling_symlinks=True)
    unfinished.rename(folder)


def test_every_file_of_python3_doc_is_served_byte_for_byte_with_its_type(documentation, tmp_path):
    stack = Stack(tmp_path / "state", documentation)
    stack.environment["PEACEFULROBOT_CHECKS"] = "off"  # what its packagers left out is missing in many pages
    try:
        stack.run("up")
        site = load_site(str(documentation), cache=tmp_path / "cache")
        assert len(site.files) > 500
        assert wrong(stack, site) == []
    finally:
        stack.run("down", expect=None)


def wrong(stack, site):
    url = stack.status()["site_url"].rstrip("/")
    session = requests.Session()

    def differs(file):
        answer = session.get(f"{url}/{file.path}", timeout=30)
        body = file.source if isinstance(file.source, bytes) else file.source.read_bytes()
        typed = answer.headers.get("Content-Type", "").replace(" ", "").lower()
        right = (answer.status_code, answer.content, typed) == (200, body, file.media_type.replace(" ", "").lower())
        safe = all(name in answer.headers for name, _ in site.rules.floor)
        return None if right and safe else file.path

    with ThreadPoolExecutor(8) as pool:
        return [path for path in pool.map(differs, site.files.values()) if path]
