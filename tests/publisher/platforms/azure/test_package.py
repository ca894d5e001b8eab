from __future__ import annotations

import hashlib
import zipfile
from base64 import b64decode

import pytest

from publisher.platforms.azure.package import Package
from publisher.platforms.azure.routes import configuration
from website import ChangedWhileReading

PAGES = {"index.html": "<p>home" * 100, "404.html": "lost", "ü/a b.html": "odd", "LICENSE": "free", "a.png": "png"}


def sealed(site, order=1):
    rules = configuration(site)
    package = Package(rules.types)
    for file in sorted(site.files.values(), key=lambda file: order * -file.size):
        package.add(file)
    return package, package.sealed(rules.content)


def test_the_same_site_gives_the_same_package(make_site):
    first, second = (sealed(make_site(PAGES))[1] for _ in range(2))
    assert (first.sha256, first.md5, first.size) == (second.sha256, second.md5, second.size)


def test_a_package_holds_the_files_and_the_configuration_and_knows_its_digests(make_site):
    site = make_site(PAGES)
    package, found = sealed(site)
    content = b"".join(found.pieces(0, found.size))
    assert len(content) == found.size
    assert hashlib.sha256(content).hexdigest() == found.sha256
    assert hashlib.md5(content, usedforsecurity=False).digest() == b64decode(found.md5)
    with zipfile.ZipFile(found.content) as opened:
        assert opened.testzip() is None
        names = opened.namelist()
        assert {"index.html", "404.html", "ü/a b.html", "staticwebapp.config.json", "a.png"} < set(names)
        assert len(names) == len(site.files) + 1
        assert opened.read("ü/a b.html") == b"odd"
        assert {entry.date_time for entry in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    package.close()


def test_pieces_of_a_package_are_those_of_the_whole(make_site):
    _, found = sealed(make_site(PAGES))
    whole = b"".join(found.pieces(0, found.size))
    parts = [b"".join(found.pieces(start, 100)) for start in range(0, found.size, 100)]
    assert b"".join(parts) == whole


def test_a_file_that_changed_since_it_was_read_is_not_packed(make_site):
    site = make_site(PAGES)
    site.files["index.html"].source.write_text("other")
    package = Package(configuration(site).types)
    with pytest.raises(ChangedWhileReading):
        package.add(site.files["index.html"])
