from __future__ import annotations

import pytest

from website.media import media_type


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("index.html", "text/html; charset=utf-8"),
        ("a/b.css", "text/css; charset=utf-8"),
        ("app.js", "text/javascript; charset=utf-8"),
        ("app.mjs", "text/javascript; charset=utf-8"),
        ("app.js.map", "application/json"),
        ("data.json", "application/json"),
        ("site.webmanifest", "application/manifest+json"),
        ("a.wasm", "application/wasm"),
        ("a.svg", "image/svg+xml"),
        ("a.avif", "image/avif"),
        ("a.webp", "image/webp"),
        ("a.woff2", "font/woff2"),
        ("feed.xml", "application/xml"),
        ("a.md", "text/markdown; charset=utf-8"),
        ("robots.txt", "text/plain; charset=utf-8"),
        ("favicon.ico", "image/vnd.microsoft.icon"),
        ("PHOTO.JPG", "image/jpeg"),
        (".well-known/apple-app-site-association", "application/json"),
        (".html", "application/octet-stream"),
        ("a.b/c", "application/octet-stream"),
        ("a.unheard-of", "application/octet-stream"),
    ],
)
def test_the_type_follows_from_the_name(path: str, expected: str) -> None:
    assert media_type(path) == expected
