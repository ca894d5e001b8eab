"""What is published: files, rules and the id of a release, read from a folder or a Git repository and checked.

Pure: no Pulumi, and no network but Git's.
"""

from __future__ import annotations

from website.caching import DEFAULT_CACHE_RULES, IMMUTABLE, ONE_HOUR, REVALIDATE
from website.digests import DigestCache, gzip_stream
from website.errors import ChangedWhileReading, ContentError, OptionsError, Problem, SiteError, SourceError
from website.file import File, open_verified, read_verified
from website.floor import DEFAULT_FLOOR
from website.loading import SiteOptions, load_site
from website.manifest import Manifest
from website.names import RELEASE_FILE
from website.release import HEALTH_TOKEN, RELEASE_ID
from website.rules import SPLAT, HeaderRule, Redirect, Rules, url_encoded
from website.site import Answer, Site
from website.slashes import folders, packed

__all__ = [
    "DEFAULT_CACHE_RULES",
    "DEFAULT_FLOOR",
    "HEALTH_TOKEN",
    "IMMUTABLE",
    "ONE_HOUR",
    "RELEASE_FILE",
    "RELEASE_ID",
    "REVALIDATE",
    "SPLAT",
    "Answer",
    "ChangedWhileReading",
    "ContentError",
    "DigestCache",
    "File",
    "HeaderRule",
    "Manifest",
    "OptionsError",
    "Problem",
    "Redirect",
    "Rules",
    "Site",
    "SiteError",
    "SiteOptions",
    "SourceError",
    "folders",
    "gzip_stream",
    "load_site",
    "open_verified",
    "packed",
    "read_verified",
    "url_encoded",
]
