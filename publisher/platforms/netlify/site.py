"""``publisher:index:NetlifySite``: a site of Netlify, which has no Pulumi SDK that could make one."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit

from publisher.errors import PlatformUnavailable
from publisher.platforms.netlify.api import NetlifyApi
from publisher.resources.handler import UNKNOWN, Failure, Handler, Request, Values

#: Netlify must not alter a byte: no asset optimisation; clean URLs as everywhere.
_PROCESSING = {
    "skip": False,
    "css": {"bundle": False, "minify": False},
    "js": {"bundle": False, "minify": False},
    "images": {"optimize": False},
    "html": {"pretty_urls": True},
}
_COMPUTED = ("siteId", "hostname", "url", "adminUrl")


class NetlifySiteHandler(Handler):
    """Inputs: name (global at Netlify; given automatically), account (team's slug). Outputs: siteId, hostname, url."""

    token = "publisher:index:NetlifySite"  # noqa: S105 - a type token
    replaced_by = ("account",)

    async def check(self, request: Request) -> tuple[Values, list[Failure]]:
        """Give a name where the program gives only the beginning of one, and keep it."""
        inputs = dict(request.inputs)
        prefix = inputs.get("namePrefix")
        if not inputs.get("name") and prefix:
            kept = request.old_inputs.get("name", "")
            inputs["name"] = kept if kept.startswith(prefix) else f"{prefix}-{secrets.token_hex(4)}"
        return inputs, []

    async def create(self, request: Request) -> tuple[str, Values]:
        """Make the site, or take the one of this name that an earlier, killed run has made in this account."""
        inputs = request.inputs
        if request.preview:
            return "", {**inputs, **dict.fromkeys(_COMPUTED, UNKNOWN)}
        api = NetlifyApi(self.session.http)
        site = await api.site_named(inputs["name"])
        if site is None:
            site = await self._made(api, inputs)
        return str(site["id"]), {**inputs, **_outputs(site)}

    async def _made(self, api: NetlifyApi, inputs: Values) -> dict[str, Any]:
        settings = {"name": inputs["name"], "processing_settings": _PROCESSING, "force_ssl": True}
        try:
            return await api.create_site(inputs.get("account", ""), settings)
        except PlatformUnavailable:
            # The answer was lost; the site may be there all the same.
            site = await api.site_named(inputs["name"])
            if site is None:
                raise
            return site

    async def update(self, request: Request) -> Values:
        """Rename the site."""
        if request.preview:
            return {**request.outputs, **request.inputs}
        settings = {"name": request.inputs["name"], "processing_settings": _PROCESSING}
        site = await NetlifyApi(self.session.http).update_site(request.id, settings)
        return {**request.inputs, **_outputs(site)}

    async def read(self, request: Request) -> Values | None:
        """The site as it is, or None when it is gone."""
        site = await NetlifyApi(self.session.http).site(request.id)
        return None if site is None else {**request.outputs, **_outputs(site)}

    async def delete(self, request: Request) -> None:
        """Delete the site with all its deploys."""
        await NetlifyApi(self.session.http).delete_site(request.id)


def _outputs(site: dict[str, Any]) -> Values:
    """Hostname and address as Netlify says them, never composed."""
    url = str(site.get("ssl_url") or site["url"])
    hostname = site.get("default_domain") or urlsplit(url).hostname
    return {"siteId": site["id"], "hostname": hostname, "url": url, "adminUrl": site.get("admin_url", "")}
