"""Pipelines of the GitLab twin: what a push starts, how it gets on, and what Pages takes from it.

A pages job hands ``public/`` of its commit over; afterwards GitLab adds the external status ``pages:deploy``, which
refuses what Pages does not take (lib/gitlab/pages/deployment_update.rb of gitlab).
"""

from __future__ import annotations

import asyncio
import contextlib
import fnmatch
import re
import shlex
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from sandbox.contents import Contents
from sandbox.git.repositories import NO_COMMIT, GitFailed, Repositories
from sandbox.platforms.gitlab.account import DEPLOYMENTS, PIPELINES, PROJECTS, USER
from sandbox.platforms.gitlab.ci_config import InvalidConfig, Job, jobs_for
from sandbox.store import Document, Store
from sandbox.world import Clock

#: https://docs.gitlab.com/administration/instance_limits/#gitlab-pages
_MAX_FILES = 200_000
_MAX_BYTES = 1024**3
#: Seconds of the sandbox in which a job waits, runs, and is deployed.
_WAITS, _RUNS, _DEPLOYS = 1.0, 4.0, 2.0
#: https://docs.gitlab.com/administration/housekeeping/ (of earlier versions: each 50th push packs what is loose)
_PUSHES_UNTIL_TIDIED = 50
FINISHED = frozenset({"success", "failed", "canceled", "skipped"})
_SKIP = re.compile(r"\[(ci[ -]skip|skip[ -]ci)\]", re.IGNORECASE)


