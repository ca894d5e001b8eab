"""Content types as GitLab Pages gives them: Go's ``mime`` with the names of mime-db, else by the first bytes.

Pages loads mime-db at its start (``mimedb.LoadTypes`` in main.go of gitlab-pages); Go adds the charset to text types.
Sniffing: https://mimesniff.spec.whatwg.org/ as in Go's ``http.DetectContentType``.
"""

from __future__ import annotations

_BY_TYPE = {
    "text/html": "html htm shtml",
    "text/css": "css",
    "text/plain": "txt text conf def list log in ini",
    "text/markdown": "md markdown",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "text/calendar": "ics ifb",
    "text/vcard": "vcard",
    "text/x-vcard": "vcf",
    "text/vtt": "vtt",
    "text/yaml": "yaml yml",
    "text/xml": "xml",
    "application/javascript": "js mjs",
    "application/node": "cjs",
    "application/json": "json map",
    "application/ld+json": "jsonld",
    "application/geo+json": "geojson",
    "application/manifest+json": "webmanifest",
    "application/xml": "xsl xsd rng",
    "application/xhtml+xml": "xhtml xht",
    "application/rss+xml": "rss",
    "application/atom+xml": "atom",
    "application/wasm": "wasm",
    "application/pdf": "pdf",
    "application/postscript": "ai eps ps",
    "application/rtf": "rtf",
    "application/epub+zip": "epub",
    "application/zip": "zip",
    "application/gzip": "gz",
    "application/x-tar": "tar",
    "application/x-7z-compressed": "7z",
    "application/vnd.ms-fontobject": "eot",
    "font/woff": "woff",
    "font/woff2": "woff2",
    "font/ttf": "ttf",
    "font/otf": "otf",
    "font/collection": "ttc",
    "image/svg+xml": "svg svgz",
    "image/png": "png",
    "image/apng": "apng",
    "image/jpeg": "jpg jpeg jpe",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/avif": "avif",
    "image/bmp": "bmp",
    "image/tiff": "tif tiff",
    "image/vnd.microsoft.icon": "ico",
    "audio/mpeg": "mp3 mpga mp2",
    "audio/mp4": "m4a mp4a",
    "audio/ogg": "oga ogg spx opus",
    "audio/x-flac": "flac",
    "audio/wav": "wav",
    "video/mp4": "mp4 mp4v mpg4",
    "video/webm": "webm",
    "video/ogg": "ogv",
    "video/quicktime": "qt mov",
}
_TYPES = {extension: kind for kind, names in _BY_TYPE.items() for extension in names.split()}
_SIGNATURES = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\x0d\x0a\x1a\x0a", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x1f\x8b\x08", "application/x-gzip"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
    (b"wOF2", "font/woff2"),
    (b"wOFF", "font/woff"),
)
_MARKUP = (b"<!DOCTYPE HTML", b"<HTML", b"<HEAD", b"<SCRIPT", b"<BODY", b"<P", b"<DIV", b"<TITLE", b"<H1", b"<!--")
_BINARY = frozenset([*range(9), 11, *range(14, 27), *range(28, 32)])


def content_type(path: str, body: bytes) -> str:
    """By the last extension of the name, else by the first 512 bytes."""
    name = path.rpartition("/")[2]
    found = _TYPES.get(name.rpartition(".")[2].lower()) if "." in name else None
    if found is None:
        return _sniffed(body[:512])
    return f"{found}; charset=utf-8" if found.startswith("text/") else found


def _sniffed(head: bytes) -> str:
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    text = head.lstrip(b"\t\n\x0c\r ")
    for tag in _MARKUP:
        if text[: len(tag)].upper() == tag and text[len(tag) : len(tag) + 1] in {b" ", b">"}:
            return "text/html; charset=utf-8"
    if text.startswith(b"<?xml"):
        return "text/xml; charset=utf-8"
    return "application/octet-stream" if _BINARY.intersection(head) else "text/plain; charset=utf-8"
