"""Content-Type on Static Web Apps: it goes by the extension of the file that is served, and by nothing else.

``mimeTypes`` of the configuration gives an extension its type; a header of a route does not change it, but a route can
lead to a file of another name (https://github.com/Azure/static-web-apps/issues/402). So a file whose type is not that
of its extension is stored under a name with an extension of its own, and its addresses are led there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from website import File

#: What a file without an extension is sent as: https://github.com/Azure/static-web-apps/issues/402
WITHOUT_EXTENSION = "application/octet-stream"


@dataclass(frozen=True)
class MediaTypes:
    """How the types of a site are brought about."""

    by_extension: Mapping[str, str]
    """``mimeTypes`` of the configuration: extension with its dot → type."""
    stored_as: Mapping[str, str]
    """Path of the site → the name it is stored under, where that is another one."""

    def stored(self, path: str) -> str:
        """Name in the package of a file of the site."""
        return self.stored_as.get(path, path)


def extension(path: str) -> str:
    """Extension with its dot, or an empty text: ``.html`` of ``a/b.html``, nothing of ``.nojekyll``."""
    stem, dot, end = path.rpartition("/")[2].rpartition(".")
    return f".{end}" if dot and stem else ""


def media_types(files: Mapping[str, File]) -> MediaTypes:
    """The most frequent type of each extension is its own; files of another type are stored under a made name."""
    counts: dict[str, Counter[str]] = {}
    for path, file in files.items():
        if extension(path):
            counts.setdefault(extension(path), Counter())[file.media_type] += 1
    types = {end: max(sorted(found), key=found.__getitem__) for end, found in sorted(counts.items())}
    odd = {
        path: file.media_type
        for path, file in files.items()
        if types.get(extension(path), WITHOUT_EXTENSION) != file.media_type
    }
    made = {media: f".type{number}" for number, media in enumerate(sorted(set(odd.values())))}
    stored = {path: _free(f"{path}{made[media]}", files) for path, media in odd.items()}
    own = {extension(name): odd[path] for path, name in stored.items()}
    return MediaTypes({**types, **own}, stored)


def _free(name: str, files: Mapping[str, File]) -> str:
    stem, dot, end = name.rpartition(".")
    while name in files:
        stem = f"{stem}-"
        name = f"{stem}{dot}{end}"
    return name
