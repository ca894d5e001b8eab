"""Netlify: one site, made by the local plugin since no SDK can make one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import pulumi

from components.origin import Origin


@dataclass(frozen=True)
class NetlifyHostArgs:
    """Settings of the Netlify host."""

    site: str
    """Name of the site; the beginning of the automatic site name."""
    protect: bool
    """Refuse to delete or replace the site."""
    headers: Mapping[str, str]
    """Security headers; they travel with each release here."""
    site_name: str = ""
    """Name at Netlify, unique among all its users; empty gives one that begins with the site's name."""
    plan: Literal["free", "personal", "pro", "legacy"] = "free"
    """The team's plan: a deployment that it has no room for is refused before anything is sent."""
    account: str = ""
    """Slug of the team that owns and pays for the site; empty means the token's own team."""


class NetlifySite(pulumi.CustomResource):
    """The plugin's site resource."""

    site_id: pulumi.Output[str]
    hostname: pulumi.Output[str]
    url: pulumi.Output[str]

    def __init__(self, name: str, *, site_name: str, prefix: str, account: str, opts: pulumi.ResourceOptions) -> None:
        """Declare a site called ``site_name``, or ``prefix`` and eight hex digits."""
        given = {"name": site_name or None, "namePrefix": None if site_name else prefix, "account": account or None}
        computed = dict.fromkeys(("siteId", "hostname", "url", "adminUrl"))
        super().__init__("publisher:index:NetlifySite", name, {**given, **computed}, opts)

    def translate_output_property(self, prop: str) -> str:
        """Python names of the plugin's camelCase outputs."""
        return {"siteId": "site_id", "adminUrl": "admin_url"}.get(prop, prop)


class NetlifyHost(pulumi.ComponentResource):
    """One site."""

    arguments: ClassVar[type[NetlifyHostArgs]] = NetlifyHostArgs
    origin: Origin
    target: dict[str, pulumi.Input[str]]

    def __init__(self, name: str, args: NetlifyHostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the host; nothing is published here."""
        super().__init__("peacefulrobot:hosts:NetlifyHost", name, {"site": args.site}, opts)
        site = NetlifySite(
            f"{name}-site",
            site_name=args.site_name,
            prefix=args.site.replace(".", "-"),
            account=args.account,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        self.origin = Origin("netlify", site.hostname, site.hostname, site.url)
        self.target = {"site_id": site.id, "plan": args.plan}
        self.register_outputs({"hostname": site.hostname})


HOST = NetlifyHost
