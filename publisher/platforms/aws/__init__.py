"""AWS: a private bucket of content-addressed objects, and one key that says which release CloudFront serves.

Crash safety. A release is written as a generation higher than any in the store; visitors see the generation that
``live`` names, so what a killed run wrote above it is invisible. The next run compares what each path *would* show at
its own, still higher generation, leftovers included, and writes exactly what differs: leftovers are masked or reused.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from publisher.errors import StagedDiffers
from publisher.platforms.aws.inventory import Inventory
from publisher.platforms.aws.layout import (
    GONE,
    LIVE,
    RELEASES,
    Live,
    check_limits,
    entries,
    entry_text,
    object_id,
    object_keys,
    release_paths,
    rule_keys,
    seen_at,
)
from publisher.platforms.base import Kept, Plan, Platform, PlatformDeployment, Traits, keep_of, phase_of
from website import DigestCache, File, Site

if TYPE_CHECKING:
    import aiohttp

    from publisher.platforms.aws.index import Index
    from publisher.platforms.aws.objects import Objects

_STAGED = "staged"
#: Objects that the bucket's list may lack before the bucket is listed, to send nothing that a killed run has sent.
_LISTED_FROM = 500


class AwsPlatform(Platform):
    """Target: bucket, region, key_value_store_arn, and settle_seconds (wait between the paths and ``live``)."""

    name = "aws"
    traits: ClassVar[Traits] = Traits(
        concurrency=128,
        stages=True,
        rolls_back="pointer",
        custom_headers=True,
        plans={"": Plan(max_file_bytes=50 * 1024**3)},
        notes=(
            "The index of paths lives in a CloudFront KeyValueStore: 5 MB, keys of 512 bytes, values of 1 KB.",
            "CloudFront runs no viewer-response function for answers of 400 and above from the origin; the security "
            "headers come from the response headers policy there.",
        ),
    )

    def __init__(self, target: Mapping[str, str], http: aiohttp.ClientSession, digests: DigestCache) -> None:
        super().__init__(target, http, digests)
        self._objects, self._index = _clients(target)
        self._inventory = Inventory(self._objects)
        self._settle = float(target.get("settle_seconds", "5"))
        self._pairs: dict[str, str] | None = None
        self._lacking: dict[str, list[str]] = {}
        self._written_at: float | None = None

    @classmethod
    def check_site(cls, site: Site, target: Mapping[str, str] = MappingProxyType({})) -> None:
        """The index must fit the key value store too."""
        super().check_site(site, target)
        check_limits(site, keep_of(target))

    async def find_staged(self, site: Site) -> str | None:
        """A kept release with the same content, or a staged one that no later run has touched.

        One whose objects were deleted by hand is not taken: they are sent again, which heals it where it is live.
        """
        for kept in await self._kept():
            if kept.release == site.release_id:
                if not _wrong_objects(site, await self._listed()):
                    return str(kept)
                await self._inventory.forget()
                return None
        text = await self._index.get(_STAGED)
        if text is None or Live.parse(text).release != site.release_id:
            return None
        self._written_at = time.monotonic()
        return text

    async def missing(self, site: Site) -> list[File]:
        """Compare with the bucket's own list; where that names few of the objects, with a listing."""
        wanted = object_keys(site)
        there: Collection[str] = await self._inventory.keys()
        if len(wanted.keys() - there) > _LISTED_FROM:
            there = await self._listed()
        files: dict[str, File] = {}
        for key, file in wanted.items():
            if key not in there:
                self._lacking.setdefault(object_id(file), []).append(key)
                files.setdefault(object_id(file), file)
        return list(files.values())

    async def send(self, file: File) -> None:
        """Write the file's object, and its copy for unknown paths where it is the 404 page."""
        for key in self._lacking[object_id(file)]:
            await self._objects.put_file(key, file)

    async def note_objects(self, site: Site) -> None:
        """Write into the bucket's own list that it has all objects of the release now."""
        await self._inventory.add(object_keys(site).keys())

    async def stage(self, site: Site) -> str:
        """Write the paths of a new generation; ``staged`` is taken away first and set at the end."""
        await self.note_objects(site)
        pairs = await self._all_pairs()
        numbers = [number for key, text in pairs.items() if key.startswith("/") for number, _ in entries(text)]
        live = pairs.get(LIVE)
        kept = [found.generation for found in _parsed(pairs.get(RELEASES, ""))]
        generation = max([*numbers, *kept, Live.parse(live).generation if live else 0, _leftover(pairs)]) + 1
        rules = rule_keys(site)
        staged = Live(
            generation,
            site.release_id,
            len(site.files),
            rules.forced,
            rules.unforced,
            rules.headers,
            object_id(site.files[site.rules.not_found]) if site.rules.not_found else GONE,
        )
        if _STAGED in pairs:
            await self._write({}, {_STAGED})
        await self._write({**_path_changes(site, pairs, generation), **rules.at(generation)}, set())
        await self._write({_STAGED: str(staged)}, set())
        return str(staged)

    async def check_staged(self, site: Site, staged: str) -> None:
        """Every object is there with the right size, and every path shows it at the staged generation."""
        found = Live.parse(staged)
        wrong = _wrong_objects(site, await self._listed())
        pairs = await self._all_pairs()
        desired = release_paths(site)
        paths = {key for key in pairs if key.startswith("/")} | desired.keys()
        wrong += [
            f"{path}: the index shows {shown}, expected {desired.get(path, GONE)}"
            for path in sorted(paths)
            if (shown := seen_at(pairs.get(path), found.generation)) != desired.get(path, GONE)
        ]
        wrong += [f"{key}: missing" for key in rule_keys(site).at(found.generation) if key not in pairs]
        if wrong:
            await self._give_up_staged()
            raise StagedDiffers("aws: the staged copy is not the release; nothing was published. Run again.", wrong)

    async def check_kept(self, site: Site, staged: str) -> None:
        """Every path of an earlier release is in the index, with an object that nobody has deleted by hand.

        The bytes' digests are remembered shortened, so objects go by the names that the index gives them.
        """
        found = Live.parse(staged)
        pairs, there = await self._all_pairs(), await self._listed()
        shown = {path: seen_at(pairs.get(f"/{path}"), found.generation) for path in site.files}
        keys = {f"/{path}": f"objects/{name}" for path, name in shown.items()}
        if found.not_found != GONE:
            keys["the 404 page"] = f"not-found/{found.not_found}"
        wrong = [f"{path}: {key} is not there" for path, key in keys.items() if key not in there]
        wrong += [f"{key}: missing" for key in rule_keys(site).at(found.generation) if key not in pairs]
        if wrong:
            raise StagedDiffers(
                f"aws: release {site.release_id} is kept no more as a whole; nothing was published. Go back to another "
                "release (`make releases` lists them), or publish the content of this one anew.",
                wrong,
            )

    async def _give_up_staged(self) -> None:
        """Have the next run list the bucket, send what it lacks and stage anew."""
        await self._inventory.forget()
        await self._write({}, {_STAGED})

    async def publish(self, release: str, staged: str) -> None:
        """Move ``live``, in one call with the list of kept releases."""
        del release
        if self._written_at is not None:
            await asyncio.sleep(max(0.0, self._written_at + self._settle - time.monotonic()))
        chosen = Live.parse(staged)
        kept = [found for found in await self._kept() if found.generation != chosen.generation]
        kept = [chosen, *sorted(kept, key=lambda found: -found.generation)][: self.keep]
        await self._write({LIVE: staged, RELEASES: _text(kept)}, {_STAGED})

    async def newest(self) -> PlatformDeployment | None:
        """State of the key value store, and the release that ``live`` names in it.

        A publication moves that pointer only; the distribution takes no part in it, so its state would tell nothing.
        """
        index = _hurried(self.target)
        state, modified = await index.state()
        text = await index.get(LIVE)
        if text is None:
            return None
        live = Live.parse(text)
        phase = phase_of(state, ready={"READY"}, running={"PROVISIONING"}, failed={"FAILED"})
        return PlatformDeployment(str(live.generation), state, phase, modified, live.release)

    async def kept(self) -> list[Kept]:
        """The kept generations, the live one first."""
        return [Kept(found.release, str(found)) for found in await self._kept()]

    async def live(self) -> str | None:
        """Release named by ``live``."""
        text = await self._index.get(LIVE)
        return Live.parse(text).release if text else None

    async def _kept(self) -> list[Live]:
        return _parsed(await self._index.get(RELEASES) or "")

    async def _all_pairs(self) -> dict[str, str]:
        """The whole store: from its copy in the bucket when nobody wrote since, else listed."""
        if self._pairs is None:
            version = await self._index.version()
            copy = await self._objects.get(f"index/{version}.json")
            self._pairs = dict(json.loads(copy)) if copy else await self._index.all()
        return self._pairs

    async def _write(self, puts: Mapping[str, str], deletes: set[str]) -> None:
        if self._pairs is not None:
            deletes = {key for key in deletes if key in self._pairs}
        if not puts and not deletes:
            return
        await self._index.write(puts, deletes)
        self._written_at = time.monotonic()
        if self._pairs is not None:
            self._pairs.update(puts)
            for key in deletes:
                self._pairs.pop(key, None)

    async def prune(self, live: str) -> None:
        """Take away what no kept release needs: paths and rules of the index, then objects."""
        del live
        kept = await self._kept()
        pairs = await self._all_pairs()
        puts, deletes = _without_old(pairs, [found.generation for found in kept])
        await self._write(puts, deletes)
        pairs = await self._all_pairs()
        used = {found for key, text in pairs.items() if key.startswith("/") for _, found in entries(text)}
        used_pages = {found.not_found for found in kept}
        listed = await self._listed()
        unused = [
            key for key in listed if key.rsplit("/", 1)[1] not in (used if key.startswith("objects/") else used_pages)
        ]
        if unused:
            await self._inventory.remove(unused)
            await self._objects.delete(unused)
        await self._keep_copy(pairs)

    async def _listed(self) -> dict[str, int]:
        """Key → size in bytes of all objects."""
        objects, pages = await asyncio.gather(self._objects.sizes("objects/"), self._objects.sizes("not-found/"))
        return {**objects, **pages}

    async def _keep_copy(self, pairs: Mapping[str, str]) -> None:
        key = f"index/{await self._index.version()}.json"
        old = [other for other in await self._objects.sizes("index/") if other != key]
        await self._objects.put_bytes(key, json.dumps(pairs).encode(), "application/json")
        await self._objects.delete(old)


