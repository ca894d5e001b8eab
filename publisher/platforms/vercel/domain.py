"""``publisher:index:VercelDomain``: the name that Vercel gave a project, which the project's resource does not tell."""

from __future__ import annotations

from publisher.errors import PlatformRefused
from publisher.platforms.vercel.api import VercelApi
from publisher.resources.handler import UNKNOWN, Handler, Request, Values

#: Names that Vercel gives; another suffix is a domain of the user's own, which needs its DNS at Vercel.
_OWN_SUFFIX = ".vercel.app"


class VercelDomainHandler(Handler):
    """Inputs: projectId, teamId. Outputs: hostname, url."""

    token = "publisher:index:VercelDomain"  # noqa: S105 - a type token
    replaced_by = ("projectId", "teamId")

    async def create(self, request: Request) -> tuple[str, Values]:
        """Ask for the project's names; nothing is made."""
        inputs = request.inputs
        if request.preview or UNKNOWN in inputs.values():
            return "", {**inputs, "hostname": UNKNOWN, "url": UNKNOWN}
        hostname = await self._hostname(inputs)
        if hostname is None:
            raise PlatformRefused(
                f"vercel: the project has no domain that ends in {_OWN_SUFFIX}. Add one at Vercel (Settings > "
                "Domains), then run again."
            )
        return hostname, {**inputs, **_outputs(hostname)}

    async def read(self, request: Request) -> Values | None:
        """The name as it is now, or None when the project has none."""
        hostname = await self._hostname(request.outputs)
        return None if hostname is None else {**request.outputs, **_outputs(hostname)}

    async def _hostname(self, values: Values) -> str | None:
        api = VercelApi(self.session.http, str(values["projectId"]), str(values.get("teamId") or ""))
        if await api.project() is None:
            return None
        names = [str(domain["name"]) for domain in await api.domains() if not domain.get("redirect")]
        return next((name for name in names if name.endswith(_OWN_SUFFIX)), None)


def _outputs(hostname: str) -> Values:
    return {"hostname": hostname, "url": f"https://{hostname}"}
