"""Where the program deviates from a policy on purpose, and why. A stack's own are in its file of levels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True)
class Exemption:
    """Resources that a policy does not judge."""

    policy: str
    resource: str
    """Glob over ``TYPES::NAME`` of the resource, with the types of its parents: the end of its URN."""
    reason: str

    def covers(self, policy: str, urn: str) -> bool:
        """Whether it is about this policy and this resource."""
        return policy == self.policy and fnmatchcase(urn.split("::", 2)[-1], self.resource)


_AWS_HOST = "*peacefulrobot:hosts:AwsHost$"
EXEMPTIONS: tuple[Exemption, ...] = (
    Exemption(
        "bucket-keeps-versions",
        f"{_AWS_HOST}aws:s3/bucket:Bucket::*",
        "Objects are named after their content and written once, so none is ever overwritten; earlier releases are "
        "kept as objects of their own, and going back to one is tested.",
    ),
    Exemption(
        "distribution-refuses-old-tls",
        f"{_AWS_HOST}aws:cloudfront/distribution:Distribution::*",
        "It is asked under its own name, which only CloudFront's own certificate bears, and that certificate fixes the "
        "TLS policy. Visitors come through the edge, whose zone refuses TLS below 1.2.",
    ),
    Exemption(
        "headers-policy-wins",
        f"{_AWS_HOST}aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy::*",
        "The function sets the release's headers, which may raise the stack's and never lower them; the policy is the "
        "floor for answers that the function does not see.",
    ),
    Exemption(
        "distribution-logs",
        f"{_AWS_HOST}aws:cloudfront/distribution:Distribution::*",
        "Visitors come through the edge; the distribution would log its addresses only, at a price for each request.",
    ),
    Exemption(
        "zone-is-signed",
        "*peacefulrobot:edge:Edge$*",
        "The zone itself is not managed here. Signing it takes a DS record at the registrar; switched on from here "
        "without it, or off while it is there, the whole domain cannot be resolved.",
    ),
)


def exemption(policy: str, urn: str, given: Mapping[str, Any]) -> Exemption | None:
    """The reason not to judge a resource: the program's, or the stack's own from the policy's configuration."""
    own = [Exemption(policy, one["resource"], one["reason"]) for one in given.get("exceptions", ())]
    return next((found for found in (*EXEMPTIONS, *own) if found.covers(policy, urn)), None)
