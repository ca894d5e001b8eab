"""Policies for CloudFront: HTTPS on both sides, signed requests to the bucket, headers, honest error pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from policies.policy import Resource, ResourcePolicy, Setting, Settings
from policies.values import at, entries, is_set, members, number, separately, text

DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
ACCESS_IDENTITY = "aws:cloudfront/originAccessIdentity:OriginAccessIdentity"
HEADERS_POLICY = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"
_HTTPS = {"redirect-to-https", "https-only"}
#: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/secure-connections-supported-viewer-protocols-ciphers.html
_TLS_POLICY = re.compile(r"TLSv1\.([23])_20\d\d")
_BUCKET_HOST = re.compile(r"\.s3[.-][a-z0-9.-]*amazonaws\.com(\.cn)?$")
_YEAR = 31_536_000


def behaviours(resource: Resource) -> list[tuple[str, Any]]:
    """Every cache behaviour, with what to call it."""
    ordered = entries(at(resource.values, "orderedCacheBehaviors"))
    default = at(resource.values, "defaultCacheBehavior")
    return [("the default behaviour", default), *((f"behaviour {n + 1}", one) for n, one in enumerate(ordered))]


def _answers_https_only(resource: Resource, _: Settings) -> Iterator[str]:
    def judge(named: tuple[str, Any]) -> Iterator[str]:
        name, behaviour = named
        if text(at(behaviour, "viewerProtocolPolicy")) not in _HTTPS:
            yield f"{name} answers plain HTTP"

    yield from separately(behaviours(resource), judge)


DISTRIBUTION_ANSWERS_HTTPS_ONLY = ResourcePolicy(
    name="distribution-answers-https-only",
    description="A distribution answers over HTTPS only, or redirects to it.",
    reason="Over plain HTTP anybody on the way changes the page.",
    remedy="Set viewerProtocolPolicy to redirect-to-https or https-only in every behaviour.",
    origin="CKV_AWS_34, AVD-AWS-0012",
    kinds=(DISTRIBUTION,),
    judge=_answers_https_only,
)


def _refuses_old_tls(resource: Resource, _: Settings) -> Iterator[str]:
    certificate = at(resource.values, "viewerCertificate")
    if at(certificate, "cloudfrontDefaultCertificate") in (True, "true"):
        if entries(at(resource.values, "aliases")):
            yield "it has aliases, which CloudFront's own certificate does not name"
        else:
            yield "CloudFront's own certificate comes with TLS 1.0"
    elif not _TLS_POLICY.fullmatch(text(at(certificate, "minimumProtocolVersion"))):
        yield "viewerCertificate.minimumProtocolVersion is older than TLS 1.2"


DISTRIBUTION_REFUSES_OLD_TLS = ResourcePolicy(
    name="distribution-refuses-old-tls",
    description="A distribution speaks TLS 1.2 or newer with its viewers.",
    reason="Older versions are broken and deprecated (RFC 8996).",
    remedy="Set minimumProtocolVersion to TLSv1.2_2021 or newer, with a certificate of your own.",
    origin="CKV_AWS_174, CKV2_AWS_42, AVD-AWS-0013",
    kinds=(DISTRIBUTION,),
    judge=_refuses_old_tls,
)


def _signs_its_requests(resource: Resource, _: Settings) -> Iterator[str]:
    if resource.kind == ACCESS_IDENTITY:
        yield "an origin access identity is declared, the predecessor of origin access control"
        return

    def judge(origin: Any) -> Iterator[str]:
        if is_set(at(origin, "s3OriginConfig", "originAccessIdentity")):
            yield "an origin uses an origin access identity"
        # An unknown host that has no custom origin's settings is the bucket's.
        elif not is_set(at(origin, "customOriginConfig")) and not is_set(at(origin, "originAccessControlId")):
            yield "an origin without customOriginConfig, which is a bucket, has no originAccessControlId"

    yield from separately(entries(at(resource.values, "origins")), judge)


DISTRIBUTION_SIGNS_ITS_REQUESTS = ResourcePolicy(
    name="distribution-signs-its-requests",
    description="A distribution signs its requests to a bucket by origin access control.",
    reason="Unsigned, it reads only what everybody may read.",
    remedy="Declare OriginAccessControl (s3, always, sigv4) and name it in the origin.",
    origin="CKV2_AWS_46",
    kinds=(DISTRIBUTION, ACCESS_IDENTITY),
    judge=_signs_its_requests,
)


def _reaches_origins_by_https(resource: Resource, _: Settings) -> Iterator[str]:
    def judge(origin: Any) -> Iterator[str]:
        custom = at(origin, "customOriginConfig")
        if not is_set(custom):
            return
        if at(custom, "originProtocolPolicy") != "https-only":
            yield "an origin's originProtocolPolicy is not https-only"
        if any(text(version) not in ("TLSv1.2", "TLSv1.3") for version in entries(at(custom, "originSslProtocols"))):
            yield "an origin's originSslProtocols has a version older than TLSv1.2"
        if _BUCKET_HOST.search(text(at(origin, "domainName"))):
            yield "an origin reaches a bucket as if it were a web server, unsigned"

    yield from separately(entries(at(resource.values, "origins")), judge)


DISTRIBUTION_REACHES_ORIGINS_BY_HTTPS = ResourcePolicy(
    name="distribution-reaches-origins-by-https",
    description="A distribution reaches its origins by HTTPS with TLS 1.2 or newer.",
    reason="What was fetched in the open is served from the cache as if it were genuine.",
    remedy="Set originProtocolPolicy to https-only and originSslProtocols to [TLSv1.2].",
    origin="CKV2_AWS_72, CKV2_AWS_54",
    kinds=(DISTRIBUTION,),
    judge=_reaches_origins_by_https,
)


def _sets_headers(resource: Resource, _: Settings) -> Iterator[str]:
    def judge(named: tuple[str, Any]) -> Iterator[str]:
        name, behaviour = named
        if not is_set(at(behaviour, "responseHeadersPolicyId")):
            yield f"{name} has no responseHeadersPolicyId"

    yield from separately(behaviours(resource), judge)


DISTRIBUTION_SETS_HEADERS = ResourcePolicy(
    name="distribution-sets-headers",
    description="Every behaviour of a distribution has a response headers policy.",
    reason="Answers that no function sees, such as errors, would have no security headers.",
    remedy="Name a ResponseHeadersPolicy in responseHeadersPolicyId.",
    origin="CKV2_AWS_32",
    kinds=(DISTRIBUTION,),
    judge=_sets_headers,
)


def _headers_are_strict(resource: Resource, settings: Settings) -> Iterator[str]:
    config = at(resource.values, "securityHeadersConfig")

    def transport() -> Iterator[str]:
        if number(at(config, "strictTransportSecurity", "accessControlMaxAgeSec")) < settings["seconds"]:
            yield f"Strict-Transport-Security is shorter than {settings['seconds']} seconds"

    def others() -> Iterator[str]:
        needed = {
            "contentSecurityPolicy": "Content-Security-Policy",
            "contentTypeOptions": "X-Content-Type-Options",
            "referrerPolicy": "Referrer-Policy",
        }
        yield from (f"{header} is not set" for key, header in needed.items() if not is_set(at(config, key)))

    yield from separately((transport(), others()), lambda findings: findings)


HEADERS_POLICY_IS_STRICT = ResourcePolicy(
    name="headers-policy-is-strict",
    description="A response headers policy sets HSTS, nosniff, a referrer policy and a content security policy.",
    reason="A header that is missing on one platform is missing for every visitor it serves.",
    remedy="Set strictTransportSecurity, contentTypeOptions, referrerPolicy and contentSecurityPolicy.",
    origin="CKV_AWS_259",
    settings={"seconds": Setting(_YEAR, "the least max-age of HSTS; a year is what browsers' preload lists ask for")},
    kinds=(HEADERS_POLICY,),
    judge=_headers_are_strict,
)


def _headers_win(resource: Resource, _: Settings) -> Iterator[str]:
    config = members(at(resource.values, "securityHeadersConfig"))

    def judge(key: str) -> Iterator[str]:
        if not at(config, key, "override"):
            yield f"securityHeadersConfig.{key}.override is not true"

    yield from separately(config, judge)


HEADERS_POLICY_WINS = ResourcePolicy(
    name="headers-policy-wins",
    description="A response headers policy replaces what the origin sends.",
    reason="Otherwise an origin's weaker header reaches the visitor.",
    remedy="Set override to true for every security header.",
    origin="design",
    level="advisory",
    kinds=(HEADERS_POLICY,),
    judge=_headers_win,
)


def _missing_pages_are_404(resource: Resource, _: Settings) -> Iterator[str]:
    def judge(response: Any) -> Iterator[str]:
        shown = at(response, "responseCode")
        if is_set(shown) and 200 <= number(shown) < 300:
            yield f"error {number(at(response, 'errorCode')):.0f} is shown as {number(shown):.0f}"

    yield from separately(entries(at(resource.values, "customErrorResponses")), judge)
    functions = entries(at(resource.values, "defaultCacheBehavior", "functionAssociations"))
    finds_index = any(at(one, "eventType") == "viewer-request" for one in functions)
    if not finds_index and at(resource.values, "defaultRootObject") != "index.html":
        yield "neither defaultRootObject nor a viewer-request function finds index.html"


DISTRIBUTION_SHOWS_ERRORS_AS_ERRORS = ResourcePolicy(
    name="distribution-shows-errors-as-errors",
    description="A distribution answers / with index.html, and a missing page with an error's status.",
    reason="A missing page with status 200 is indexed, cached, and looks healthy to every check.",
    remedy="Leave responseCode away or set it to 404; set defaultRootObject or a viewer-request function.",
    origin="CKV_AWS_305",
    kinds=(DISTRIBUTION,),
    judge=_missing_pages_are_404,
)


def _logs(resource: Resource, _: Settings) -> Iterator[str]:
    if not is_set(at(resource.values, "loggingConfig")):
        yield "loggingConfig is not set"


DISTRIBUTION_LOGS = ResourcePolicy(
    name="distribution-logs",
    description="A distribution writes down who asked for what.",
    reason="After an attack, logs are what is left to learn from.",
    remedy="Set loggingConfig to a bucket of its own.",
    origin="CKV_AWS_86, AVD-AWS-0010",
    level="advisory",
    kinds=(DISTRIBUTION,),
    judge=_logs,
)