def _wrong_objects(site: Site, there: Mapping[str, int]) -> list[str]:
    """What the bucket lacks of a release, or has with another size."""
    return [
        f"{key} ({file.path}): {there.get(key, 'no')} bytes, expected {file.size}"
        for key, file in object_keys(site).items()
        if there.get(key) != file.size
    ]


def _path_changes(site: Site, pairs: Mapping[str, str], generation: int) -> dict[str, str]:
    """New values of the paths that would not show the release at ``generation`` by themselves."""
    desired = release_paths(site)
    changed = {}
    for path in {*desired, *(key for key in pairs if key.startswith("/"))}:
        wanted = desired.get(path, GONE)
        if seen_at(pairs.get(path), generation) != wanted:
            changed[path] = entry_text([(generation, wanted), *entries(pairs.get(path))])
    return changed


def _without_old(pairs: Mapping[str, str], kept: list[int]) -> tuple[dict[str, str], set[str]]:
    """(changed values, keys to delete) that leave what the kept generations show as it is."""
    puts: dict[str, str] = {}
    deletes: set[str] = set()
    for key, text in pairs.items():
        if key.startswith("rules/") and int(key.split("/")[1]) not in kept:
            deletes.add(key)
        if not key.startswith("/"):
            continue
        needed = [pair for pair in entries(text) if any(_shows(text, generation) == pair for generation in kept)]
        while needed and needed[-1][1] == GONE:
            needed.pop()
        if not needed:
            deletes.add(key)
        elif entry_text(needed) != text:
            puts[key] = entry_text(needed)
    return puts, deletes


