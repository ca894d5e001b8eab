"""Sites and deploys of the Netlify twin: what the API changes and the public side serves."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sandbox.contents import Contents
from sandbox.store import Document, Store

SITES = "netlify:site"
DEPLOYS = "netlify:deploy"
_FILES = "netlify:files"


class ApiError(Exception):
    """An answer of the API that is none of success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Deploys:
    """All sites of the account; documents in the store, bytes by SHA-1 in files."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.contents = Contents(folder / "blobs")
        self._lacking: dict[str, set[str]] = {}
        self._declared: tuple[str, dict[str, str]] = ("", {})  # of the deploy that was asked about last

    def make_site(self, name: str, settings: dict[str, Any]) -> Document:
        """A new site; names are unique over all of Netlify."""
        if any(site["name"] == name for site in self.store.all(SITES).values()):
            raise ApiError(422, '{"subdomain":["must be unique"]}')
        identifier = (
            f"{secrets.token_hex(4)}-{secrets.token_hex(2)}-4{secrets.token_hex(2)[1:]}-8000-{secrets.token_hex(6)}"
        )
        site = {
            "id": identifier,
            "name": name,
            "created_at": _iso(),
            "published": None,
            "locked": False,
            "settings": settings,
            "number": len(self.store.all(SITES)),
        }
        self.store.put(SITES, identifier, site)
        return site

    def site(self, key: str) -> Document:
        """A site by id, name or domain; raises ApiError 404."""
        for identifier, site in self.store.all(SITES).items():
            if key in {identifier, site["name"], f"{site['name']}.netlify.app"}:
                return site
        raise ApiError(404, "Not Found")

    def deploys_of(self, site_id: str) -> list[Document]:
        """Deploys of a site, newest first."""
        found = [deploy for deploy in self.store.all(DEPLOYS).values() if deploy["site_id"] == site_id]
        return sorted(found, key=lambda deploy: -deploy["number"])

    def deploy(self, deploy_id: str) -> Document:
        """A deploy; raises ApiError 404."""
        found = self.store.get(DEPLOYS, deploy_id)
        if found is None:
            raise ApiError(404, "Not Found")
        return found

    def files(self, deploy_id: str) -> dict[str, str]:
        """Path (no leading slash) → SHA-1 of a deploy."""
        if self._declared[0] != deploy_id:
            found = self.store.get(_FILES, deploy_id)
            self._declared = deploy_id, dict(found["files"]) if found else {}
        return self._declared[1]

    def begin(self, site_id: str, title: str, *, draft: bool, branch: str | None) -> Document:
        """A new deploy without files; whether it is a draft is decided here for good."""
        deploy: Document = {
            "id": secrets.token_hex(12),
            "site_id": site_id,
            "title": title,
            "state": "new",
            "draft": draft or branch is not None,
            "branch": branch or "main",
            "created_at": _iso(),
            "number": time.time_ns(),
        }
        self.store.put(DEPLOYS, deploy["id"], deploy)
        return deploy

    def declare_files(self, deploy_id: str, files: dict[str, str], *, later: bool) -> Document:
        """The deploy's manifest, compared at once or ``later``; raises ApiError 422 for names Netlify does not take."""
        paths = {path.lstrip("/"): sha1 for path, sha1 in files.items()}
        bad = [path for path in paths if "#" in path or "?" in path or not path]
        if bad:
            raise ApiError(422, f"Invalid filename {bad[0]}")
        with self.store.transaction():
            self.store.put(_FILES, deploy_id, {"files": paths})
            deploy = {**self.deploy(deploy_id), "state": "preparing" if later else "prepared"}
            self.store.put(DEPLOYS, deploy_id, deploy)
        self._lacking.pop(deploy_id, None)
        self._declared = "", {}
        return deploy if later else self._settled(deploy_id)

    def looked_at(self, deploy_id: str) -> Document:
        """A deploy as a client sees it by polling; one that is compared later gets on between two looks."""
        deploy = self.deploy(deploy_id)
        if deploy["state"] == "preparing":
            self.store.put(DEPLOYS, deploy_id, {**deploy, "state": "prepared"})
        elif deploy["state"] == "prepared":
            return self._settled(deploy_id)
        return deploy

    def lacking(self, deploy_id: str) -> set[str]:
        """SHA-1 digests that are declared and not there yet."""
        if deploy_id not in self._lacking:
            wanted = set(self.files(deploy_id).values())
            self._lacking[deploy_id] = {sha1 for sha1 in wanted if sha1 not in self.contents}
        return self._lacking[deploy_id]

    def receive(self, deploy_id: str, path: str, body: bytes) -> Document:
        """One uploaded file; its bytes must be the declared ones."""
        declared = self.files(deploy_id).get(path.lstrip("/"))
        sha1 = hashlib.sha1(body, usedforsecurity=False).hexdigest()
        if declared is None:
            raise ApiError(404, "Not Found")
        if declared != sha1:
            raise ApiError(422, f"the SHA-1 of {path} is {sha1}, the deploy says {declared}")
        if sha1 not in self.contents:
            self.contents.put(sha1, body)
        self.lacking(deploy_id).discard(sha1)
        return self._settled(deploy_id)

    def _settled(self, deploy_id: str) -> Document:
        """Make a deploy with all files ready; it goes live by itself unless it is a draft or the site is locked."""
        deploy = self.deploy(deploy_id)
        if deploy["state"] == "error":
            return deploy
        if self.lacking(deploy_id):
            if deploy["state"] != "uploading":
                deploy = {**deploy, "state": "uploading"}
                self.store.put(DEPLOYS, deploy_id, deploy)
            return deploy
        self._lacking.pop(deploy_id, None)
        if deploy["state"] != "ready":
            with self.store.transaction():
                deploy = {**deploy, "state": "ready"}
                self.store.put(DEPLOYS, deploy_id, deploy)
                site = self.site(deploy["site_id"])
                if not deploy["draft"] and not site["locked"]:
                    self._serve(site, deploy_id)
        return deploy

    def publish(self, site_id: str, deploy_id: str) -> Document:
        """Restore: make a ready deploy the published one; a locked site keeps the one it has."""
        deploy = self.deploy(deploy_id)
        if deploy["site_id"] != site_id:
            raise ApiError(404, "Not Found")
        if deploy["state"] != "ready":
            raise ApiError(422, "Deploy is not ready")
        site = self.site(site_id)
        if not site["locked"]:
            self._serve(site, deploy_id)
        return deploy

    def _serve(self, site: Document, deploy_id: str) -> None:
        served = [*site.get("served", []), deploy_id]
        self.store.put(DEPLOYS, deploy_id, {**self.deploy(deploy_id), "published_at": _iso()})
        self.store.put(SITES, site["id"], {**site, "published": deploy_id, "served": served})

    def roll_back(self, site_id: str) -> None:
        """Publish the deploy before the published one, of those that were published once."""
        site = self.site(site_id)
        once = set(site.get("served", []))
        ready = [deploy["id"] for deploy in self.deploys_of(site_id) if deploy["id"] in once]
        after = ready.index(site["published"]) + 1 if site["published"] in ready else len(ready)
        if after >= len(ready):
            raise ApiError(422, "There is no deploy to roll back to")
        self.store.put(SITES, site_id, {**site, "published": ready[after]})

    def set_lock(self, deploy_id: str, *, locked: bool) -> Document:
        """Lock the site to the deploy, or unlock it."""
        deploy = self.deploy(deploy_id)
        site = self.site(deploy["site_id"])
        self.store.put(SITES, site["id"], {**site, "locked": locked})
        return deploy

    def cancel(self, deploy_id: str) -> Document:
        """Give a deploy up that is not ready."""
        deploy = self.deploy(deploy_id)
        if deploy["state"] != "ready":
            deploy = {**deploy, "state": "error", "error_message": "Canceled"}
            self.store.put(DEPLOYS, deploy_id, deploy)
        return deploy

    def delete_site(self, site_id: str) -> None:
        """Delete a site with its deploys."""
        site = self.site(site_id)
        with self.store.transaction():
            gone = self._removed([deploy["id"] for deploy in self.deploys_of(site["id"])])
            self.store.delete(SITES, site["id"])
        self._drop(gone)

    def _removed(self, deploy_ids: Iterable[str]) -> set[str]:
        """Digests of deploys that are there no more."""
        gone: set[str] = set()
        for deploy_id in deploy_ids:
            gone.update(self.files(deploy_id).values())
            self.store.delete(DEPLOYS, deploy_id)
            self.store.delete(_FILES, deploy_id)
            self._lacking.pop(deploy_id, None)
        self._declared = "", {}
        return gone

    def _drop(self, gone: set[str]) -> None:
        self.contents.drop(gone, (document["files"].values() for document in self.store.all(_FILES).values()))


def _iso() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
