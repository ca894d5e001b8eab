"""Media types by file extension.

One fixed table instead of the machine's: the type is part of the release id, which must be the same everywhere.
Names from the IANA registry, https://www.iana.org/assignments/media-types/ ; JavaScript after RFC 9239.
"""

from __future__ import annotations

from typing import Final

UNKNOWN: Final = "application/octet-stream"

_BY_TYPE: Final = {
    "text/html": "html htm",
    "text/css": "css",
    "text/javascript": "js mjs cjs",
    "text/plain": "txt text log conf ini py sh c h cpp hpp rs go java rb toml diff patch asc",
    "text/markdown": "md markdown",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "text/calendar": "ics",
    "text/vcard": "vcf",
    "text/vtt": "vtt",
    "text/x-rst": "rst",
    "application/json": "json map topojson",
    "application/ld+json": "jsonld",
    "application/geo+json": "geojson",
    "application/feed+json": "jsonfeed",
    "application/manifest+json": "webmanifest",
    "application/xml": "xml xsd xsl",
    "application/xhtml+xml": "xhtml xht",
    "application/xslt+xml": "xslt",
    "application/rss+xml": "rss",
    "application/atom+xml": "atom",
    "application/opensearchdescription+xml": "osdx",
    "application/yaml": "yaml yml",
    "application/wasm": "wasm",
    "application/pdf": "pdf",
    "application/postscript": "ps eps",
    "application/rtf": "rtf",
    "application/epub+zip": "epub",
    "application/zip": "zip",
    "application/gzip": "gz tgz",
    "application/x-bzip2": "bz2",
    "application/x-xz": "xz",
    "application/zstd": "zst",
    "application/x-7z-compressed": "7z",
    "application/x-tar": "tar",
    "application/java-archive": "jar",
    "application/vnd.android.package-archive": "apk",
    "application/vnd.debian.binary-package": "deb",
    "application/x-rpm": "rpm",
    "application/x-apple-diskimage": "dmg",
    "application/x-sh": "run",
    "application/pgp-signature": "sig",
    "application/pkix-cert": "cer crt",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.presentation": "odp",
    "application/vnd.apple.mpegurl": "m3u8",
    "application/dash+xml": "mpd",
    "application/gpx+xml": "gpx",
    "application/vnd.google-earth.kml+xml": "kml",
    "application/vnd.sqlite3": "sqlite sqlite3",
    "font/woff": "woff",
    "font/woff2": "woff2",
    "font/ttf": "ttf",
    "font/otf": "otf",
    "font/collection": "ttc",
    "application/vnd.ms-fontobject": "eot",
    "image/svg+xml": "svg",
    "image/png": "png",
    "image/apng": "apng",
    "image/jpeg": "jpg jpeg jpe jfif",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/avif": "avif",
    "image/heic": "heic",
    "image/heif": "heif",
    "image/jxl": "jxl",
    "image/bmp": "bmp",
    "image/tiff": "tif tiff",
    "image/vnd.microsoft.icon": "ico cur",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
    "audio/ogg": "ogg oga",
    "audio/opus": "opus",
    "audio/flac": "flac",
    "audio/wav": "wav",
    "audio/midi": "mid midi",
    "video/mp4": "mp4 m4v",
    "video/webm": "webm",
    "video/ogg": "ogv",
    "video/quicktime": "mov",
    "video/x-msvideo": "avi",
    "video/x-matroska": "mkv",
    "video/mp2t": "ts",
    "video/mpeg": "mpeg mpg",
    "model/gltf+json": "gltf",
    "model/gltf-binary": "glb",
    "model/stl": "stl",
}


def _with_charset(media_type: str) -> str:
    """Only for text/*: JSON is UTF-8 by definition, and XML states its encoding in its first line."""
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type


_BY_EXTENSION: Final = {
    extension: _with_charset(media_type) for media_type, names in _BY_TYPE.items() for extension in names.split()
}

#: Files whose names have no extension but a type that clients insist on.
_BY_NAME: Final = {
    "apple-app-site-association": "application/json",
    "security.txt": "text/plain; charset=utf-8",
    "humans.txt": "text/plain; charset=utf-8",
    "LICENSE": "text/plain; charset=utf-8",
    "README": "text/plain; charset=utf-8",
}


def media_type(path: str) -> str:
    """Content-Type of a file by its name, with ``charset=utf-8`` for text; ``application/octet-stream`` if unknown."""
    stem, dot, extension = path.rpartition(".")
    if dot and stem and "/" not in extension:
        found = _BY_EXTENSION.get(extension) or _BY_EXTENSION.get(extension.lower())
        if found:
            return found
    return _BY_NAME.get(path.rpartition("/")[2], UNKNOWN)
