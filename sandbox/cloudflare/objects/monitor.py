"""Monitors. Defaults: terraform-provider-cloudflare, internal/services/load_balancer_monitor/schema.go."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from sandbox.cloudflare.errors import ApiError, invalid
from sandbox.cloudflare.objects.base import Kind, Objects, Reasons, one_of
from sandbox.provider.resource_type import Inputs
from sandbox.store import Document

TYPES = ("http", "https", "tcp", "udp_icmp", "icmp_ping", "smtp")
#: Without an Enterprise plan. https://developers.cloudflare.com/load-balancing/monitors/
_SUPPORTED = ("http", "https", "tcp")
#: Seconds. Two pages disagree on the least (15 or, on Pro, 60): the sandbox takes the one that both allow.
#: https://developers.cloudflare.com/load-balancing/reference/limitations/
_INTERVAL = (60, 3600)
#: 1.5 × the most pools.
_MOST = 30
_CODES = re.compile(r"\s*\d(\d\d|xx)\s*(,\s*\d(\d\d|xx)\s*)*")


class MonitorKind(Kind):
    """A health check that pools can use."""

    name = "monitor"
    missing = "monitor not found"
    initial: ClassVar[dict[str, Any]] = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "interval": 60,
        "timeout": 5,
        "retries": 2,
        "consecutive_up": 0,
        "consecutive_down": 0,
        "expected_codes": "200",
        "follow_redirects": False,
        "allow_insecure": False,
        "port": 0,
    }

    @classmethod
    def reasons(cls, inputs: Inputs) -> Reasons:
        """Only the type is checked by the provider."""
        return one_of(inputs, "type", TYPES)

    @classmethod
    def check(cls, document: Document, objects: Objects) -> None:
        """Ranges, formats and what a plan below Enterprise does not have."""
        others = [found for found in objects.all(cls) if found["id"] != document["id"]]
        if len(others) >= _MOST:
            raise invalid(f"monitor quota of {_MOST} exceeded")
        if document["type"] not in _SUPPORTED:
            raise invalid(f"monitor type {document['type']} is not allowed with this subscription")
        low, high = _INTERVAL
        if not low <= document["interval"] <= high:
            raise invalid(f"interval must be in range [{low}, {high}]")
        if document["type"] == "tcp" and not document["port"]:
            raise invalid("port is required for tcp monitors")
        _check_http(document)


def _check_http(document: Document) -> None:
    problems: list[ApiError] = []
    if not str(document["path"]).startswith("/"):
        problems.append(invalid("path must start with /"))
    if not _CODES.fullmatch(str(document["expected_codes"])):
        problems.append(invalid("expected_codes must be codes or ranges like 200 or 2xx, separated by commas"))
    if any(name.lower() == "user-agent" for name in document.get("header") or {}):
        problems.append(invalid("the User-Agent header cannot be overridden"))
    if min(document[key] for key in ("timeout", "retries", "consecutive_up", "consecutive_down")) < 0:
        problems.append(invalid("timeout, retries, consecutive_up and consecutive_down must not be negative"))
    if problems:
        raise problems[0]
