"""GitLab Pages: each release is a branch of its own, each publication a commit on the default branch.

A release is kept as ``releases/ID``: a commit without parents whose date is fixed, so its id tells that every byte is
there. Publishing puts a commit with the same tree on top of the default branch. That needs no force, which GitLab's
protection of that branch refuses, and each publication, also one that goes back, has a commit of its own: GitLab does
not deploy a commit anew once a later one was deployed ("build SHA is outdated for this ref").

https://docs.gitlab.com/user/project/pages/
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import urlsplit

import aiohttp

from publisher.errors import PlatformRefused, PlatformUnavailable, StagedDiffers
from publisher.platforms.base import Kept, Plan, Platform, PlatformDeployment, Quota, Traits, phase_of
from publisher.platforms.gitlab.api import GitlabApi
from publisher.platforms.gitlab.redirects import compiled
from publisher.platforms.gitlab.repository import Overtaken, Repository
from publisher.platforms.gitlab.tree import repository_files
from publisher.proxies import proxy_for
from publisher.retries import Budget
from website import RELEASE_ID, DigestCache, File, Site
from website.media import media_type

#: https://docs.gitlab.com/administration/instance_limits/#gitlab-pages and .../user/gitlab_com/#gitlab-pages
_MAX_FILES = 200_000
_MAX_SITE_BYTES = 1024**3
#: Of our own in the artifact: the two generated files.
_OWN_FILES = 2
_BRANCH = "releases/"
_TITLE = "Release "
#: Any moment will do as long as it is always the same one.
_DATE = "1700000000 +0000"
_RUNNING_SECONDS = 3600.0
_SHOWN_SECONDS = 600.0
_UNSTARTED_SECONDS = 30.0
_FAILED = frozenset({"failed", "canceled", "canceling", "skipped"})
#: https://docs.gitlab.com/api/pipelines/#list-project-pipelines (status)
_UNDER_WAY = frozenset({"created", "waiting_for_resource", "preparing", "pending", "running", "manual", "scheduled"})
_TRIES = 3


def _plan(minutes: int) -> Plan:
    return Plan(_MAX_FILES - _OWN_FILES, None, _MAX_SITE_BYTES, (Quota("compute minutes", 30, minutes),))


class GitlabPlatform(Platform):
    """Target: project_id."""

    name = "gitlab"
    traits: ClassVar[Traits] = Traits(
        concurrency=1,
        stages=False,
        rolls_back="artefact",
        custom_headers=False,
        cache_control=False,
        content_types=False,
        adds_slash=False,
        plans={"free": _plan(400), "premium": _plan(10_000), "ultimate": _plan(50_000)},
        notes=(
            "A publication is a pipeline and takes about one compute minute of the namespace's month (400 on the free "
            "plan, shared by all its projects; only this project's are counted here): "
            "https://docs.gitlab.com/ci/pipelines/compute_minutes/.",
            "1 GB and 200,000 files a site, 10 GB a repository. The default branch remembers all that was ever "
            "published, so a large site that changes often fills the repository: "
            "https://docs.gitlab.com/user/gitlab_com/#account-and-limit-settings.",
            "1,000 requests in 50 s from one address, then 429; behind an edge all visitors share a few addresses: "
            "https://docs.gitlab.com/user/gitlab_com/#gitlabcom-specific-rate-limits.",
            "A folder without its slash is redirected with 302 to //HOST/folder/, HOST being GitLab's "
            "(internal/serving/disk/reader.go of gitlab-pages). So the edge adds the slash before it asks anyone.",
            "GitLab shows name.html under /name/ too, and a list of the rules under /_redirects.",
            "Redirects: 301, 302 and 200; 1,000 rules and 64 KB; case and a slash at the end do not matter, and "
            "/docs/* is for /docs and /docs-old too: https://docs.gitlab.com/user/project/pages/redirects/.",
            "Content-Type and Cache-Control (max-age=600) are GitLab's; a Content-Type in _headers is refused.",
            "Where a file has a neighbour of the same name with .gz or .br, GitLab sends that to browsers that can "
            "unpack it.",
        ),
    )

    def __init__(self, target: Mapping[str, str], http: aiohttp.ClientSession, digests: DigestCache) -> None:
        super().__init__(target, http, digests)
        budget = Budget()
        self._api = GitlabApi(http, target["project_id"], budget)
        self._repository = Repository(budget)
        self._project: dict[str, Any] | None = None
        self._commits: dict[str, str] = {}

    @classmethod
    def check_site(cls, site: Site, target: Mapping[str, str] = MappingProxyType({})) -> None:
        """Redirects, names and types that Pages cannot show as the site says, all at once."""
        super().check_site(site, target)
        problems = [*compiled(site).problems, *_type_problems(site)]
        if problems:
            raise PlatformRefused("\n".join(problems))

    async def find_staged(self, site: Site) -> str | None:
        """The release's branch; it came there whole or not at all."""
        await self._default_branch()  # says so where the project itself is missing
        branch = await self._api.branch(_BRANCH + site.release_id)
        return str(branch["commit"]["id"]) if branch else None

    async def missing(self, site: Site) -> list[File]:
        """Files that are in no branch of the project."""
        await self._connect()
        known = await self._repository.known_blobs()
        files = repository_files(site)
        blobs = await self._blobs(files)
        return list({blobs[path]: file for path, file in files.items() if blobs[path] not in known}.values())

    async def send(self, file: File) -> None:
        """Take one file into the pack that ``stage`` pushes."""
        await self._repository.add(file)

    async def stage(self, site: Site) -> str:
        """Push the release's branch; ci.skip, and the job's own rule, keep it from being deployed."""
        await self._repository.added()
        commit = await self._commit_of(site)
        branch = _BRANCH + site.release_id
        try:
            await self._repository.push(commit, branch, None, skip_ci=True, action="pushing the release")
        except Overtaken:  # by a run that stages the same release: its branch is as good, if it is the same
            await self.check_staged(site, commit)
        return commit

    async def check_staged(self, site: Site, staged: str) -> None:
        """The id of a commit stands for all its bytes, so the branch must be at the one that we come to ourselves."""
        commit = await self._commit_of(site)
        branch = await self._api.branch(_BRANCH + site.release_id)
        found = str(branch["commit"]["id"]) if branch else "not there"
        if {found, staged} != {commit}:
            raise StagedDiffers(
                f"gitlab: the branch {_BRANCH}{site.release_id} is not the release; nothing was published. Delete the "
                "branch at GitLab, then run again.",
                [f"the branch is {found}, the release is {commit}"],
            )

    async def publish(self, release: str, staged: str) -> None:
        """Put the release's tree on the default branch, and wait until the site itself answers it."""
        sha = await self._on_default_branch(release, staged)
        await self._deployed(sha)
        await self._answered(release)

    async def live(self) -> str | None:
        """Release of the newest commit that Pages says it has deployed; None when Pages has nothing to show."""
        if not (await self._api.pages()).get("deployments"):
            return None
        branch = await self._default_branch()
        for pipeline in await self._api.pipelines(ref=branch, status="success"):
            sha = str(pipeline["sha"])
            if await self._deployment(sha, pipeline["id"]) == "success":
                return _release_of(await self._api.commit(sha))
        return None

    async def kept(self) -> list[Kept]:
        """Branches of releases, the last published first; those that were never published at the end."""
        published: dict[str, datetime] = {}
        for commit in await self._api.commits(await self._default_branch()):
            release = _release_of(commit)
            if release:
                published.setdefault(release, datetime.fromisoformat(commit["committed_date"]))
        ranks = {release: rank for rank, release in enumerate(published)}
        found = []
        for branch in await self._api.branches(_BRANCH):
            release = str(branch["name"]).removeprefix(_BRANCH)
            if RELEASE_ID.fullmatch(release):
                found.append(Kept(release, str(branch["commit"]["id"]), published.get(release)))
        return sorted(found, key=lambda kept: ranks.get(kept.release, len(ranks)))

    async def newest(self) -> PlatformDeployment | None:
        """The newest pipeline of the default branch, with the deployment to Pages that ends it."""
        found = await self._api.newest_pipeline(await self._default_branch())
        if found is None:
            return None
        sha, state = str(found["sha"]), str(found["status"])
        if state == "success":
            state = await self._deployment(sha, found["id"]) or "pending"
        phase = phase_of(state, ready={"success"}, running=_UNDER_WAY, failed=_FAILED)
        release = _release_of(await self._api.commit(sha)) or ""
        return PlatformDeployment(str(found["id"]), state, phase, datetime.fromisoformat(found["created_at"]), release)

    async def prune(self, live: str) -> None:
        """Delete the branches behind the newest ones."""
        others = [kept.release for kept in await self.kept() if kept.release != live]
        for release in others[self.keep - 1 :]:
            await self._api.delete_branch(_BRANCH + release)

    async def deployments(self, since: datetime) -> list[datetime]:
        """When pipelines of the default branch were made; each takes about a compute minute."""
        pipelines = await self._api.pipelines_since(await self._default_branch(), since)
        made = [datetime.fromisoformat(found["created_at"]) for found in pipelines if found["status"] != "skipped"]
        return [moment for moment in made if moment > since]

    async def close(self) -> None:
        """Remove the temporary repository."""
        await self._repository.close()

    async def _connect(self) -> None:
        await self._default_branch()
        await self._repository.connect(str((self._project or {})["http_url_to_repo"]))

    async def _connect_once(self) -> None:
        """What was known earlier in this run will do: a push tells where something moved since."""
        if not self._repository.connected:
            await self._connect()

    async def _default_branch(self) -> str:
        self._project = self._project or await self._api.project()
        branch = self._project.get("default_branch")
        if not branch:
            raise PlatformRefused(
                "gitlab: the project's repository is empty, so the first branch would become the default one. Make the "
                "project with a README (`pulumi up` does), then run again."
            )
        return str(branch)

    async def _blobs(self, files: Mapping[str, File]) -> dict[str, str]:
        blobs = await asyncio.to_thread(self.digests.git_blob_many, files.values())
        return {path: blobs[file.path] for path, file in files.items()}

    async def _commit_of(self, site: Site) -> str:
        """The release's commit, made once in a run."""
        if site.release_id in self._commits:
            return self._commits[site.release_id]
        await self._connect_once()
        message = f"{_TITLE}{site.release_id}\n\n{len(site.files)} files, content {site.content_digest}"
        commit = await self._repository.commit(await self._blobs(repository_files(site)), message, _DATE)
        self._commits[site.release_id] = commit
        return commit

    async def _on_default_branch(self, release: str, staged: str) -> str:
        """Commit of the default branch that has the release's tree; made unless the branch ends in one already."""
        branch = await self._default_branch()
        await self._connect_once()
        for _ in range(_TRIES):
            tip, tree = self._repository.tip(branch), self._repository.tree(staged)
            if tree is None:
                raise PlatformUnavailable(
                    f"gitlab: the branch {_BRANCH}{release} went away before it was published. Run again."
                )
            if tip is not None and self._repository.tree(tip) == tree:
                return tip
            commit = await self._repository.follow_up(tip, tree, f"{_TITLE}{release}")
            try:
                action = f"pushing to {branch}"
                await self._repository.push(commit, branch, tip, skip_ci=False, action=action)
            except Overtaken:
                await self._connect()
            else:
                return commit
        raise PlatformUnavailable(
            f"gitlab: others push to {branch} all the time, so the release could not be published. Run again."
        )

    async def _deployed(self, sha: str) -> None:
        """Wait for the pipeline of the commit, and for Pages to take what it made. One that failed is begun anew."""
        pipeline = await self._pipeline_of(sha)
        for _ in range(_TRIES):
            state, reason = await self._outcome(sha, pipeline)
            if state == "success":
                return
            if "other deployment is in progress" not in reason and pipeline["made_here"]:
                break
            pipeline = await self._started(sha)
        raise PlatformRefused(
            f"gitlab: the pipeline ended as {state} ({reason}), so the release was not deployed. See "
            f"{pipeline.get('web_url') or 'the project at GitLab'}; compute minutes used up and runners that are "
            "switched off are the usual reasons. Run again then."
        )

    async def _pipeline_of(self, sha: str) -> dict[str, Any]:
        """The newest pipeline of the commit; GitLab makes it shortly after the push, or we do."""
        branch = await self._default_branch()
        deadline = time.monotonic() + _UNSTARTED_SECONDS
        while True:
            found = await self._api.pipelines(sha=sha, ref=branch)
            if found:
                return {**found[0], "made_here": found[0]["status"] not in _FAILED}
            if time.monotonic() > deadline:
                return await self._started(sha)
            await asyncio.sleep(self._pause)

    async def _started(self, sha: str) -> dict[str, Any]:
        pipeline = await self._api.start_pipeline(await self._default_branch())
        if pipeline["sha"] != sha:
            raise PlatformUnavailable("gitlab: somebody else pushed to the default branch meanwhile. Run again.")
        return {**pipeline, "made_here": True}

    async def _outcome(self, sha: str, pipeline: Mapping[str, Any]) -> tuple[str, str]:
        """How pipeline and deployment ended, and why."""
        deadline = time.monotonic() + _RUNNING_SECONDS
        pause = self._pause
        while time.monotonic() < deadline:
            status = str((await self._api.pipeline(pipeline["id"]))["status"])
            if status in _FAILED:
                return status, await self._failure(sha, pipeline["id"])
            if status == "success":
                deployed = await self._deployment(sha, pipeline["id"])
                if deployed == "success":
                    return deployed, ""
                if deployed in _FAILED:
                    return str(deployed), await self._failure(sha, pipeline["id"])
            await asyncio.sleep(pause)
            pause = min(pause * 1.3, 5.0)
        raise PlatformUnavailable(
            f"gitlab: the pipeline did not end within {_RUNNING_SECONDS / 60:.0f} minutes. Run again later."
        )

    _pause = 0.5
    """Seconds between two looks at a pipeline, at first."""

    async def _deployment(self, sha: str, pipeline: int) -> str | None:
        """State of what Pages does after the job: https://docs.gitlab.com/user/project/pages/ (``pages:deploy``)."""
        statuses = [found for found in await self._api.statuses(sha) if found["name"] == "pages:deploy"]
        statuses = [found for found in statuses if found.get("pipeline_id") in {pipeline, None}]
        return str(max(statuses, key=lambda found: int(found["id"]))["status"]) if statuses else None

    async def _failure(self, sha: str, pipeline: int) -> str:
        told = [found.get("description") for found in await self._api.statuses(sha) if found["name"] == "pages:deploy"]
        told += [found.get("failure_reason") for found in await self._api.jobs(pipeline)]
        return "; ".join(dict.fromkeys(text for text in told if text)) or "no reason given"

    async def _answered(self, release: str) -> None:
        """Wait until the site's own address shows the release; Pages takes a while to look for a new deployment."""
        url = str((await self._api.pages())["url"]).rstrip("/")
        deadline = time.monotonic() + _SHOWN_SECONDS
        pause = self._pause
        while (shown := await self._shown(url)) != release:
            if time.monotonic() > deadline:
                raise PlatformUnavailable(
                    f"gitlab: the release is deployed, but {url} does not show it after {_SHOWN_SECONDS / 60:.0f} "
                    f"minutes ({shown}). Is the access to Pages `public`? Run again later."
                )
            await asyncio.sleep(pause)
            pause = min(pause * 1.3, 5.0)

    async def _shown(self, url: str) -> str:
        """Release that the site's record names, or what came in its place."""
        headers = {"Host": urlsplit(url).netloc, "Cache-Control": "no-cache"}
        try:
            record_url = f"{url}/.well-known/release.json"
            async with self.http.get(
                record_url, headers=headers, allow_redirects=False, proxy=proxy_for(record_url)
            ) as response:
                record = json.loads(await response.read())
                return str(record.get("release")) if isinstance(record, dict) else "no record"
        except ValueError:
            return f"HTTP {response.status} and no record"
        except (aiohttp.ClientError, TimeoutError) as error:
            return f"no answer: {error or type(error).__name__}"


def _release_of(commit: Mapping[str, Any]) -> str | None:
    title = str(commit.get("title") or "").removeprefix(_TITLE)
    return title if RELEASE_ID.fullmatch(title) else None


def _type_problems(site: Site) -> list[str]:
    return [
        f"_headers: gitlab cannot send {path} as {file.media_type}, because GitLab Pages goes by the file's name. "
        "Rename the file, take the Content-Type out, or take gitlab out of `hosts`."
        for path, file in site.files.items()
        if file.media_type != media_type(path)
    ]


PLATFORM = GitlabPlatform