def _shows(text: str, generation: int) -> tuple[int, str] | None:
    return next((pair for pair in entries(text) if pair[0] <= generation), None)


def _leftover(pairs: Mapping[str, str]) -> int:
    """Highest generation that a killed run left rules or a staged mark of."""
    numbers = [int(key.split("/")[1]) for key in pairs if key.startswith("rules/")]
    return max([0, *numbers, *([Live.parse(pairs[_STAGED]).generation] if _STAGED in pairs else [])])


def _text(kept: list[Live]) -> str:
    return "\n".join(map(str, kept))


def _parsed(text: str) -> list[Live]:
    return [Live.parse(line) for line in text.splitlines()]


def _clients(target: Mapping[str, str]) -> tuple[Objects, Index]:
    """Clients of the target's bucket and store; boto3 is imported by a run that sends something, not by a preview."""
    from publisher.platforms.aws.index import Index
    from publisher.platforms.aws.objects import Objects

    return Objects(target["bucket"], target["region"]), Index(target["key_value_store_arn"])


def _hurried(target: Mapping[str, str]) -> Index:
    """For a question that is asked again soon: a thread that waits for boto3 cannot be cut off."""
    from publisher.platforms.aws.index import Index

    return Index(target["key_value_store_arn"], attempts=2, seconds=8.0)


PLATFORM = AwsPlatform
