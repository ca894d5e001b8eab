"""The setting ``monitoring``: light to import, checked as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

#: Of UptimeRobot's free plan: https://uptimerobot.com/pricing/ (interval), and for the zeros of a contact
#: https://github.com/uptimerobot/terraform-provider-uptimerobot/blob/main/docs/resources/monitor.md
FREE_INTERVAL = 300
_Mailbox = Annotated[str, Field(pattern=r"^[^@\s,]+@[^@\s,]+\.[^@\s,]+$")]
_CloudflareId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, populate_by_name=True)


class Contact(_Strict):
    """Whom UptimeRobot tells: an alert contact or an integration, by its number."""

    id: Annotated[str, Field(pattern=r"^\d+$", max_length=20)]
    threshold: Annotated[int, Field(ge=0, le=1440)] = 0
    """Minutes down until it is told; 0 on the free plan."""
    recurrence: Annotated[int, Field(ge=0, le=1440)] = 0
    """Minutes until it is told again; 0 is never, and the free plan's."""


def _by_number(given: Any) -> Any:
    """A contact may be its bare number."""
    return {"id": str(given)} if isinstance(given, str | int) and not isinstance(given, bool) else given


class UptimeRobot(_Strict):
    """Monitors for the public name and each platform."""

    contacts: Annotated[tuple[Annotated[Contact, BeforeValidator(_by_number)], ...], Field(min_length=1)]
    plan: Literal["free", "paid"] = "free"
    interval: Annotated[int, Field(ge=30, le=86400)] = FREE_INTERVAL
    """Seconds between two looks."""
    timeout: Annotated[int, Field(ge=1, le=60)] = 30
    """Seconds an answer may take."""
    retries: Annotated[int, Field(ge=0, le=3)] | None = None
    """Looks at once after a wrong page, before it is called down; UptimeRobot's own default where left out."""
    platforms: bool = True
    """Watch each platform too, and not the public name only."""

    @model_validator(mode="after")
    def _within_plan(self) -> UptimeRobot:
        if mistakes := list(self._mistakes()):
            raise ValueError("; ".join(mistakes))
        return self

    def _mistakes(self) -> Iterator[str]:
        numbers = [one.id for one in self.contacts]
        if len(set(numbers)) != len(numbers):
            yield "contacts names a contact twice; name each once"
        if self.plan != "free":
            return
        if self.interval < FREE_INTERVAL:
            yield f"interval is {self.interval}, and the free plan allows {FREE_INTERVAL} or more; raise it"
        for one in self.contacts:
            if one.threshold or one.recurrence:
                yield f"contacts: {one.id} has a threshold or recurrence, which the free plan does not allow"


class CloudflareNotifications(_Strict):
    """Whom Cloudflare tells of a platform's health, beside ``alertEmail``, and of one being switched off by hand."""

    emails: tuple[_Mailbox, ...] = ()
    webhooks: tuple[_CloudflareId, ...] = ()
    """Ids of destinations that were made on the dashboard; Cloudflare wants a paid zone plan."""
    pagerduty: tuple[_CloudflareId, ...] = ()
    """Likewise, from the Business plan on."""

    @model_validator(mode="after")
    def _tells_somebody(self) -> CloudflareNotifications:
        if not (self.emails or self.webhooks or self.pagerduty):
            raise ValueError("names nobody to tell; give emails, webhooks or pagerduty")
        return self


class MonitoringSettings(_Strict):
    """Both are off where they are left out."""

    uptime_robot: UptimeRobot | None = None
    cloudflare: CloudflareNotifications | None = None

    def mistakes(self, *, edge_mode: str, alert_email: str) -> Iterator[str]:
        """What does not fit the rest of the stack's settings."""
        if edge_mode == "worker" and alert_email:
            yield (
                "alertEmail: with edgeMode worker Cloudflare checks no platform, so it would never write; leave it out "
                "and use the coordinator's alerts (coordinator.alerts.mail), or monitoring.uptimeRobot"
            )
        if self.cloudflare is None:
            return
        if edge_mode == "worker":
            yield (
                "monitoring.cloudflare: with edgeMode worker Cloudflare checks no platform, so it has nothing to tell; "
                "use monitoring.uptimeRobot, or the coordinator's alerts"
            )
        if alert_email and alert_email in self.cloudflare.emails:
            yield f"monitoring.cloudflare.emails: {alert_email} is alertEmail too, and is told by that; leave it out"
