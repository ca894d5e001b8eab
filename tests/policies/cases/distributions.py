from __future__ import annotations

from policies import distributions as guard
from policies.distributions import ACCESS_IDENTITY, DISTRIBUTION, HEADERS_POLICY
from tests.policies.cases import cannot_know, finds, passes, with_
from tests.policies.judging import UNKNOWN, declared

ORIGIN = {"originId": "content", "domainName": "content-1.s3.eu-west-1.amazonaws.com", "originAccessControlId": "E1"}
CUSTOM = {
    "originId": "other",
    "domainName": "www.example.org",
    "customOriginConfig": {"originProtocolPolicy": "https-only", "originSslProtocols": ["TLSv1.2"]},
}
BEHAVIOUR = {
    "viewerProtocolPolicy": "redirect-to-https",
    "responseHeadersPolicyId": "policy-1",
    "functionAssociations": [{"eventType": "viewer-request", "functionArn": "arn:aws:cloudfront::1:function/router"}],
}
SITE = declared(
    DISTRIBUTION,
    origins=[ORIGIN],
    defaultCacheBehavior=BEHAVIOUR,
    orderedCacheBehaviors=[{**BEHAVIOUR, "viewerProtocolPolicy": "https-only"}],
    viewerCertificate={"minimumProtocolVersion": "TLSv1.2_2021", "acmCertificateArn": "arn"},
    customErrorResponses=[{"errorCode": 404.0, "errorCachingMinTtl": 1.0}],
    aliases=["www.example.org"],
    loggingConfig={"bucket": "logs"},
)
HEADERS = declared(
    HEADERS_POLICY,
    securityHeadersConfig={
        "strictTransportSecurity": {"accessControlMaxAgeSec": 31536000.0, "override": True},
        "contentSecurityPolicy": {"contentSecurityPolicy": "default-src 'self'", "override": True},
        "contentTypeOptions": {"override": True},
        "referrerPolicy": {"referrerPolicy": "no-referrer", "override": True},
    },
)


def headers(**changed):
    config = {**HEADERS.values["securityHeadersConfig"], **changed}
    return with_(HEADERS, securityHeadersConfig={key: value for key, value in config.items() if value is not None})


def default(**changed):
    return with_(SITE, defaultCacheBehavior={**BEHAVIOUR, **changed})


def custom(**changed):
    return with_(SITE, origins=[ORIGIN, {**CUSTOM, "customOriginConfig": {**CUSTOM["customOriginConfig"], **changed}}])


def certificate(**values):
    return with_(SITE, viewerCertificate=values)


def error(**values):
    return with_(SITE, customErrorResponses=[{"errorCode": 404.0, **values}])


HTTPS, TLS = guard.DISTRIBUTION_ANSWERS_HTTPS_ONLY, guard.DISTRIBUTION_REFUSES_OLD_TLS
SIGNS, ORIGINS = guard.DISTRIBUTION_SIGNS_ITS_REQUESTS, guard.DISTRIBUTION_REACHES_ORIGINS_BY_HTTPS
SETS, STRICT, WINS = guard.DISTRIBUTION_SETS_HEADERS, guard.HEADERS_POLICY_IS_STRICT, guard.HEADERS_POLICY_WINS
ERRORS, LOGS = guard.DISTRIBUTION_SHOWS_ERRORS_AS_ERRORS, guard.DISTRIBUTION_LOGS

