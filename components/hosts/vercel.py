"""Vercel: one project without a framework, whose domains move only when a release is promoted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import pulumi

from components.hosts import ApiLookup
from components.origin import Origin
from components.sdk import lazily

if TYPE_CHECKING:
    import pulumiverse_vercel as vercel
else:
    vercel = lazily("pulumiverse_vercel")

#: Type → where its id is found: what a killed run made is taken over.
FOUND_BY_API: Mapping[str, ApiLookup] = {
    "vercel:index/project:Project": ApiLookup(
        "VERCEL_API_URL", "https://api.vercel.com", "/v9/projects/{name}", "VERCEL_API_TOKEN", query=("teamId",)
    ),
}


@dataclass(frozen=True)
class VercelHostArgs:
    """Settings of the Vercel host."""

    site: str
    """Name of the site; the beginning of the automatic project name."""
    protect: bool
    """Refuse to delete or replace the project."""
    headers: Mapping[str, str]
    """Security headers; they travel with each release here."""
    project_name: str = ""
    """Name of the project, which begins the site's host name; empty gives the site's name and a random part."""
    plan: Literal["hobby", "pro"] = "hobby"
    """The account's plan: a deployment that it has no room for is refused before anything is sent."""
    team_id: str = ""
    """Id of the team that owns the project (``team_…``); empty means the token's own account."""


class VercelDomain(pulumi.CustomResource):
    """The plugin's resource that asks for the project's name."""

    hostname: pulumi.Output[str]
    url: pulumi.Output[str]

    def __init__(self, name: str, *, project: pulumi.Input[str], team: str, opts: pulumi.ResourceOptions) -> None:
        """Ask for the name of ``project``."""
        given = {"projectId": project, "teamId": team or None}
        super().__init__("publisher:index:VercelDomain", name, {**given, "hostname": None, "url": None}, opts)


class VercelHost(pulumi.ComponentResource):
    """One project."""

    arguments: ClassVar[type[VercelHostArgs]] = VercelHostArgs
    origin: Origin
    target: dict[str, pulumi.Input[str]]

    def __init__(self, name: str, args: VercelHostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the host; nothing is published here."""
        super().__init__("peacefulrobot:hosts:VercelHost", name, {"site": args.site}, opts)
        project = _project(name, args, pulumi.ResourceOptions(parent=self, protect=args.protect))
        domain = VercelDomain(
            f"{name}-domain", project=project.id, team=args.team_id, opts=pulumi.ResourceOptions(parent=self)
        )
        self.origin = Origin("vercel", domain.hostname, domain.hostname, domain.url)
        self.target = {
            "project_id": project.id,
            "team_id": args.team_id,
            "domain": domain.hostname,
            "plan": args.plan,
        }
        self.register_outputs({"hostname": domain.hostname})


def _project(name: str, args: VercelHostArgs, opts: pulumi.ResourceOptions) -> vercel.Project:
    """Deployments are public, come from here only, and get a domain only by promotion."""
    return vercel.Project(
        f"{name}-{args.site.replace('.', '-')}",
        name=args.project_name or None,
        team_id=args.team_id or None,
        auto_assign_custom_domains=False,
        vercel_authentication=vercel.ProjectVercelAuthenticationArgs(deployment_type="none"),
        opts=opts,
    )


HOST = VercelHost
