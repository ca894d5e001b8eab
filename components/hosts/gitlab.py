"""GitLab: one project whose default branch is the site, and Pages on a host name of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal
from urllib.parse import urlsplit

import pulumi

from components.hosts import ApiLookup
from components.origin import Origin
from components.sdk import lazily

if TYPE_CHECKING:
    import pulumi_gitlab as gitlab
else:
    gitlab = lazily("pulumi_gitlab")

#: Type → where its id is found: what a killed run made is taken over.
FOUND_BY_API: Mapping[str, ApiLookup] = {
    "gitlab:index/project:Project": ApiLookup(
        "GITLAB_BASE_URL",
        "https://gitlab.com/api/v4/",
        "/projects?owned=true&search={name}",
        "GITLAB_TOKEN",
        header="PRIVATE-TOKEN",
        prefix="",
    ),
}


@dataclass(frozen=True)
class GitlabHostArgs:
    """Settings of the GitLab host."""

    site: str
    """Name of the site; stands in the project's description, and its name begins with it."""
    protect: bool
    """Refuse to delete or replace the project."""
    headers: Mapping[str, str]
    """Security headers; GitLab Pages cannot send any, so the edge does."""
    plan: Literal["free", "premium", "ultimate"] = "free"
    """The namespace's plan: a deployment that its compute minutes have no room for is refused beforehand."""
    namespace_id: int = 0
    """Number of the group that owns the project; 0 means the token's user. GitLab.com lets no API make groups."""
    project_name: str = ""
    """Name of the project, which begins the site's host name; empty gives the site's name and a random part."""
    visibility: Literal["private", "internal", "public"] = "private"
    """Who sees the repository. The site is public in any case."""


class GitlabHost(pulumi.ComponentResource):
    """One project and its Pages settings."""

    arguments: ClassVar[type[GitlabHostArgs]] = GitlabHostArgs
    origin: Origin
    target: dict[str, pulumi.Input[str]]

    def __init__(self, name: str, args: GitlabHostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the host; nothing is published here."""
        super().__init__("peacefulrobot:hosts:GitlabHost", name, {"site": args.site}, opts)
        project = _project(name, args, pulumi.ResourceOptions(parent=self, protect=args.protect))
        settings = gitlab.ProjectPagesSettings(
            f"{name}-pages",
            project=project.id,
            is_unique_domain_enabled=True,
            force_https=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        url = settings.url.apply(checked_url)
        hostname = url.apply(lambda found: urlsplit(found).netloc)
        self.origin = Origin("gitlab", hostname, hostname, url, sends_headers=False, adds_slash=False)
        self.target = {"project_id": project.id, "plan": args.plan}
        self.register_outputs({"hostname": hostname})


def _project(name: str, args: GitlabHostArgs, opts: pulumi.ResourceOptions) -> gitlab.Project:
    """Pages and pipelines on, the rest off. Without a README, the first release would become the default branch."""
    return gitlab.Project(
        f"{name}-{args.site.replace('.', '-')}",
        name=args.project_name or None,
        namespace_id=args.namespace_id or None,
        description=f"The built site {args.site}; written by peacefulrobot-infra",
        visibility_level=args.visibility,
        default_branch="main",
        initialize_with_readme=True,
        pages_access_level="public",
        builds_access_level="enabled",
        repository_access_level="enabled",
        shared_runners_enabled=True,
        auto_devops_enabled=False,
        ci_default_git_depth=1,
        keep_latest_artifact=False,
        container_registry_access_level="disabled",
        issues_access_level="disabled",
        lfs_enabled=False,
        merge_requests_access_level="disabled",
        packages_enabled=False,
        snippets_access_level="disabled",
        wiki_access_level="disabled",
        opts=opts,
    )


def checked_url(url: str) -> str:
    """The site's address without a slash at its end; raises ValueError where the site is not at the top of a host."""
    parts = urlsplit(url)
    if parts.path.strip("/") or not parts.netloc:
        raise ValueError(
            f"gitlab: Pages serves the site at {url}, in a folder, where links that begin with / lead out of it. "
            "Let the project use a unique domain (Deploy > Pages at GitLab), then run again."
        )
    return f"{parts.scheme}://{parts.netloc}"


HOST = GitlabHost
