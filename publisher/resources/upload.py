"""``publisher:index:Upload``: the release on one platform, complete and checked, seen by nobody yet."""

from __future__ import annotations

from collections.abc import Mapping

from publisher.errors import PublisherError
from publisher.platforms import platform_class
from publisher.releasing import find_kept, recover, upload
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
            target = _known(inputs.get("target", {}))
            if scanned is not None and scanned.kept:
                await self._check_kept(inputs, scanned.site.release_id)
            elif scanned is not None:
                kind.check_site(scanned.site, target)
        except KeyError as error:
            return inputs, [Failure("platform", str(error.args[0]))]
        except PublisherError as error:
            return inputs, [Failure("release", str(error))]
        return inputs, []

    async def _check_kept(self, inputs: Values, release: str) -> None:
        """Ask already at preview whether the platform keeps the release, where its place is known."""
        target = inputs.get("target", {})
        if target != _known(target):
            return
        platform = self.session.platform(inputs["platform"], target)
        try:
            await find_kept(platform, release)
        finally:
            await platform.close()

    async def create(self, request: Request) -> tuple[str, Values]:
        """Upload what the platform lacks and stage the release."""
        inputs = request.inputs
        if request.preview:
            return "", {**inputs, "staged": UNKNOWN, "filesSent": UNKNOWN, "bytesSent": UNKNOWN}
        scanned = self.session.scanned(result_of(inputs, "release", "reading the content"))
        platform = self.session.platform(inputs["platform"], inputs["target"])
        progress, journal = self.session.progress(request.urn), self.session.journal
        try:
            if scanned.kept:
                sent = await recover(platform, scanned.site.release_id, progress, journal)
            else:
                sent = await upload(platform, scanned.site, progress, journal)
        finally:
            await platform.close()
        figures = {"staged": sent.staged, "filesSent": sent.files_sent, "bytesSent": sent.bytes_sent}
        return inputs["platform"], {**inputs, **figures}


def _known(target: Mapping[str, str]) -> Mapping[str, str]:
    return {key: value for key, value in target.items() if value != UNKNOWN}
