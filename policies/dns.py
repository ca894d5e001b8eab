"""Policies for DNS: no name leads to what is not ours, or around the edge."""

from __future__ import annotations

from collections.abc import Iterator

from policies.edge import BALANCER, WORKER
from policies.policy import Finding, Resource, ResourcePolicy, Settings, Stack, StackPolicy
from policies.values import at, is_set, separately, text, texts

RECORD = "cloudflare:index/dnsRecord:DnsRecord"
DNSSEC = "cloudflare:index/zoneDnssec:ZoneDnssec"
_ADDRESSES = ("A", "AAAA")
_VISITED = (*_ADDRESSES, "CNAME")
#: Addresses that nobody holds: discard prefix (RFC 6666) and documentation networks (RFC 5737, RFC 3849).
_NOBODYS = ("100::", "192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:")


def _leads_to_ours(stack: Stack, _: Settings) -> Iterator[Finding]:
    records = [found for found in stack.of(RECORD) if at(found.values, "type") in _VISITED]
    names = {value.rstrip(".").lower() for found in stack.resources for value in _held(found)}

    def judge(record: Resource) -> Iterator[Finding]:
        if record.sources.get("content"):
            return
        content = text(at(record.values, "content")).rstrip(".").lower()
        nobodys = content.startswith(_NOBODYS) and at(record.values, "type") in _ADDRESSES
        if not nobodys and content not in names:
            yield Finding(record, "it leads to a host that no resource of this stack holds")

    yield from separately(records, judge)


def _held(resource: Resource) -> Iterator[str]:
    """Texts of a resource that may be hosts it holds; of a record only its own name, for its content is judged."""
    values = at(resource.values, "name") if resource.kind == RECORD else resource.values
    yield from (value for _, value in texts(values))


DNS_RECORD_LEADS_TO_OURS = StackPolicy(
    name="dns-record-leads-to-ours",
    description="A record leads to a host of this stack, or to nobody.",
    reason="A name that leads to a platform's freed host is taken over by whoever registers that host next.",
    remedy="Take the content from an output of the resource, or remove the record with the resource.",
    origin="CKV2_AWS_23; https://github.com/EdOverflow/can-i-take-over-xyz",
    judge=_leads_to_ours,
)


def _is_proxied(resource: Resource, _: Settings) -> Iterator[str]:
    kind, name = text(at(resource.values, "type")), text(at(resource.values, "name"))
    # Names with an underscore are for machines: proofs of ownership, keys (RFC 8552).
    for_machines = any(label.startswith("_") for label in name.split("."))
    if kind in _VISITED and not for_machines and not at(resource.values, "proxied"):
        yield "proxied is not true"


DNS_RECORD_IS_PROXIED = ResourcePolicy(
    name="dns-record-is-proxied",
    description="Every name that visitors use is behind the edge's proxy.",
    reason="A name beside the proxy shows the platform behind it, and does not fail over.",
    remedy="Set proxied to true.",
    origin="design",
    kinds=(RECORD,),
    judge=_is_proxied,
    repair=lambda _: {"proxied": True},
)


def _names_its_authorities(stack: Stack, _: Settings) -> Iterator[Finding]:
    zone = stack.of(RECORD, BALANCER, WORKER)
    authorities = [
        record
        for record in stack.of(RECORD)
        if at(record.values, "type") == "CAA" and at(record.values, "data", "tag") == "issue"
    ]
    if zone and not any(is_set(at(record.values, "data", "value")) for record in authorities):
        yield Finding(zone[0], "no CAA record says who may issue certificates")


ZONE_NAMES_ITS_AUTHORITIES = StackPolicy(
    name="zone-names-its-authorities",
    description="CAA records say who may issue certificates for the zone.",
    reason="Otherwise every authority in the world may, if somebody fools it.",
    remedy="Declare a DnsRecord of type CAA with tag issue for each authority of the edge.",
    origin="design; RFC 8659",
    judge=_names_its_authorities,
)


def _is_signed(stack: Stack, _: Settings) -> Iterator[Finding]:
    zone = stack.of(RECORD, BALANCER, WORKER)
    if zone and not stack.of(DNSSEC):
        yield Finding(zone[0], "the zone's DNSSEC is not declared")


ZONE_IS_SIGNED = StackPolicy(
    name="zone-is-signed",
    description="The zone is signed by DNSSEC.",
    reason="An unsigned answer can be forged on the way to a resolver.",
    remedy="Declare ZoneDnssec, and give its DS record to the registrar.",
    origin="CKV_GCP_16; RFC 9364",
    level="advisory",
    judge=_is_signed,
)
