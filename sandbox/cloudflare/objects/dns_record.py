"""DNS records. Defaults: terraform-provider-cloudflare, internal/services/dns_record/schema.go."""

from __future__ import annotations

import ipaddress
from typing import Any, ClassVar

from sandbox.cloudflare.errors import ApiError
from sandbox.cloudflare.objects.base import Kind, Objects, Reasons, one_of
from sandbox.provider.resource_type import UNKNOWN, Inputs
from sandbox.store import Document

TYPES = (
    *("A", "AAAA", "CNAME", "MX", "NS", "OPENPGPKEY", "PTR", "TXT", "CAA", "CERT", "DNSKEY", "DS", "HTTPS", "LOC"),
    *("NAPTR", "SMIMEA", "SRV", "SSHFP", "SVCB", "TLSA", "URI"),
)
_PROXIABLE = frozenset({"A", "AAAA", "CNAME"})
_ADDRESSES = {"A": ipaddress.IPv4Address, "AAAA": ipaddress.IPv6Address}


class DnsRecordKind(Kind):
    """One record of the zone."""

    name = "dns_record"
    missing = "Record does not exist."
    missing_code = 81044
    initial: ClassVar[dict[str, Any]] = {"proxied": False, "ttl": 1, "settings": {}, "tags": []}

    @classmethod
    def complete(cls, given: Document, objects: Objects) -> Document:
        """Names become fully qualified, contents normal: what is written another way comes back as a change."""
        document = {**cls.initial, **given}
        document["name"] = _qualified(str(document.get("name", "")), objects.zone_name())
        document["proxiable"] = document.get("type") in _PROXIABLE
        data = document.get("data")
        if document.get("type") == "CAA" and data:
            document["content"] = f'{data.get("flags", 0)} {data.get("tag")} "{data.get("value")}"'
        elif document.get("content"):
            document["content"] = _normal(str(document.get("type")), str(document["content"]))
        return document

    @classmethod
    def reasons(cls, inputs: Inputs) -> Reasons:
        """Known type; a proxied record's TTL is automatic."""
        found = one_of(inputs, "type", TYPES)
        if inputs.get("proxied") is True and inputs.get("ttl") not in {1, None, UNKNOWN}:
            found.append(("ttl", "must be set to 1 when `proxied` is true"))
        return found

    @classmethod
    def check(cls, document: Document, objects: Objects) -> None:
        """Content and TTL, and what stands under the name already."""
        ttl = document["ttl"]
        if ttl != 1 and not 60 <= ttl <= 86400:
            raise ApiError(400, 9021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.")
        if document["proxied"] and not document["proxiable"]:
            raise ApiError(400, 9004, "This record type cannot be proxied.")
        if not document.get("content"):
            raise ApiError(400, 9005, f"Content for {document.get('type')} record is missing.")
        others = [
            found for found in objects.all(cls) if found["name"] == document["name"] and found["id"] != document["id"]
        ]
        _check_neighbours(document, others)


def _qualified(name: str, zone: str) -> str:
    if name in {"@", ""}:
        return zone
    return name if "." in name else f"{name}.{zone}"


def _normal(kind: str, content: str) -> str:
    if kind not in _ADDRESSES:
        return content.rstrip(".") if kind == "CNAME" else content
    try:
        return str(_ADDRESSES[kind](content))
    except ValueError:
        raise ApiError(400, 9005, f"Content for {kind} record is invalid. Must be a valid IP address.") from None


def _check_neighbours(document: Document, others: list[Document]) -> None:
    if any(found["type"] == document["type"] and found["content"] == document["content"] for found in others):
        raise ApiError(400, 81058, "An identical record already exists.")
    types = {found["type"] for found in others}
    if document["type"] == "CNAME" and types & _PROXIABLE:
        raise ApiError(400, 81053, "An A, AAAA, or CNAME record with that host already exists.")
    if document["type"] in {"A", "AAAA"} and "CNAME" in types:
        raise ApiError(400, 81054, "A CNAME record with that host already exists.")
