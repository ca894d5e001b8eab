"""Notification policies.

https://developers.cloudflare.com/notifications/
"""

from __future__ import annotations

from typing import Any, ClassVar

from sandbox.cloudflare.errors import ApiError
from sandbox.cloudflare.objects.base import Kind, Objects
from sandbox.cloudflare.objects.pool import PoolKind
from sandbox.store import Document

_ALERTS = frozenset(
    {"load_balancing_health_alert", "load_balancing_pool_enablement_alert", "health_check_status_notification"}
)
_HEALTHS = frozenset({"Healthy", "Unhealthy"})


class NotificationKind(Kind):
    """Who is told of what."""

    name = "notification_policy"
    missing = "policy not found"
    missing_code = 17001
    initial: ClassVar[dict[str, Any]] = {"enabled": True}

    @classmethod
    def check(cls, document: Document, objects: Objects) -> None:
        """A known alert, somebody to tell, pools that exist."""
        if document.get("alert_type") not in _ALERTS:
            raise ApiError(400, 17103, f"invalid alert type: {document.get('alert_type')}")
        if not any((document.get("mechanisms") or {}).values()):
            raise ApiError(400, 17104, "a policy needs at least one mechanism")
        filters = document.get("filters") or {}
        unknown = set(filters.get("new_health") or []) - _HEALTHS
        missing = [pool for pool in filters.get("pool_id") or [] if objects.find(PoolKind, pool) is None]
        if unknown or missing:
            raise ApiError(400, 17105, f"invalid filter: {', '.join([*sorted(unknown), *missing])}")
