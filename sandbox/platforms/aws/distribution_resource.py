"""``aws.cloudfront.Distribution``."""

from __future__ import annotations

import secrets
import string
import time
import uuid
from typing import Any

from sandbox.platforms.aws.account import BUCKET, DISTRIBUTION, FUNCTION, HEADERS_POLICY, LIVE_FUNCTION, ORIGIN_ACCESS
from sandbox.platforms.aws.cloudfront_resources import CloudFrontType, timestamp
from sandbox.platforms.aws.edge_cache import MANAGED_POLICIES
from sandbox.provider.resource_type import UNKNOWN, Inputs, Outputs, Refused
from sandbox.store import Document

#: Hosted zone of all distributions: https://docs.aws.amazon.com/Route53/latest/APIReference/API_AliasTarget.html
_ZONE = "Z2FDTNDATAQYW2"
_ALPHABET = string.ascii_lowercase + string.digits
_METHODS = ({"GET", "HEAD"}, {"GET", "HEAD", "OPTIONS"},
            {"GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"})  # fmt: skip
#: Nested properties with short lists of values: https://docs.aws.amazon.com/cloudfront/latest/APIReference
_CHOICES: dict[tuple[str, ...], set[str]] = {
    ("priceClass",): {"PriceClass_All", "PriceClass_200", "PriceClass_100"},
    ("httpVersion",): {"http1.1", "http2", "http3", "http2and3"},
    ("defaultCacheBehavior", "viewerProtocolPolicy"): {"allow-all", "https-only", "redirect-to-https"},
    ("restrictions", "geoRestriction", "restrictionType"): {"none", "whitelist", "blacklist"},
}
_ERRORS_WITH_PAGES = {400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504}


class Distribution(CloudFrontType):
    """Deployed at once; the provider disables it before it deletes it, so that a delete here needs no such step."""

    token = DISTRIBUTION
    required = ("defaultCacheBehavior", "enabled", "origins", "restrictions", "viewerCertificate")
    computed = frozenset(
        {"arn", "callerReference", "domainName", "etag", "hostedZoneId", "inProgressValidationBatches",
         "lastModifiedTime", "status", "tagsAll"}
    )  # fmt: skip

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """Values from short lists."""
        failures = super().check(inputs)
        for path, allowed in _CHOICES.items():
            value = _at(inputs, path)
            if value not in {None, UNKNOWN, *allowed}:
                failures.append((path[0], f"expected {'.'.join(path)} to be one of {sorted(allowed)}, got {value}"))
        methods = _at(inputs, ("defaultCacheBehavior", "allowedMethods"))
        if isinstance(methods, list) and UNKNOWN not in methods and set(methods) not in _METHODS:
            failures.append(("defaultCacheBehavior", f"allowedMethods {methods} are no set that CloudFront knows"))
        return failures

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """Everything it refers to must be there."""
        behaviour = inputs["defaultCacheBehavior"]
        _refuse_cache(behaviour)
        if behaviour["targetOriginId"] not in {origin["originId"] for origin in inputs["origins"]}:
            raise Refused("NoSuchOrigin: One or more of your origins or origin groups do not exist.")
        for origin in inputs["origins"]:
            self._refuse_origin(origin)
        policy = behaviour.get("responseHeadersPolicyId")
        if policy and self.store.get(HEADERS_POLICY, policy) is None:
            raise Refused("NoSuchResponseHeadersPolicy: The specified response headers policy does not exist.")
        self._refuse_functions(behaviour.get("functionAssociations") or [])
        if inputs.get("aliases") and inputs["viewerCertificate"].get("cloudfrontDefaultCertificate"):
            raise Refused("InvalidViewerCertificate: aliases need a certificate that covers them.")
        self._refuse_aliases(inputs.get("aliases") or [], identifier)
        _refuse_error_pages(inputs.get("customErrorResponses") or [])

    def _refuse_origin(self, origin: Document) -> None:
        bucket, s3, _ = origin["domainName"].partition(".s3.")
        if s3 and self.store.get(BUCKET, bucket) is None:
            raise Refused(f"InvalidOrigin: the bucket of {origin['domainName']} does not exist.")
        if not s3:
            raise Refused(f"InvalidOrigin: {origin['domainName']}: the sandbox serves origins in S3 only.")
        access = origin.get("originAccessControlId")
        if access and self.store.get(ORIGIN_ACCESS, access) is None:
            raise Refused("NoSuchOriginAccessControl: The origin access control does not exist.")

    def _refuse_functions(self, associations: list[Document]) -> None:
        known = {document["arn"] for document in self.store.all(FUNCTION).values()}
        for item in associations:
            if item["functionArn"] not in known or self.store.get(LIVE_FUNCTION, item["functionArn"]) is None:
                raise Refused("InvalidFunctionAssociation: the function does not exist or is not published.")
            if item["eventType"] not in {"viewer-request", "viewer-response"}:
                raise Refused("InvalidFunctionAssociation: functions run for viewer-request and viewer-response.")
        if len({item["eventType"] for item in associations}) != len(associations):
            raise Refused("InvalidFunctionAssociation: one function for each event type.")

    def _refuse_aliases(self, aliases: list[str], identifier: str | None) -> None:
        for other, document in self.store.all(DISTRIBUTION).items():
            if other != identifier and not set(aliases).isdisjoint(document.get("aliases") or []):
                raise Refused("CNAMEAlreadyExists: another distribution has one of the aliases.")

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """The domain name is given once."""
        old = old or {}
        label = "d" + "".join(secrets.choice(_ALPHABET) for _ in range(13))
        # Begins with the time, as the provider's own do, so that distributions sort by age.
        reference = f"terraform-{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
        return {
            **super().compute(identifier, inputs, old),
            "domainName": old.get("domainName") or f"{label}.cloudfront.net",
            "callerReference": old.get("callerReference") or reference,
            "hostedZoneId": _ZONE,
            "inProgressValidationBatches": 0,
            "lastModifiedTime": timestamp(),
            "status": "Deployed",
            "tagsAll": inputs.get("tags") or {},
        }


def _refuse_cache(behaviour: Document) -> None:
    policy = behaviour.get("cachePolicyId")
    if not policy and not behaviour.get("forwardedValues"):
        raise Refused("InvalidArgument: The parameter ForwardedValues is required without a cache policy.")
    if policy and policy not in MANAGED_POLICIES:
        raise Refused("NoSuchCachePolicy: The specified cache policy does not exist (the sandbox knows managed ones).")


def _refuse_error_pages(rules: list[Document]) -> None:
    for rule in rules:
        paired = bool(rule.get("responseCode")) == bool(rule.get("responsePagePath"))
        if rule["errorCode"] not in _ERRORS_WITH_PAGES or not paired:
            raise Refused("InvalidErrorCode: a rule needs a known error code, and a page and a code together.")


def _at(inputs: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        inputs = inputs.get(key) if isinstance(inputs, dict) else None
    return inputs