PASSING = [
    *(passes(policy, SITE) for policy in (HTTPS, TLS, SIGNS, ORIGINS, SETS, ERRORS, LOGS)),
    *(passes(policy, HEADERS) for policy in (STRICT, WINS)),
    passes(TLS, certificate(minimumProtocolVersion="TLSv1.3_2025")),
    passes(TLS, certificate(minimumProtocolVersion="TLSv1.2_2019")),
    passes(SIGNS, with_(SITE, origins=[CUSTOM])),
    passes(SIGNS, with_(SITE, origins=[{**ORIGIN, "originAccessControlId": UNKNOWN, "domainName": UNKNOWN}])),
    passes(ORIGINS, custom(originSslProtocols=["TLSv1.2", "TLSv1.3"])),
    passes(SETS, default(responseHeadersPolicyId=UNKNOWN)),
    passes(SIGNS, with_(SITE, origins=[{**ORIGIN, "s3OriginConfig": {"originAccessIdentity": ""}}])),
    passes(ERRORS, error(responseCode=300.0)),
    passes(ERRORS, error(responseCode=404.0, responsePagePath="/404.html")),
    passes(ERRORS, with_(default(functionAssociations=[]), defaultRootObject="index.html")),
    passes(STRICT, headers(strictTransportSecurity={"accessControlMaxAgeSec": 300.0}), seconds=300.0),
    passes(LOGS, with_(SITE, loggingConfig=UNKNOWN)),
]
FAILING = [
    finds(HTTPS, "the default behaviour answers plain HTTP", default(viewerProtocolPolicy="allow-all")),
    finds(HTTPS, "the default behaviour answers plain HTTP", with_(SITE, defaultCacheBehavior={})),
    finds(HTTPS, "behaviour 1 answers plain HTTP", with_(SITE, orderedCacheBehaviors=[{}])),
    finds(
        HTTPS,
        "behaviour 2 answers plain HTTP",
        with_(
            default(viewerProtocolPolicy="https-only"),
            orderedCacheBehaviors=[BEHAVIOUR, {"viewerProtocolPolicy": "allow-all"}],
        ),
    ),
    finds(TLS, "older than TLS 1.2", certificate(minimumProtocolVersion="TLSv1.1_2016")),
    finds(TLS, "older than TLS 1.2", certificate(minimumProtocolVersion="TLSv1")),
    finds(TLS, "older than TLS 1.2", certificate(minimumProtocolVersion="TLSv1.2")),
    finds(TLS, "older than TLS 1.2", with_(SITE, viewerCertificate=None)),
    finds(TLS, "it has aliases", certificate(cloudfrontDefaultCertificate=True)),
    finds(TLS, "comes with TLS 1.0", with_(certificate(cloudfrontDefaultCertificate="true"), aliases=None)),
    finds(TLS, "comes with TLS 1.0", with_(certificate(cloudfrontDefaultCertificate=True), aliases=None)),
    finds(SIGNS, "no originAccessControlId", with_(SITE, origins=[{**ORIGIN, "originAccessControlId": ""}])),
    finds(
        SIGNS,
        "uses an origin access identity",
        with_(SITE, origins=[{**ORIGIN, "s3OriginConfig": {"originAccessIdentity": "origin-access-identity/x"}}]),
    ),
    finds(SIGNS, "the predecessor", declared(ACCESS_IDENTITY, comment="old")),
    finds(ORIGINS, "is not https-only", custom(originProtocolPolicy="match-viewer")),
    finds(ORIGINS, "older than TLSv1.2", custom(originSslProtocols=["TLSv1.1", "TLSv1.2"])),
    *(
        finds(ORIGINS, "as if it were a web server", with_(SITE, origins=[{**CUSTOM, "domainName": host}]))
        for host in (
            "content-1.s3.eu-west-1.amazonaws.com",
            "content-1.s3-website-us-east-1.amazonaws.com",
            "content-1.s3.amazonaws.com",
            "content-1.s3.cn-north-1.amazonaws.com.cn",
        )
    ),
    finds(SETS, "the default behaviour has no", default(responseHeadersPolicyId=None)),
    finds(SETS, "behaviour 1 has no", with_(SITE, orderedCacheBehaviors=[{}])),
    finds(STRICT, "shorter than 31536000", headers(strictTransportSecurity={"accessControlMaxAgeSec": 31535999.0})),
    finds(STRICT, "shorter than 31536000", headers(strictTransportSecurity=None)),
    finds(STRICT, "Content-Security-Policy is not set", headers(contentSecurityPolicy=None)),
    finds(STRICT, "X-Content-Type-Options is not set", headers(contentTypeOptions=None)),
    finds(STRICT, "Referrer-Policy is not set", headers(referrerPolicy=None)),
    finds(
        STRICT,
        ("shorter than", "Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"),
        declared(HEADERS_POLICY),
    ),
    finds(WINS, "contentTypeOptions.override is not true", headers(contentTypeOptions={"override": False})),
    finds(ERRORS, "error 404 is shown as 200", error(responseCode=200.0)),
    finds(ERRORS, "error 404 is shown as 204", error(responseCode=204.0)),
    finds(ERRORS, "neither defaultRootObject nor", default(functionAssociations=[])),
    finds(ERRORS, "neither defaultRootObject nor", default(functionAssociations=[{"eventType": "viewer-response"}])),
    finds(LOGS, "loggingConfig is not set", with_(SITE, loggingConfig=None)),
]
#: That something is set is enough here.
DESPITE_UNKNOWN = [
    passes(SETS, default(responseHeadersPolicyId=UNKNOWN)),
    finds(SETS, "behaviour 1 has no", with_(SITE, defaultCacheBehavior=UNKNOWN, orderedCacheBehaviors=[{}])),
    passes(LOGS, with_(SITE, loggingConfig=UNKNOWN)),
    finds(LOGS, "loggingConfig is not set", with_(SITE, loggingConfig=None, origins=UNKNOWN)),
]
UNKNOWN_YET = [
    cannot_know(HTTPS, "defaultCacheBehavior.viewerProtocolPolicy", default(viewerProtocolPolicy=UNKNOWN)),
    cannot_know(HTTPS, "orderedCacheBehaviors", with_(SITE, orderedCacheBehaviors=UNKNOWN)),
    cannot_know(TLS, "viewerCertificate.minimumProtocolVersion", certificate(minimumProtocolVersion=UNKNOWN)),
    cannot_know(TLS, "viewerCertificate", with_(SITE, viewerCertificate=UNKNOWN)),
    cannot_know(SIGNS, "origins", with_(SITE, origins=UNKNOWN)),
    cannot_know(ORIGINS, "origins[1].customOriginConfig.originProtocolPolicy", custom(originProtocolPolicy=UNKNOWN)),
    cannot_know(
        STRICT,
        "securityHeadersConfig.strictTransportSecurity",
        headers(strictTransportSecurity=UNKNOWN),
    ),
    cannot_know(
        WINS, "securityHeadersConfig.contentTypeOptions.override", headers(contentTypeOptions={"override": UNKNOWN})
    ),
    cannot_know(ERRORS, "customErrorResponses[0].responseCode", error(responseCode=UNKNOWN)),
]
