"""The plugin's resources, by type token: the release flow, secrets, monitors, and what platforms bring."""

from __future__ import annotations

from platforms import PLATFORMS
from publisher.platforms import platform_resources
from publisher.resources.generated_secrets import SshKeyHandler, WebhookSecretHandler
from publisher.resources.handler import Handler
from publisher.resources.publish import PublishHandler
from publisher.resources.upload import UploadHandler
from publisher.resources.uptimerobot_monitor import UptimeRobotMonitorHandler
from publisher.resources.verify import VerifyHandler
from publisher.resources.website import WebsiteHandler
from publisher.session import Session

_FLOW: tuple[type[Handler], ...] = (WebsiteHandler, UploadHandler, PublishHandler, VerifyHandler)
_DELIVERY: tuple[type[Handler], ...] = (WebhookSecretHandler, SshKeyHandler)
_MONITORING: tuple[type[Handler], ...] = (UptimeRobotMonitorHandler,)


def handlers(session: Session) -> dict[str, Handler]:
    """One handler for each type token."""
    brought = [kind for name in PLATFORMS for kind in platform_resources(name)]
    return {kind.token: kind(session) for kind in (*_FLOW, *_DELIVERY, *_MONITORING, *brought)}
