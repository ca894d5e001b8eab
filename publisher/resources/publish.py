"""``publisher:index:Publish``: the pointer of one platform."""

from __future__ import annotations

from publisher.releasing import publish
from publisher.resources.handler import Difference, Handler, Request, Values, result_of
from publisher.session import Session


class PublishHandler(Handler):
    """Inputs: platform, target, release, staged. Output beside them: live, the release id that is served."""

    token = "publisher:index:Publish"  # noqa: S105 - a type token
    replaced_by = ("platform",)

    async def difference(self, request: Request) -> Difference:
        """Beside changed inputs: somebody else moved the pointer (seen by a refresh)."""
        found = await super().difference(request)
        live = request.outputs.get("live")
        if "release" not in found.changed and live != request.inputs.get("release"):
            return Difference({**found.changed, "live": "update"}, found.replaces)
        return found

    async def create(self, request: Request) -> tuple[str, Values]:
        """Move the pointer to the staged release."""
        inputs = request.inputs
        release = result_of(inputs, "release", "reading the content")
        outputs = {**inputs, "live": release}
        if request.preview:
            return "", outputs
        staged = result_of(inputs, "staged", "the upload")
        platform = self.session.platform(inputs["platform"], inputs["target"])
        try:
            progress = self.session.progress(request.urn)
            await publish(platform, release, staged, progress, self.session.journal)
        finally:
            await platform.close()
        return inputs["platform"], outputs

    async def read(self, request: Request) -> Values | None:
        """Ask the platform which release it serves."""
        outputs = request.outputs
        live = await live_release(self.session, outputs["platform"], outputs["target"])
        return {**outputs, "live": live or ""}


async def live_release(session: Session, name: str, target: dict[str, str]) -> str | None:
    """Release id that the platform's control plane says is served."""
    platform = session.platform(name, target)
    try:
        return await platform.live()
    finally:
        await platform.close()
