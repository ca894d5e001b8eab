"""``publisher:index:Verify``: the public origin answers as the release says."""

from __future__ import annotations

from publisher.platforms import platform_class
from publisher.resources.handler import Handler, Request, Values, result_of
from publisher.verification import PublicOrigin, Thoroughness, verify


class VerifyHandler(Handler):
    """Inputs: platform, url, hostHeader, release, deadline (seconds). Output beside them: paths, the number asked."""

    token = "publisher:index:Verify"  # noqa: S105 - a type token
    replaced_by = ("platform",)

    async def create(self, request: Request) -> tuple[str, Values]:
        """Ask until everything is right or the deadline is over."""
        inputs = request.inputs
        if request.preview:
            return "", inputs
        scanned = self.session.scanned(result_of(inputs, "release", "publishing"))
        traits = platform_class(inputs["platform"]).traits
        origin = PublicOrigin(
            inputs["platform"],
            inputs["url"],
            inputs["hostHeader"],
            custom_headers=traits.custom_headers,
            cache_control=traits.cache_control,
            content_types=traits.content_types,
            any_splat=traits.any_splat,
        )
        paths = await verify(
            self.session.http,
            origin,
            scanned.site,
            scanned.changed,
            self.session.progress(request.urn),
            self.session.journal,
            Thoroughness(deadline=float(inputs["deadline"])),
        )
        return inputs["platform"], {**inputs, "paths": paths}
