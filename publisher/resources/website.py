"""``publisher:index:Website``: the content as it is now; reading it is what ``check`` does.

The manifest stands in this one resource's inputs (path → first 16 hex digits of SHA-256, and of which kind the file
is), so that a preview names the changed pages one by one and the state grows by less than 200 bytes a file. The
releases before it stand there as differences: one of them can be pinned, which needs no content. Generated files (the
release record) stay out, they follow from the rest. All other resources take the release id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from publisher import edge_copy
from publisher.errors import PublisherError
from publisher.history import recalled, remembered
from publisher.platforms.base import KEEP
from publisher.removal_guard import refusal
from publisher.resources.handler import Difference, Failure, Handler, Kind, Request, Values, changes, property_path
from publisher.session import Scanned
from website import Manifest, Site, SiteError, SiteOptions, folders, load_site

_FROM_PROGRAM = ("source", "ref", "headers", "cacheRules", "allowDeletes", "pinned", "keep", "edgeCopy", "forWorker")
#: What says where content is or what may be done with it, and not what is published.
_NOT_CONTENT = ("source", "ref", "allowDeletes", "pinned", "keep", "kept", "kinds")


class WebsiteHandler(Handler):
    """Reads the content and holds the delete guard; with ``pinned`` it recalls an earlier release instead."""

    token = "publisher:index:Website"  # noqa: S105 - a type token

    async def check(self, request: Request) -> tuple[Values, list[Failure]]:
        """Read the content; a mistake in it stops the run before anything is touched."""
        given = {key: request.inputs[key] for key in _FROM_PROGRAM if request.inputs.get(key) is not None}
        known = recalled(request.old_inputs)
        try:
            manifest, site = await self._chosen(given, known)
        except SiteError as error:
            return given, [Failure("source", str(error))]
        except PublisherError as error:
            return given, [Failure("pinned", str(error))]
        old_files: Mapping[str, str] = request.old_inputs.get("files", {})
        changed = frozenset(path for path, value in manifest.files.items() if old_files.get(path) != value)
        self.session.remember(Scanned(site, changed, kept="pinned" in given))
        checked = {**given, **remembered(manifest, known, int(given.get("keep", KEEP)))}
        if "edgeCopy" in given and "pinned" not in given and (reason := edge_copy.too_many(site)):
            return checked, [Failure("edgeCopy", reason)]
        await self._copy(request.urn, site, checked)
        if _is_named(given, request.old_inputs, manifest.release, known):
            return checked, []
        reason = refusal(old_files, manifest.files, manifest.release, given.get("allowDeletes"))
        return checked, [Failure("allowDeletes", reason)] if reason else []

    async def _copy(self, urn: str, site: Site, checked: Values) -> None:
        """Stage what is deployed beside the edge's Worker, if the stack has one; a pinned release has no bytes here."""
        if "edgeCopy" not in checked or "pinned" in checked:
            return
        kept = {found.release for found in recalled(checked)}
        await asyncio.to_thread(edge_copy.stage, site, Path(checked["edgeCopy"]), kept)
        if missing := edge_copy.left_out(site):
            text = (
                f"not in the edge's copy, because they are over 25 MiB: {', '.join(missing[:5])} ({len(missing)} files)"
            )
            await self.session.progress(urn).say(text, lasting=True)

    async def _chosen(self, given: Values, known: Sequence[Manifest]) -> tuple[Manifest, Site]:
        """The content as it is now, or the release that is pinned; its content is not asked for."""
        if "pinned" in given:
            found = _recall(given["pinned"], known)
            return found, found.site()
        site = await asyncio.to_thread(self._load, given)
        return Manifest.of(site), site

    def _load(self, given: Values) -> Site:
        rules = tuple((rule["paths"], rule["value"]) for rule in given.get("cacheRules", ()))
        options = SiteOptions()
        if given.get("headers"):
            options = SiteOptions(floor={**options.floor, **given["headers"]})
        if rules:
            options = SiteOptions(floor=options.floor, cache_rules=(*rules, *options.cache_rules))
        source = given["source"]
        return load_site(str(source), ref=given.get("ref"), options=options, cache=Path(self.session.cache))

    async def difference(self, request: Request) -> Difference:
        """Name each changed file; where a folder lies is not a change."""
        old, new = dict(request.old_inputs), dict(request.inputs)
        found: dict[str, Kind] = {
            property_path("files", path): kind
            for path, kind in changes(old.pop("files", {}), new.pop("files", {})).items()
        }
        for key in _NOT_CONTENT:
            old.pop(key, None)
            new.pop(key, None)
        return Difference({**found, **changes(old, new)})

    async def create(self, request: Request) -> tuple[str, Values]:
        """Record what was read; nothing is sent."""
        inputs = request.inputs
        site = self.session.scanned(inputs["release"]).site
        outputs = {
            "release": site.release_id,
            "digest": site.content_digest,
            "fileCount": len(inputs["files"]),
            "bytes": inputs["size"],
            "commit": site.commit or "",
            "rules": inputs["rules"],
            "folders": folders(site),
            "served": edge_copy.described(recalled(inputs)) if inputs.get("forWorker") else {},
        }
        return "website", outputs


def _is_named(given: Values, before: Values, release: str, known: Sequence[Manifest]) -> bool:
    """Whether somebody has named this very release: to go back to it, or it is what the stack had gone back from."""
    return "pinned" in given or ("pinned" in before and any(found.release == release for found in known))


def _recall(release: str, known: Sequence[Manifest]) -> Manifest:
    for found in known:
        if found.release == release:
            return found
    there = ", ".join(found.release for found in known) or "none yet"
    raise PublisherError(
        f"release {release} is not among those this stack remembers: {there}. Set `release` to one of them, or remove "
        "the setting and publish the content of then. Nothing was changed."
    )