class Pipelines:
    """Kept in the store; a pipeline gets on by itself, by the time since this process first looked at it."""

    def __init__(self, store: Store, repositories: Repositories, folder: Path, clock: Clock) -> None:
        self._store = store
        self._repositories = repositories
        self.contents = Contents(folder / "pages")
        for beside in [path for path in (folder / "pages").iterdir() if path.is_file()]:  # as earlier versions kept it
            self.contents.adopt(beside.name, beside)
        self._clock = clock
        self._seen: dict[int, float] = {}
        self._runners: set[asyncio.Task[None]] = set()
        self._pushes: Counter[int] = Counter()
        self._lock = asyncio.Lock()
        self.told: list[Callable[[Document, Sequence[tuple[str, str, str]]], None]] = []
        """Called with a project and (old commit, new commit, ref) for each push."""

    async def running(self, _: web.Application) -> AsyncIterator[None]:
        """Go on with what an earlier process left, until the application ends."""
        for project in self._store.all(PROJECTS).values():
            await self.pushed(project)
        for pipeline in self._store.all(PIPELINES).values():
            if pipeline["status"] not in FINISHED and not pipeline.get("own_runner"):
                self._take(pipeline["id"])
        yield
        for task in self._runners:
            task.cancel()
        await asyncio.gather(*self._runners, return_exceptions=True)

    def _take(self, number: int) -> None:
        task = asyncio.create_task(self._run(number))
        self._runners.add(task)
        task.add_done_callback(self._runners.discard)

    async def _run(self, number: int) -> None:
        with contextlib.suppress(KeyError):  # deleted meanwhile
            while (await self.looked_at(number))["status"] not in FINISHED:
                await self._clock.sleep(0.5)

    async def pushed(self, project: Document) -> None:
        """Start what the pushes that came in call for, and tell who wants to know."""
        for push in self._repositories.pushes(project["id"]):
            for tell in self.told:
                tell(project, push.changes)
            skip = "ci.skip" in push.options
            for _, new, ref in push.changes:
                if ref.startswith("refs/heads/") and new != NO_COMMIT:
                    branch = ref.removeprefix("refs/heads/")
                    await self.begin(project, branch, new, source="push", skip=skip)
            await self._tidy(project["id"])

    async def _tidy(self, project: int) -> None:
        self._pushes[project] += 1
        if self._pushes[project] % _PUSHES_UNTIL_TIDIED == 0:
            with contextlib.suppress(GitFailed):  # another push may be at it; the next time will do
                await self._repositories.tidy(project)

    async def begin(
        self,
        project: Document,
        branch: str,
        sha: str,
        *,
        source: str,
        skip: bool = False,
        variables: Mapping[str, str] | None = None,
    ) -> Document | None:
        """A pipeline for a commit, or None where no job is for its branch.

        Where the project has a runner of its own, it waits for that, whatever its file says.
        """
        found = (await self._repositories.files(project["id"], sha)).get(".gitlab-ci.yml")
        if found is None or project["builds_access_level"] == "disabled":
            return None
        message = str((await self._repositories.log(project["id"], sha, 1))[0]["message"])
        if project.get("own_runner") and not skip:
            return self._made(project, branch, sha, source, "pending", [], None, variables)
        try:
            text = await self._repositories.content(project["id"], found[1])
            jobs = jobs_for(text, branch, project["default_branch"])
        except InvalidConfig as error:
            return self._made(project, branch, sha, source, "failed", [], str(error))
        if source == "push" and (skip or _SKIP.search(message)):
            return self._made(project, branch, sha, source, "skipped", [], None)
        if not jobs:
            return None
        return self._made(project, branch, sha, source, "created", jobs, None)

    def _made(
        self,
        project: Document,
        branch: str,
        sha: str,
        source: str,
        status: str,
        jobs: list[Job],
        error: str | None,
        variables: Mapping[str, str] | None = None,
    ) -> Document:
        number = max((int(found) for found in self._store.all(PIPELINES)), default=1000) + 1
        pipeline: Document = {
            "id": number,
            "project_id": project["id"],
            "sha": sha,
            "ref": branch,
            "status": status,
            "source": source,
            "created_at": iso(),
            "updated_at": iso(),
            "yaml_errors": error,
            "jobs": [self._job(number, place, job) for place, job in enumerate(jobs)],
            "deploy": None,
            "variables": dict(variables or {}),
            "own_runner": status == "pending",
        }
        self._store.put(PIPELINES, str(number), pipeline)
        if status == "created":
            self._take(number)
        return pipeline

    def _job(self, number: int, place: int, job: Job) -> Document:
        return {
            "id": number * 100 + place,
            "name": job.name,
            "stage": job.stage,
            "status": "created",
            "failure_reason": None,
            "publishes": job.publishes,
            "artifacts": list(job.artifacts),
            "script": list(job.script),
            "created_at": iso(),
        }

    async def of(self, project: int) -> list[Document]:
        """Pipelines of a project as they are now, newest first."""
        found = [found for found in self._store.all(PIPELINES).values() if found["project_id"] == project]
        newest_first = sorted(found, key=lambda each: -each["id"])
        return [each if each["status"] in FINISHED else await self.looked_at(each["id"]) for each in newest_first]

    async def looked_at(self, number: int) -> Document:
        """A pipeline as it is now."""
        async with self._lock:
            pipeline = self._store.get(PIPELINES, str(number))
            if pipeline is None:
                raise KeyError(number)
            if pipeline["status"] in FINISHED or pipeline.get("own_runner"):
                return pipeline
            elapsed = self._clock.monotonic() - self._seen.setdefault(number, self._clock.monotonic())
            changed = await self._advanced(pipeline, elapsed)
            if changed != pipeline:
                changed["updated_at"] = iso()
                self._store.put(PIPELINES, str(number), changed)
            return changed

    async def _advanced(self, pipeline: Document, elapsed: float) -> Document:
        project = self._store.get(PROJECTS, str(pipeline["project_id"]))
        if project is None or not project["shared_runners_enabled"]:
            return {**pipeline, "status": "pending"}  # no runner takes it
        if elapsed < _WAITS:
            return {**pipeline, "status": "pending", "jobs": _all(pipeline, "pending")}
        if elapsed < _WAITS + _RUNS:
            return {**pipeline, "status": "running", "jobs": _all(pipeline, "running")}
        return await self._finished(project, pipeline, elapsed >= _WAITS + _RUNS + _DEPLOYS)

    async def _finished(self, project: Document, pipeline: Document, deployed: bool) -> Document:
        files = await self._repositories.files(project["id"], pipeline["sha"])
        jobs = [{**job, **_ran(job, files)} for job in pipeline["jobs"]]
        if any(job["status"] == "failed" for job in jobs):
            return {**pipeline, "status": "failed", "jobs": jobs}
        publishing = [job for job in jobs if job["publishes"]]
        if not publishing:
            return {**pipeline, "status": "success", "jobs": jobs}
        if not deployed:
            return {**pipeline, "status": "running", "jobs": jobs, "deploy": _deploy(pipeline, "running", None)}
        reason = await self._deployed(project, pipeline, publishing[-1], files)
        status = "failed" if reason else "success"
        return {**pipeline, "status": status, "jobs": jobs, "deploy": _deploy(pipeline, status, reason)}

    async def _deployed(
        self, project: Document, pipeline: Document, job: Document, files: dict[str, tuple[str, str]]
    ) -> str | None:
        """Make the artifact the site; or why Pages does not take it."""
        root = f"{job['publishes']}/"
        artifact = {path: found for path, found in files.items() if _in_artifact(path, job)}
        site = {path.removeprefix(root): found for path, found in artifact.items() if path.startswith(root)}
        outdated = await self._outdated(project, pipeline)
        if outdated:
            return outdated
        if not site:
            return (
                "Error: You need to either include a `public/` folder in your artifacts, or specify which one to use "
                "for Pages using `publish` in `.gitlab-ci.yml`"
            )
        if len(artifact) > _MAX_FILES:
            return f"pages site contains {len(artifact)} file entries, while limit is set to {_MAX_FILES}"
        total = await self._keep(project["id"], {blob for mode, blob in site.values() if mode != "160000"})
        if total > _MAX_BYTES:
            return f"artifacts for pages are too large: {total}"
        regular = {path: blob for path, (mode, blob) in site.items() if mode in {"100644", "100755"}}
        before = self._store.get(DEPLOYMENTS, str(project["id"])) or {"files": {}}
        deployment = {"files": regular, "sha": pipeline["sha"], "pipeline": pipeline["id"], "created_at": iso()}
        self._store.put(DEPLOYMENTS, str(project["id"]), deployment)
        self._drop(before)
        return None

    def _drop(self, deployment: Document) -> None:
        kept = self._store.all(DEPLOYMENTS).values()
        self.contents.drop(deployment["files"].values(), (each["files"].values() for each in kept))

    async def _outdated(self, project: Document, pipeline: Document) -> str | None:
        """A commit that is not the branch's last one is deployed only before any later pipeline's was."""
        if await self._repositories.resolve(project["id"], pipeline["ref"]) == pipeline["sha"]:
            return None
        last = self._store.get(DEPLOYMENTS, str(project["id"]))
        return "build SHA is outdated for this ref" if last and last["pipeline"] > pipeline["id"] else None

    async def _keep(self, project: int, blobs: set[str]) -> int:
        """Copy the contents out of the repository, which may lose them later; returns their size in bytes."""
        total = 0
        for blob in sorted(blobs):
            if blob not in self.contents:
                self.contents.put(blob, await self._repositories.content(project, blob))
            total += self.contents.path(blob).stat().st_size
        return total

    def remove(self, project: int) -> None:
        """Forget all of a project."""
        with self._store.transaction():
            for number, pipeline in self._store.all(PIPELINES).items():
                if pipeline["project_id"] == project:
                    self._store.delete(PIPELINES, number)
            deployment = self._store.get(DEPLOYMENTS, str(project)) or {"files": {}}
            self._store.delete(DEPLOYMENTS, str(project))
        self._drop(deployment)


