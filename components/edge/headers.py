"""Response headers set by the edge, for platforms that cannot send the site's own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pulumi

from components.edge.args import EdgeArgs
from components.sdk import lazily
from website import url_encoded

if TYPE_CHECKING:
    import pulumi_cloudflare as cloudflare
else:
    cloudflare = lazily("pulumi_cloudflare")

PHASE = "http_response_headers_transform"


def declare_headers(
    name: str, args: EdgeArgs, rules: pulumi.Output[dict[str, Any]], opts: pulumi.ResourceOptions
) -> cloudflare.Ruleset:
    """The release's headers, whichever platform answers; setting one that is there already changes nothing.

    ``rules``: as ``website.Manifest`` writes them. Every rule that matches is run, in order, so the last value wins, as
    on the platforms. https://developers.cloudflare.com/rules/transform/response-header-modification/
    """
    return cloudflare.Ruleset(
        name,
        zone_id=args.zone_id,
        name="default",
        kind="zone",
        phase=PHASE,
        rules=rules.apply(lambda found: header_rules(args.hostname, found)),
        opts=opts,
    )


def header_rules(hostname: str, rules: Mapping[str, Any]) -> list[cloudflare.RulesetRuleArgs]:
    """One rule for the headers of the whole site, one for each block of ``_headers``."""
    blocks: list[tuple[str, Sequence[Sequence[str]]]] = [("/*", rules["floor"])]
    blocks += [(block["pattern"], block["headers"]) for block in rules["headers"]]
    return [_rule(hostname, pattern, {pair[0]: pair[1] for pair in pairs}) for pattern, pairs in blocks if pairs]


def _rule(hostname: str, pattern: str, headers: Mapping[str, str]) -> cloudflare.RulesetRuleArgs:
    # A stable ref, or each change of a rule gives it a new id.
    ref = hashlib.sha256(repr((pattern, sorted(headers))).encode()).hexdigest()[:16]
    return cloudflare.RulesetRuleArgs(
        ref=ref,
        description=f"headers of {pattern}",
        expression=_expression(hostname, pattern),
        action="rewrite",
        action_parameters=cloudflare.RulesetRuleActionParametersArgs(
            headers={
                name: cloudflare.RulesetRuleActionParametersHeadersArgs(operation="set", value=value)
                for name, value in headers.items()
            }
        ),
        enabled=True,
    )


def _expression(hostname: str, pattern: str) -> str:
    """Paths stand percent-encoded in the field, as the visitor sent them."""
    host = f'http.host eq "{hostname}"'
    path = url_encoded(pattern.removesuffix("*")).replace("\\", "\\\\").replace('"', '\\"')
    if pattern == "/*":
        return f"({host})"
    if pattern.endswith("/*"):
        return f'({host} and starts_with(http.request.uri.path, "{path}"))'
    return f'({host} and http.request.uri.path eq "{path}")'
