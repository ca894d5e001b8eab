"""Sites, versions, channels and releases of the Firebase twin: what the API changes and the public side serves.

https://firebase.google.com/docs/reference/hosting/rest/v1beta1/sites.versions and the pages beside it.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from sandbox.contents import Contents
from sandbox.platforms.firebase.account import NUMBER, PLAN, PROJECT, ApiError
from sandbox.platforms.firebase.dialect import check_config
from sandbox.store import Document, Store
from sandbox.world import Clock

SITES = "firebase:site"
VERSIONS = "firebase:version"
FILES = "firebase:files"
CHANNELS = "firebase:channel"
RELEASES = "firebase:release"
HOSTS = "firebase:host"
LIVE = "live"
#: https://firebase.google.com/docs/hosting/api-deploy#specify-files
_FILES_A_CALL = 1000
_ABANDONED_AFTER = 12 * 3600
_LABEL = re.compile(r"[a-z0-9_-]{0,63}")
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_HASH = re.compile(r"[0-9a-f]{64}")
#: https://firebase.google.com/support/faq#hosting-exe-restrictions
_EXECUTABLE = frozenset({".exe", ".dll", ".bat", ".apk", ".ipa"})


class Hosting:
    """All sites of the project; documents in the store, gzip streams by SHA-256 in files."""

    def __init__(self, store: Store, folder: Path, clock: Clock) -> None:
        self.store = store
        self._clock = clock
        self._adding = threading.Lock()  # clients add paths in several calls at once
        self.contents = Contents(folder / "blobs")

    # Sites

    def make_site(self, site_id: str) -> Document:
        """A new site with its live channel; ids are unique over all of Firebase.

        The host name has a random part here, so that whoever composes it from the id fails.
        """
        if self.store.get(SITES, site_id) is not None:
            raise ApiError("ALREADY_EXISTS", f"Invalid name: `{site_id}` is already reserved by another project")
        hostname = f"{site_id[:54]}-{secrets.token_hex(4)}.web.app"
        site = {"id": site_id, "hostname": hostname, "created": self._clock.now(), "number": time.time_ns()}
        with self.store.transaction():
            self.store.put(SITES, site_id, site)
            self.store.put(HOSTS, hostname, {"site": site_id, "channel": LIVE})
            self.store.put(CHANNELS, f"{site_id}/{LIVE}", self._new_channel(site_id, LIVE, hostname, None))
        return site

    def site(self, site_id: str) -> Document:
        """A site; raises ApiError NOT_FOUND."""
        return _found(self.store.get(SITES, site_id))

    def delete_site(self, site_id: str) -> None:
        """Delete a site with everything in it."""
        with self.store.transaction():
            for kind in (VERSIONS, CHANNELS, RELEASES, HOSTS):
                for identifier, document in self.store.all(kind).items():
                    if document["site"] == site_id:
                        self.store.delete(kind, identifier)
                        self.store.delete(FILES, identifier)
            self.store.delete(SITES, site_id)

    # Versions

    def versions(self, site_id: str) -> list[Document]:
        """Versions of a site, the newest first."""
        found = [self._aged(one) for one in self.store.all(VERSIONS).values() if one["site"] == site_id]
        return sorted(found, key=lambda version: -version["number"])

    def version(self, site_id: str, version_id: str) -> Document:
        """A version as it is now; raises ApiError NOT_FOUND."""
        version = _found(self.store.get(VERSIONS, version_id))
        if version["site"] != site_id:
            raise ApiError("NOT_FOUND", "Requested entity was not found.")
        return self._aged(version)

    def _aged(self, version: Document) -> Document:
        """One that was left unfinished for 12 hours is given up."""
        if version["status"] == "CREATED" and self._clock.now() - version["created"] > _ABANDONED_AFTER:
            version = {**version, "status": "ABANDONED"}
            self.store.put(VERSIONS, version["id"], version)
        return version

    def make_version(self, site_id: str, body: Mapping[str, Any]) -> Document:
        """An empty version that takes files."""
        _only(body, {"status", "labels", "config"}, "version")
        if body.get("status", "CREATED") != "CREATED":
            raise ApiError("INVALID_ARGUMENT", "a version begins with status CREATED")
        version: Document = {
            "id": secrets.token_hex(8),
            "site": self.site(site_id)["id"],
            "status": "CREATED",
            "labels": _labels(body.get("labels") or {}),
            "config": body.get("config") or {},
            "created": self._clock.now(),
            "finalized": None,
            "files": 0,
            "bytes": 0,
            "number": time.time_ns(),
        }
        check_config(version["config"])
        self.store.put(VERSIONS, version["id"], version)
        return version

    def files(self, version_id: str) -> dict[str, str]:
        """Path → hash of a version."""
        return dict((self.store.get(FILES, version_id) or {}).get("files", {}))

    def populate(self, site_id: str, version_id: str, files: Any) -> list[str]:
        """Add paths (an empty hash takes one away); returns the hashes that have no bytes yet."""
        version = self._open(site_id, version_id)["id"]
        if not isinstance(files, dict) or len(files) > _FILES_A_CALL:
            raise ApiError("INVALID_ARGUMENT", f"files: a map of at most {_FILES_A_CALL} paths is required")
        for path, digest in files.items():
            _check_entry(path, digest)
        with self._adding:
            together = {path: digest for path, digest in {**self.files(version), **files}.items() if digest}
            self.store.put(FILES, version, {"files": together})
        return sorted({digest for digest in files.values() if digest and digest not in self.contents})

    def _open(self, site_id: str, version_id: str) -> Document:
        version = self.version(site_id, version_id)
        if version["status"] != "CREATED":
            raise ApiError("FAILED_PRECONDITION", "Precondition check failed.")
        return version

    def check_expected(self, site_id: str, version_id: str, digest: str) -> None:
        """Refuse bytes that no path of an open version names."""
        if digest not in self.files(self._open(site_id, version_id)["id"]).values():
            raise ApiError("INVALID_ARGUMENT", f"content hash {digest} is not one of the version's files")

    def change_version(self, site_id: str, version_id: str, mask: set[str], body: Mapping[str, Any]) -> Document:
        """What ``mask`` names of an open version; FINALIZED only when all bytes are there."""
        _only(body, {"status", "labels", "config", "name"}, "version")
        if not mask or not mask <= {"status", "labels", "config"}:
            raise ApiError("INVALID_ARGUMENT", "update_mask: must name some of status, labels and config")
        version = dict(self._open(site_id, version_id))
        if "config" in mask:
            version["config"] = body.get("config") or {}
            check_config(version["config"])
        if "labels" in mask:
            version["labels"] = _labels(body.get("labels") or {})
        if "status" in mask:
            version |= self._finalized(version_id, body.get("status"))
        self.store.put(VERSIONS, version_id, version)
        return version

    def _finalized(self, version_id: str, status: Any) -> Document:
        if status != "FINALIZED":
            raise ApiError("INVALID_ARGUMENT", "version.status: the sandbox knows the change to FINALIZED only")
        files = self.files(version_id)
        if any(digest not in self.contents for digest in files.values()):
            raise ApiError("FAILED_PRECONDITION", "Precondition check failed. Some files have not been uploaded.")
        size = sum(self.contents.path(digest).stat().st_size for digest in files.values())
        return {"status": "FINALIZED", "finalized": self._clock.now(), "files": len(files), "bytes": size}

    def clone_version(self, site_id: str, source: str, *, finalize: bool) -> Document:
        """A version of this site with the files and the configuration of another one, maybe of another site."""
        original = _found(self.store.get(VERSIONS, source.rsplit("/", 1)[-1]))
        if original["status"] != "FINALIZED":
            raise ApiError("FAILED_PRECONDITION", "Precondition check failed.")
        version = self.make_version(site_id, {"labels": original["labels"], "config": original["config"]})
        self.store.put(FILES, version["id"], {"files": self.files(original["id"])})
        if finalize:
            version = self.change_version(site_id, version["id"], {"status"}, {"status": "FINALIZED"})
        return version

    def delete_version(self, site_id: str, version_id: str) -> None:
        """Delete a version that no channel shows, and the bytes that nothing else needs."""
        version = self.version(site_id, version_id)
        shown = {self.shown(channel) for channel in self.store.all(CHANNELS).values()}
        if version["id"] in shown:
            raise ApiError("FAILED_PRECONDITION", "A version that a channel serves cannot be deleted.")
        gone = self.files(version_id).values()
        with self.store.transaction():
            self.store.delete(VERSIONS, version_id)
            self.store.delete(FILES, version_id)
        self.contents.drop(gone, (document["files"].values() for document in self.store.all(FILES).values()))

    # Channels and releases

    def _new_channel(self, site_id: str, name: str, hostname: str, ttl: float | None) -> Document:
        now = self._clock.now()
        ends = None if ttl is None else now + ttl
        return {"site": site_id, "id": name, "hostname": hostname, "created": now, "ends": ends, "release": None}

    def channel(self, site_id: str, name: str) -> Document:
        """A channel that has not ended; raises ApiError NOT_FOUND."""
        self.site(site_id)
        channel = _found(self.store.get(CHANNELS, f"{site_id}/{name}"))
        if channel["ends"] is not None and channel["ends"] < self._clock.now():
            raise ApiError("NOT_FOUND", "Requested entity was not found.")
        return channel

    def channels(self, site_id: str) -> list[Document]:
        """Channels of a site that have not ended."""
        now = self._clock.now()
        found = [one for one in self.store.all(CHANNELS).values() if one["site"] == self.site(site_id)["id"]]
        return [channel for channel in found if channel["ends"] is None or channel["ends"] >= now]

    def make_channel(self, site_id: str, name: str, ttl: float) -> Document:
        """A preview channel under a host name that nobody can guess."""
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name):
            raise ApiError("INVALID_ARGUMENT", "channel_id: must be lower case letters, digits and hyphens")
        if name in {channel["id"] for channel in self.channels(site_id)}:
            raise ApiError("ALREADY_EXISTS", "Requested entity already exists")
        hostname = f"{site_id[:40]}--{name[:8]}-{secrets.token_hex(4)}.web.app"
        channel = self._new_channel(site_id, name, hostname, ttl)
        with self.store.transaction():
            self.store.put(CHANNELS, f"{site_id}/{name}", channel)
            self.store.put(HOSTS, hostname, {"site": site_id, "channel": name})
        return channel

    def extend_channel(self, site_id: str, name: str, ttl: float) -> Document:
        """Let a preview channel last so many seconds from now."""
        channel = {**self.channel(site_id, name), "ends": self._clock.now() + ttl}
        if name == LIVE:
            raise ApiError("INVALID_ARGUMENT", "ttl: the live channel never expires")
        self.store.put(CHANNELS, f"{site_id}/{name}", channel)
        return channel

    def delete_channel(self, site_id: str, name: str) -> None:
        """Delete a preview channel."""
        channel = self.channel(site_id, name)
        if name == LIVE:
            raise ApiError("FAILED_PRECONDITION", "The live channel cannot be deleted.")
        with self.store.transaction():
            self.store.delete(CHANNELS, f"{site_id}/{name}")
            self.store.delete(HOSTS, channel["hostname"])

    def shown(self, channel: Document) -> str | None:
        """Id of the version that a channel shows."""
        release = self.store.get(RELEASES, channel["release"]) if channel["release"] else None
        return release["version"] if release else None

    def releases(self, site_id: str, channel: str | None) -> list[Document]:
        """Releases of a site or of one channel, the newest first."""
        found = [
            one
            for one in self.store.all(RELEASES).values()
            if one["site"] == site_id and (channel is None or one["channel"] == channel)
        ]
        return sorted(found, key=lambda release: -release["number"])

    def make_release(self, site_id: str, channel_id: str, version_name: str, body: Mapping[str, Any]) -> Document:
        """Let a channel show a version; at once and as a whole."""
        _only(body, {"message", "type"}, "release")
        channel = self.channel(site_id, channel_id)
        if len(str(body.get("message", ""))) > 512:
            raise ApiError("INVALID_ARGUMENT", "release.message: must be at most 512 characters")
        version = self._released(site_id, version_name, body.get("type"))
        release: Document = {
            "id": secrets.token_hex(8),
            "site": site_id,
            "channel": channel_id,
            "version": version["id"] if version else None,
            "type": self._kind(site_id, channel_id, version),
            "message": body.get("message", ""),
            "released": self._clock.now(),
            "number": time.time_ns(),
        }
        with self.store.transaction():
            self.store.put(RELEASES, release["id"], release)
            self.store.put(CHANNELS, f"{site_id}/{channel_id}", {**channel, "release": release["id"]})
        return release

    def _released(self, site_id: str, version_name: str, kind: Any) -> Document | None:
        if kind == "SITE_DISABLE" and not version_name:
            return None
        if kind is not None or not version_name:
            raise ApiError("INVALID_ARGUMENT", "a release needs versionName, or the type SITE_DISABLE and no version")
        found = re.fullmatch(r"(?:projects/[^/]+/)?sites/([^/]+)/versions/([^/]+)", version_name)
        if found is None or found[1] != site_id:
            raise ApiError("INVALID_ARGUMENT", "versionName: must name a version of this site")
        version = self.version(site_id, found[2])
        if version["status"] != "FINALIZED":
            raise ApiError("FAILED_PRECONDITION", "Precondition check failed. The version is not FINALIZED.")
        return version

    def _kind(self, site_id: str, channel_id: str, version: Document | None) -> str:
        if version is None:
            return "SITE_DISABLE"
        before = {release["version"] for release in self.releases(site_id, channel_id)}
        return "ROLLBACK" if version["id"] in before else "DEPLOY"

    # What the API shows

    def version_view(self, version: Document) -> dict[str, Any]:
        """A version as the API shows it; numbers of 64 bits are text there."""
        view = {
            "name": f"projects/{NUMBER}/sites/{version['site']}/versions/{version['id']}",
            "status": version["status"],
            "config": version["config"],
            "labels": version["labels"],
            "createTime": _time(version["created"]),
        }
        if version["finalized"] is not None:
            view["finalizeTime"] = _time(version["finalized"])
            view |= {"fileCount": str(version["files"]), "versionBytes": str(version["bytes"])}
        return view

    def release_view(self, release: Document) -> dict[str, Any]:
        """A release with its version inside."""
        name = f"projects/{NUMBER}/sites/{release['site']}/channels/{release['channel']}/releases/{release['id']}"
        view = {"name": name, "type": release["type"], "releaseTime": _time(release["released"])}
        if release["message"]:
            view["message"] = release["message"]
        version = self.store.get(VERSIONS, release["version"]) if release["version"] else None
        return {**view, "version": self.version_view(version)} if version else view

    def channel_view(self, channel: Document) -> dict[str, Any]:
        """A channel with its current release inside."""
        view: dict[str, Any] = {
            "name": f"projects/{NUMBER}/sites/{channel['site']}/channels/{channel['id']}",
            "url": f"https://{channel['hostname']}",
            "createTime": _time(channel["created"]),
            "updateTime": _time(channel["created"]),
            "retainedReleaseCount": 10,
        }
        if channel["ends"] is not None:
            view["expireTime"] = _time(channel["ends"])
        release = self.store.get(RELEASES, channel["release"]) if channel["release"] else None
        return {**view, "release": self.release_view(release)} if release else view

    def site_view(self, site: Document) -> dict[str, Any]:
        """A site as the API shows it."""
        return {
            "name": f"projects/{PROJECT}/sites/{site['id']}",
            "defaultUrl": f"https://{site['hostname']}",
            "type": "DEFAULT_SITE" if site["id"] == PROJECT else "USER_SITE",
        }


def _found(document: Document | None) -> Document:
    if document is None:
        raise ApiError("NOT_FOUND", "Requested entity was not found.")
    return document


def _only(body: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    for name in set(body) - set(known):
        raise ApiError(
            "INVALID_ARGUMENT",
            f"Invalid JSON payload received. Unknown name \"{name}\" at '{where}': Cannot find field.",
        )


def _labels(labels: Any) -> dict[str, str]:
    """Labels as Google Cloud has them: https://cloud.google.com/resource-manager/docs/labels-overview#requirements."""
    if not isinstance(labels, dict) or len(labels) > 64:
        raise ApiError("INVALID_ARGUMENT", "labels: a map of at most 64 labels is required")
    for key, value in labels.items():
        if not _LABEL_KEY.fullmatch(key) or not isinstance(value, str) or not _LABEL.fullmatch(value):
            raise ApiError("INVALID_ARGUMENT", f"labels: {key!r} or its value is not a label")
    return labels


def _check_entry(path: str, digest: Any) -> None:
    if not path.startswith("/") or path.endswith("/") or "//" in path:
        raise ApiError("INVALID_ARGUMENT", f"files: {path!r} must be an absolute path of a file")
    if path.startswith("/__/"):
        raise ApiError("INVALID_ARGUMENT", f"files: {path!r} lies in a reserved namespace")
    if not isinstance(digest, str) or (digest and not _HASH.fullmatch(digest)):
        raise ApiError("INVALID_ARGUMENT", f"files: the hash of {path!r} must be a SHA-256 in hexadecimal")
    if PLAN == "spark" and PurePosixPath(path).suffix.lower() in _EXECUTABLE:
        raise ApiError("FAILED_PRECONDITION", "Executable files are forbidden on the Spark billing plan.")


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
