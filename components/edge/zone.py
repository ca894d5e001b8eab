"""The zone around the site: DNS records, settings, redirect and cache rules. The zone itself is not managed here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pulumi

from components.edge.args import EdgeArgs
from components.sdk import lazily

if TYPE_CHECKING:
    import pulumi_cloudflare as cloudflare
else:
    cloudflare = lazily("pulumi_cloudflare")

#: What a record on Cloudflare's proxy needs for its TTL; also "automatic" elsewhere.
AUTOMATIC_TTL = 1
#: Address of a proxied record that has no server behind it (discard prefix, RFC 6666).
#: https://developers.cloudflare.com/dns/troubleshooting/faq/
NO_SERVER = "100::"
#: Authorities from which Cloudflare gets the zone's certificates; no other one may issue any.
#: https://developers.cloudflare.com/ssl/reference/certificate-authorities/#caa-records
AUTHORITIES = {
    "google": "pki.goog; cansignhttpexchanges=yes",
    "letsencrypt": "letsencrypt.org",
    "sectigo": "sectigo.com",
    "ssl": "ssl.com",
}
#: Settings that are the same for every site. The ones that are off would change bytes on their way to the visitor;
#: browser_cache_ttl 0 leaves Cache-Control as the platforms send it (the default lengthens it to four hours).
#: https://developers.cloudflare.com/cache/how-to/edge-browser-cache-ttl/
SETTINGS: Mapping[str, Any] = {
    "always_online": "off",
    "always_use_https": "on",
    "automatic_https_rewrites": "off",
    "browser_cache_ttl": 0,
    "email_obfuscation": "off",
    "min_tls_version": "1.2",
    "rocket_loader": "off",
    "ssl": "strict",
    "tls_1_3": "on",
}
_MAX_AGE = re.compile(r'max-age="?(\d+)"?')


def declare_records(name: str, args: EdgeArgs, opts: pulumi.ResourceOptions) -> list[cloudflare.DnsRecord]:
    """Record for the bare domain, and who may issue certificates. The site's own name is declared with what serves it.

    Names are fully qualified: ``@`` comes back as the zone's name, which shows as a change.
    https://github.com/cloudflare/terraform-provider-cloudflare/issues/5378
    """
    records = [
        _declare_authority(f"{name}-caa-{key}", args, "issue", value, opts) for key, value in AUTHORITIES.items()
    ]
    if args.notification_email:
        contact = f"mailto:{args.notification_email}"
        records.append(_declare_authority(f"{name}-caa-contact", args, "iodef", contact, opts))
    if args.apex != args.hostname:
        records.append(_declare_apex(f"{name}-apex", args, opts))
    return records


def declare_settings(name: str, args: EdgeArgs, opts: pulumi.ResourceOptions) -> list[cloudflare.ZoneSetting]:
    """One resource for each setting of the zone.

    Their options never depend on the stack: a change of options alone is sent as an empty request and refused.
    https://github.com/pulumi/pulumi-cloudflare/issues/1319
    """
    wanted = {**SETTINGS, "security_header": {"strict_transport_security": transport_security(args.headers)}}
    return [
        cloudflare.ZoneSetting(
            f"{name}-{key.replace('_', '-')}", zone_id=args.zone_id, setting_id=key, value=value, opts=opts
        )
        for key, value in wanted.items()
    ]


def transport_security(headers: Mapping[str, str]) -> dict[str, Any]:
    """The zone's HSTS setting, made from the stack's security headers.

    It is always declared, because once it is on in a zone it overrides what the platforms send, for every page.
    https://developers.cloudflare.com/ssl/edge-certificates/additional-options/http-strict-transport-security/
    """
    lower = {name.lower(): value for name, value in headers.items()}
    value = lower.get("strict-transport-security", "")
    directives = [part.strip().lower() for part in value.split(";")]
    found = next(filter(None, map(_MAX_AGE.fullmatch, directives)), None)
    max_age = int(found[1]) if found else 0
    return {
        "enabled": max_age > 0,
        "max_age": max_age,
        "include_subdomains": "includesubdomains" in directives,
        "preload": "preload" in directives,
        "nosniff": lower.get("x-content-type-options", "").strip().lower() == "nosniff",
    }


def declare_caching(name: str, args: EdgeArgs, opts: pulumi.ResourceOptions) -> cloudflare.Ruleset:
    """Cloudflare keeps what the site's own Cache-Control allows, as long as it allows, and nothing else.

    Its defaults would keep files without the header for hours, errors for minutes, and one release's files into the
    next, since its cache knows URLs and no platforms. Strong ETags also forbid it to change bytes.
    https://developers.cloudflare.com/cache/how-to/cache-rules/settings/
    """
    parameters = cloudflare.RulesetRuleActionParametersArgs(
        cache=True,
        edge_ttl=cloudflare.RulesetRuleActionParametersEdgeTtlArgs(mode="bypass_by_default"),
        browser_ttl=cloudflare.RulesetRuleActionParametersBrowserTtlArgs(mode="respect_origin"),
        serve_stale=cloudflare.RulesetRuleActionParametersServeStaleArgs(disable_stale_while_updating=True),
        respect_strong_etags=True,
    )
    rule = cloudflare.RulesetRuleArgs(
        ref="site",
        description=f"{args.hostname}: as its Cache-Control says",
        expression=f'(http.host eq "{args.hostname}")',
        action="set_cache_settings",
        action_parameters=parameters,
        enabled=True,
    )
    return declare_ruleset(name, args, "http_request_cache_settings", [rule], opts)


def declare_ruleset(
    name: str,
    args: EdgeArgs,
    phase: str,
    rules: pulumi.Input[Sequence[cloudflare.RulesetRuleArgs]],
    opts: pulumi.ResourceOptions,
) -> cloudflare.Ruleset:
    """The rules of a phase: a zone has one ruleset for each, and a second resource on it is refused (code 20217)."""
    # The name the service gives to a phase's ruleset; another one would replace it, rules and all.
    return cloudflare.Ruleset(
        name, zone_id=args.zone_id, name="default", kind="zone", phase=phase, rules=rules, opts=opts
    )


def _declare_apex(name: str, args: EdgeArgs, opts: pulumi.ResourceOptions) -> cloudflare.DnsRecord:
    return declare_proxied(name, args, args.apex, f"redirected to {args.hostname}", opts)


def declare_proxied(
    name: str, args: EdgeArgs, hostname: str, comment: str, opts: pulumi.ResourceOptions
) -> cloudflare.DnsRecord:
    """A name that is answered at Cloudflare's edge, with no server behind it."""
    return cloudflare.DnsRecord(
        name,
        zone_id=args.zone_id,
        name=hostname,
        type="AAAA",
        content=NO_SERVER,
        proxied=True,
        ttl=AUTOMATIC_TTL,
        comment=comment,
        opts=opts,
    )


def _declare_authority(
    name: str, args: EdgeArgs, tag: str, value: str, opts: pulumi.ResourceOptions
) -> cloudflare.DnsRecord:
    return cloudflare.DnsRecord(
        name,
        zone_id=args.zone_id,
        name=args.apex,
        type="CAA",
        ttl=AUTOMATIC_TTL,
        data=cloudflare.DnsRecordDataArgs(flags=0, tag=tag, value=value),
        opts=opts,
    )
