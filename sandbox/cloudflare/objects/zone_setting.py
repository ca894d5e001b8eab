"""Settings of the zone: they always exist, can only be changed, and deleting the resource leaves the value."""

from __future__ import annotations

from typing import Any, ClassVar

from sandbox.cloudflare.errors import ApiError
from sandbox.cloudflare.objects.base import Kind, Objects
from sandbox.store import Document

_SWITCH = frozenset({"on", "off"})
#: What each known setting may be; None is checked elsewhere.
#: https://developers.cloudflare.com/api/resources/zones/subresources/settings/
_ALLOWED: dict[str, frozenset[str] | None] = {
    **dict.fromkeys(
        ("always_online", "always_use_https", "automatic_https_rewrites", "brotli", "browser_check", "early_hints"),
        _SWITCH,
    ),
    **dict.fromkeys(("email_obfuscation", "hotlink_protection", "http3", "ip_geolocation", "ipv6", "0rtt"), _SWITCH),
    **dict.fromkeys(("opportunistic_encryption", "rocket_loader", "server_side_exclude", "websockets"), _SWITCH),
    "browser_cache_ttl": None,
    "min_tls_version": frozenset({"1.0", "1.1", "1.2", "1.3"}),
    "security_header": None,
    "security_level": frozenset({"off", "essentially_off", "low", "medium", "high", "under_attack"}),
    "ssl": frozenset({"off", "flexible", "full", "strict", "origin_pull"}),
    "tls_1_3": frozenset({"on", "off", "zrt"}),
}


class ZoneSettingKind(Kind):
    """One setting; its id is its name."""

    name = "zone_setting"
    missing = "Undefined zone setting"
    missing_code = 1006
    initial: ClassVar[dict[str, Any]] = {
        "always_use_https": "off",
        "automatic_https_rewrites": "on",
        "browser_cache_ttl": 14400,
        "email_obfuscation": "on",
        "min_tls_version": "1.0",
        "rocket_loader": "off",
        "ssl": "full",
        "tls_1_3": "on",
    }

    @classmethod
    def identifier(cls, given: Document) -> str:
        """The setting's name."""
        return str(given["setting_id"])

    @classmethod
    def complete(cls, given: Document, objects: Objects) -> Document:
        """Keep what is given; nothing of other settings."""
        del objects
        return {**given, "editable": True}

    @classmethod
    def check(cls, document: Document, objects: Objects) -> None:
        """Known name, allowed value. An empty change is refused: https://github.com/pulumi/pulumi-cloudflare/issues/1319."""
        del objects
        key, value = document["setting_id"], document.get("value")
        if key not in _ALLOWED:
            raise ApiError(400, 1006, f"Undefined zone setting: {key}")
        allowed = _ALLOWED[key]
        if value is None or (allowed is not None and value not in allowed):
            raise ApiError(400, 1007, f"Invalid value for zone setting {key}")
        if key == "browser_cache_ttl" and (not isinstance(value, int) or value < 0):
            raise ApiError(400, 1007, f"Invalid value for zone setting {key}")
        if key == "security_header" and "strict_transport_security" not in value:
            raise ApiError(400, 1007, f"Invalid value for zone setting {key}")