def iso() -> str:
    """Now, as GitLab writes moments."""
    now = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}Z"


def _all(pipeline: Document, status: str) -> list[Any]:
    return [{**job, "status": status} for job in pipeline["jobs"]]


def _deploy(pipeline: Document, status: str, reason: str | None) -> Document:
    return {"id": pipeline["id"] * 100 + 99, "status": status, "description": reason}


def _in_artifact(path: str, job: Document) -> bool:
    """GitLab adds the published folder to the paths itself since 17.10."""
    paths = [*job["artifacts"], job["publishes"]]
    return any(
        path == found or path.startswith(f"{found.rstrip('/')}/") or fnmatch.fnmatch(path, found) for found in paths
    )


def _ran(job: Document, files: dict[str, tuple[str, str]]) -> Document:
    """The few commands that a job without a build needs; any other cannot be run here and fails."""
    for command in job["script"]:
        words = shlex.split(command)
        exists = words[:2] == ["test", "-f"] and len(words) == 3 and words[2] in files
        if not exists and words[:1] not in (["true"], [":"], ["echo"]):
            return {"status": "failed", "failure_reason": "script_failure"}
    return {"status": "success", "failure_reason": None}


def status_views(pipeline: Document) -> list[Document]:
    """Commit statuses: of the jobs, and of the deployment, which is no job."""
    common = {"sha": pipeline["sha"], "ref": pipeline["ref"], "pipeline_id": pipeline["id"], "author": USER}
    views = [
        {**common, "id": job["id"], "name": job["name"], "status": job["status"], "description": None}
        for job in pipeline["jobs"]
    ]
    if pipeline["deploy"]:
        views.append({**common, "name": "pages:deploy", **pipeline["deploy"]})
    return views
