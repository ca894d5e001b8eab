"""Firebase Hosting: one site in a Google Cloud project, and the two APIs that it needs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal
from urllib.parse import urlsplit

import pulumi

from components.origin import Origin
from components.sdk import lazily

if TYPE_CHECKING:
    from pulumi_gcp import firebase, projects
else:
    firebase, projects = lazily("pulumi_gcp.firebase"), lazily("pulumi_gcp.projects")

#: Types whose id is one of their inputs, or can be read by it: what a killed run made can be found again.
IDENTIFIED_BY: Mapping[str, str] = {
    "gcp:firebase/hostingSite:HostingSite": "siteId",
    "gcp:firebase/project:Project": "project",
}
_APIS = {"management-api": "firebase.googleapis.com", "hosting-api": "firebasehosting.googleapis.com"}
_LONGEST_PREFIX = 23
_PROJECT_ID = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
_SITE_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class FirebaseHostArgs:
    """Settings of the Firebase host."""

    site: str
    """Name of the site; the beginning of the automatic site id."""
    protect: bool
    """Refuse to delete or replace the site."""
    headers: Mapping[str, str]
    """Security headers; they travel with each release here."""
    project: str
    """Id of the Google Cloud project that the site belongs to and that pays for it."""
    site_id: str = ""
    """Id of the site, unique among all of Firebase; empty gives one that begins with the site's name."""
    plan: Literal["spark", "blaze"] = "spark"
    """Plan of the project: spark is free and ends at 360 MB of traffic a day and 10 GB of storage."""
    add_firebase: bool = False
    """Add Firebase to the project, which cannot be undone; for a project that does not have it yet."""

    def __post_init__(self) -> None:
        """Name ids that Google would refuse."""
        if not _PROJECT_ID.fullmatch(self.project):
            raise ValueError("project must be a project's id: 6 to 30 of a-z, 0-9 and hyphen, a letter first")
        if self.site_id and not _SITE_ID.fullmatch(self.site_id):
            raise ValueError("site_id must be a label of a host name: a-z, 0-9 and hyphen, at most 63 characters")


class FirebaseHost(pulumi.ComponentResource):
    """One site."""

    arguments: ClassVar[type[FirebaseHostArgs]] = FirebaseHostArgs
    origin: Origin
    target: dict[str, pulumi.Input[str]]
    scope: dict[str, pulumi.Input[str]]

    def __init__(self, name: str, args: FirebaseHostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the host; nothing is published here."""
        super().__init__("peacefulrobot:hosts:FirebaseHost", name, {"site": args.site}, opts)
        needed: list[pulumi.Resource] = [
            projects.Service(
                f"{name}-{api}",
                project=args.project,
                service=service,
                disable_on_destroy=False,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for api, service in _APIS.items()
        ]
        if args.add_firebase:
            lasting = pulumi.ResourceOptions(parent=self, depends_on=needed, retain_on_delete=True)
            needed = [firebase.Project(f"{name}-project", project=args.project, opts=lasting)]
        site = firebase.HostingSite(
            f"{name}-site",
            project=args.project,
            site_id=args.site_id or automatic_site_id(args.site, args.project),
            opts=pulumi.ResourceOptions(parent=self, depends_on=needed, protect=args.protect),
        )
        hostname = site.default_url.apply(_hostname)
        self.origin = Origin("firebase", hostname, hostname, site.default_url.apply(lambda url: url.rstrip("/")))
        self.target = {"project": args.project, "site_id": site.site_id.apply(str), "plan": args.plan}
        self.scope = {"project": args.project}
        self.register_outputs({"hostname": hostname})


def automatic_site_id(site: str, project: str) -> str:
    """An id that is hardly taken and is the same in every run: what it is made from is unique within the stack."""
    prefix = re.sub(r"[^a-z0-9]+", "-", site.lower())[:_LONGEST_PREFIX].strip("-")
    seed = f"{project}\0{site}\0{pulumi.get_project()}\0{pulumi.get_stack()}"
    return f"{prefix}-{hashlib.sha256(seed.encode()).hexdigest()[:6]}"


def _hostname(url: str) -> str:
    found = urlsplit(url).hostname
    if not found:
        raise ValueError(f"firebase: the site's address {url!r} has no host name. Run `pulumi refresh`, then again.")
    return found


HOST = FirebaseHost
