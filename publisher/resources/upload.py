"""``publisher:index:Upload``: the release on one platform, complete and checked, seen by nobody yet."""

from __future__ import annotations

from collections.abc import Mapping

from publisher.errors import PublisherError
from publisher.platforms import platform_class
from publisher.releasing import upload
from publisher.resources.handler import UNKNOWN, Failure, Handler, Request, Values, result_of


class UploadHandler(Handler):
    """Inputs: platform, target, release. Outputs beside them: staged (reference), filesSent, bytesSent."""

    token = "publisher:index:Upload"  # noqa: S105 - a type token
    replaced_by = ("platform",)

    async def check(self, request: Request) -> tuple[Values, list[Failure]]:
        """What the platform cannot take or express is a mistake already at preview."""
        inputs = request.inputs
        try:
            kind = platform_class(inputs["platform"])
            scanned = self.session.read(inputs.get("release", UNKNOWN))
            if scanned is not None:
                kind.check_site(scanned.site, _known(inputs.get("target", {})))
        except KeyError as error:
            return inputs, [Failure("platform", str(error.args[0]))]
        except PublisherError as error:
            return inputs, [Failure("release", str(error))]
        return inputs, []

    async def create(self, request: Request) -> tuple[str, Values]:
        """Upload what the platform lacks and stage the release."""
        inputs = request.inputs
        if request.preview:
            return "", {**inputs, "staged": UNKNOWN, "filesSent": UNKNOWN, "bytesSent": UNKNOWN}
        site = self.session.scanned(result_of(inputs, "release", "reading the content")).site
        platform = self.session.platform(inputs["platform"], inputs["target"])
        try:
            sent = await upload(platform, site, self.session.progress(request.urn), self.session.journal)
        finally:
            await platform.close()
        figures = {"staged": sent.staged, "filesSent": sent.files_sent, "bytesSent": sent.bytes_sent}
        return inputs["platform"], {**inputs, **figures}


def _known(target: Mapping[str, str]) -> Mapping[str, str]:
    return {key: value for key, value in target.items() if value != UNKNOWN}
