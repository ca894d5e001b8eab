"""Policies for the edge: strict transport, a load balancer that can fail over, checks that cannot be fooled."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from policies.policy import Finding, Resource, ResourcePolicy, Setting, Settings, Stack, StackPolicy, wanted
from policies.values import at, entries, is_set, number, separately, text

SETTING = "cloudflare:index/zoneSetting:ZoneSetting"
BALANCER = "cloudflare:index/loadBalancer:LoadBalancer"
POOL = "cloudflare:index/loadBalancerPool:LoadBalancerPool"
MONITOR = "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor"
ALERT = "cloudflare:index/notificationPolicy:NotificationPolicy"
OUTSIDE = "publisher:index:UptimeRobotMonitor"
WORKER = "cloudflare:index/workersScript:WorkersScript"
_YEAR = 31_536_000
#: Setting of the zone → values that are strict enough, the best first.
#: https://developers.cloudflare.com/ssl/edge-certificates/additional-options/
_TRANSPORT: Mapping[str, tuple[str, ...]] = {
    "min_tls_version": ("1.2", "1.3"),
    "ssl": ("strict",),
    "always_use_https": ("on",),
    "tls_1_3": ("on", "zrt"),
}
_HSTS = "security_header"
#: Settings that change bytes on their way, so that no platform's page arrives as it was published.
_ALTERING = ("automatic_https_rewrites", "email_obfuscation", "rocket_loader", "mirage", "polish", "minify")
_RELEASE_LIKE = re.compile(r"(?<![0-9A-Za-z])r?[0-9a-f]{12,64}(?![0-9A-Za-z])|\d{4}-\d\d-\d\d")


def _refuses_old_tls(resource: Resource, _: Settings) -> Iterator[str]:
    key = text(at(resource.values, "settingId"))
    if key in _TRANSPORT and text(at(resource.values, "value")) not in _TRANSPORT[key]:
        yield f"{key} is not {' or '.join(_TRANSPORT[key])}"


def _strict_transport(resource: Resource) -> Mapping[str, Any]:
    return {"value": _TRANSPORT[at(resource.values, "settingId")][0]}


ZONE_TRANSPORT_IS_STRICT = ResourcePolicy(
    name="zone-transport-is-strict",
    description="The zone speaks TLS 1.2 or newer, always HTTPS, and checks the platforms' certificates.",
    reason="With ssl below strict, the edge takes any server for the platform; older TLS is broken (RFC 8996).",
    remedy="Set min_tls_version to 1.2, ssl to strict, always_use_https and tls_1_3 to on.",
    origin="design",
    kinds=(SETTING,),
    judge=_refuses_old_tls,
    repair=_strict_transport,
)


def _sends_hsts(resource: Resource, settings: Settings) -> Iterator[str]:
    if at(resource.values, "settingId") != _HSTS:
        return
    found = at(resource.values, "value", "strict_transport_security")
    if not at(found, "enabled"):
        yield "strict_transport_security is not enabled"
    elif number(at(found, "max_age")) < settings["seconds"]:
        yield f"max_age is shorter than {settings['seconds']} seconds"


ZONE_SENDS_HSTS = ResourcePolicy(
    name="zone-sends-hsts",
    description="The zone tells browsers to come back by HTTPS only, for long.",
    reason="The zone's setting overrides every platform's header, so a weak one weakens all of them.",
    remedy="Give Strict-Transport-Security in securityHeaders a max-age of a year or more.",
    origin="design; RFC 6797",
    settings={"seconds": Setting(_YEAR, "the least max-age; a year is what browsers' preload lists ask for")},
    kinds=(SETTING,),
    judge=_sends_hsts,
)


def _alters_no_bytes(resource: Resource, _: Settings) -> Iterator[str]:
    key = text(at(resource.values, "settingId"))
    if key in _ALTERING and at(resource.values, "value") != "off":
        yield f"{key} is not off"


ZONE_ALTERS_NO_BYTES = ResourcePolicy(
    name="zone-alters-no-bytes",
    description="Nothing at the edge changes what a platform sends.",
    reason="Changed pages differ from their release, and break a strict content security policy.",
    remedy="Set the named setting to off.",
    origin="design",
    kinds=(SETTING,),
    judge=_alters_no_bytes,
    repair=lambda _: {"value": "off"},
)


def _has_its_settings(stack: Stack, _: Settings) -> Iterator[Finding]:
    edges = stack.of(BALANCER, WORKER)
    declared = {text(at(found.values, "settingId")) for found in stack.of(SETTING)}
    for key in (*_TRANSPORT, _HSTS):
        if edges and key not in declared:
            yield Finding(edges[0], f"the zone's setting {key} is not declared")


ZONE_HAS_ITS_SETTINGS = StackPolicy(
    name="zone-has-its-settings",
    description="A stack with an edge declares the zone's transport settings.",
    reason="What is not declared is what somebody last clicked.",
    remedy="Declare a ZoneSetting for each named setting.",
    origin="design",
    judge=_has_its_settings,
)


def _fails_over(resource: Resource, settings: Settings) -> Iterator[str]:
    def pools() -> Iterator[str]:
        if len(entries(at(resource.values, "defaultPools"))) < settings["pools"]:
            yield f"it has fewer than {settings['pools']} pools"

    def fallback() -> Iterator[str]:
        if not is_set(at(resource.values, "fallbackPool")):
            yield "fallbackPool is not set"

    switches = wanted(resource, {"proxied": True, "enabled": True})
    yield from separately((pools(), fallback(), switches), lambda findings: findings)


BALANCER_FAILS_OVER = ResourcePolicy(
    name="balancer-fails-over",
    description="A load balancer has several pools and a fallback, is enabled, and proxies.",
    reason="With one pool there is nowhere to go; without the proxy, failing over takes as long as DNS caches do.",
    remedy="Enable a second platform; set fallbackPool, enabled and proxied.",
    origin="design",
    settings={"pools": Setting(2, "the least number of pools")},
    kinds=(BALANCER,),
    judge=_fails_over,
    repair=lambda _: {"proxied": True, "enabled": True},
)


def _falls_back_to_its_own(stack: Stack, _: Settings) -> Iterator[Finding]:
    def judge(balancer: Resource) -> Iterator[Finding]:
        fallback = balancer.sources.get("fallbackPool")
        if not balancer.sources.get("defaultPools"):
            yield Finding(balancer, "its pools are not of this stack, so nobody can tell what they hold")
        elif not fallback or not all(balancer.made_from("defaultPools", pool) for pool in fallback):
            yield Finding(balancer, "fallbackPool is none of defaultPools")

    yield from separately(stack.of(BALANCER), judge)


BALANCER_FALLS_BACK_TO_ITS_OWN = StackPolicy(
    name="balancer-falls-back-to-its-own",
    description="A load balancer's pools are of this stack, and its fallback is one of them.",
    reason="The fallback serves when all checks fail, and must then be a pool that holds the site.",
    remedy="Give defaultPools and fallbackPool the ids of pools of this program.",
    origin="design",
    judge=_falls_back_to_its_own,
)


def _pool_is_checked(resource: Resource, _: Settings) -> Iterator[str]:
    def whole() -> Iterator[str]:
        if not is_set(at(resource.values, "monitor")):
            yield "monitor is not set"
        if number(at(resource.values, "minimumOrigins")) < 1:
            yield "minimumOrigins is less than 1"

    def origin(found: Any) -> Iterator[str]:
        if not is_set(at(found, "header", "hosts")):
            yield "an origin has no Host header"
        if at(found, "enabled") in (False, None):
            yield "an origin is not enabled"

    def origins() -> Iterator[str]:
        found = entries(at(resource.values, "origins"))
        if not found:
            yield "it has no origin"
        yield from separately(found, origin)

    yield from separately((whole(), origins()), lambda findings: findings)


POOL_IS_CHECKED = ResourcePolicy(
    name="pool-is-checked",
    description="Every pool has a monitor, and every origin in it a Host header.",
    reason="Unchecked, a dead platform keeps its visitors; without the header it does not know the site.",
    remedy="Set monitor, minimumOrigins 1, and header.hosts of each origin.",
    origin="design",
    kinds=(POOL,),
    judge=_pool_is_checked,
)


def _monitor_is_strict(resource: Resource, settings: Settings) -> Iterator[str]:
    values = resource.values
    exact = {"type": "https", "allowInsecure": False, "followRedirects": False, "expectedCodes": "200"}

    def body() -> Iterator[str]:
        word = text(at(values, "expectedBody"))
        if not word:
            yield "expectedBody is empty, so any page with status 200 is the site"
        elif _RELEASE_LIKE.search(word):
            yield "expectedBody looks like the id of a release, so each publishing would take every platform out"

    def patience() -> Iterator[str]:
        if number(at(values, "consecutiveDown")) < settings["failures"]:
            yield f"consecutiveDown is less than {settings['failures']}"

    yield from separately((wanted(resource, exact), body(), patience()), lambda findings: findings)


MONITOR_IS_STRICT = ResourcePolicy(
    name="monitor-is-strict",
    description="A monitor accepts only the site itself: by HTTPS, a valid certificate, status 200, a constant word.",
    reason="A parked page, an expired certificate and a redirect elsewhere all look healthy to a lenient check.",
    remedy="Set type https, expectedCodes 200, a constant expectedBody; allowInsecure and followRedirects false.",
    origin="design",
    settings={"failures": Setting(2, "the least consecutiveDown; at 1, a lost packet is an outage")},
    kinds=(MONITOR,),
    judge=_monitor_is_strict,
    repair=lambda _: {"type": "https", "allowInsecure": False, "followRedirects": False, "expectedCodes": "200"},
)


def _tells_somebody(stack: Stack, _: Settings) -> Iterator[Finding]:
    """The coordinator's alerts are no resource, so a stack that has only them gets the hint too."""
    told = any(at(found.values, "enabled") in (True, None) for found in stack.of(ALERT))
    told = told or any(entries(at(found.values, "contacts")) for found in stack.of(OUTSIDE))
    for balancer in () if told else stack.of(BALANCER):
        yield Finding(balancer, "nobody is told when a platform goes down")


OUTAGE_TELLS_SOMEBODY = StackPolicy(
    name="outage-tells-somebody",
    description="Somebody is told when a platform goes down.",
    reason="The site goes on from another platform, so nobody notices until the last one is down too.",
    remedy="Set alertEmail, monitoring.uptimeRobot or monitoring.cloudflare in the stack's settings.",
    origin="design",
    level="advisory",
    judge=_tells_somebody,
)
