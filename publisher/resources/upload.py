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
        """The platform is one that there is. A mistake here would end the run for all platforms."""
        try:
            platform_class(request.inputs["platform"])
        except KeyError as error:
            return request.inputs, [Failure("platform", str(error.args[0]))]
        return request.inputs, []

    async def create(self, request: Request) -> tuple[str, Values]:
        """Upload what the platform lacks and stage the release."""
        inputs = request.inputs
        if request.preview:
            await self._foresee(request)
            return "", {**inputs, "staged": UNKNOWN, "filesSent": UNKNOWN, "bytesSent": UNKNOWN}
        scanned = self.session.scanned(result_of(inputs, "release", "reading the content"))
        platform = self.session.platform(inputs["platform"], inputs["target"])
        progress, journal = self.session.progress(request.urn), self.session.journal
        try:
            if scanned.kept:
                sent = await recover(platform, scanned.site, progress, journal)
            else:
                sent = await upload(platform, scanned.site, progress, journal)
        finally:
            await platform.close()
        figures = {"staged": sent.staged, "filesSent": sent.files_sent, "bytesSent": sent.bytes_sent}
        return inputs["platform"], {**inputs, **figures}

    async def _foresee(self, request: Request) -> None:
        """What the platform cannot take, express or go back to is told already at preview."""
        try:
            await self._require_taken(request.inputs)
        except PublisherError as error:
            if not self.session.whole_plan:
                raise
            await self.session.progress(request.urn).warn(str(error))

    async def _require_taken(self, inputs: Values) -> None:
        scanned = self.session.read(inputs.get("release", UNKNOWN))
        target = inputs.get("target", {})
        if scanned is None:
            return
        if not scanned.kept:
            platform_class(inputs["platform"]).check_site(scanned.site, _known(target))
        elif target == _known(target):
            await self._require_kept(inputs["platform"], target, scanned.site.release_id)

    async def _require_kept(self, name: str, target: Mapping[str, str], release: str) -> None:
        platform = self.session.platform(name, target)
        try:
            await find_kept(platform, release)
        finally:
            await platform.close()


def _known(target: Mapping[str, str]) -> Mapping[str, str]:
    return {key: value for key, value in target.items() if value != UNKNOWN}
