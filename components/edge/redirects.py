"""Where visitors are sent before any platform is asked: from the bare domain, and to the slash of a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pulumi

from components.edge.args import EdgeArgs
from components.edge.zone import declare_ruleset
from components.sdk import lazily
from website import packed

if TYPE_CHECKING:
    import pulumi_cloudflare as cloudflare
else:
    cloudflare = lazily("pulumi_cloudflare")

PHASE = "http_request_dynamic_redirect"
#: Characters for paths in one rule; with the rest it stays under the 4,096 of an expression.
#: https://developers.cloudflare.com/ruleset-engine/rules-language/expressions/#maximum-rule-expression-length
_ROOM = 3_700


def declare_redirects(
    name: str, args: EdgeArgs, folders: pulumi.Output[list[str]] | None, opts: pulumi.ResourceOptions
) -> cloudflare.Ruleset | None:
    """From the bare domain to the site, path and query kept; and from each of ``folders`` to the one with a slash.

    ``folders`` are percent-encoded paths; None where every platform adds the slash itself.
    """
    own = [] if args.apex == args.hostname else [_from_apex(args)]
    if folders is None:
        return declare_ruleset(name, args, PHASE, own, opts) if own else None
    rules = folders.apply(lambda paths: [*own, *slash_rules(args.hostname, paths or [])])
    return declare_ruleset(name, args, PHASE, rules, opts)


def slash_rules(hostname: str, paths: Sequence[str]) -> list[cloudflare.RulesetRuleArgs]:
    """As many rules as the paths need room."""
    return [_to_slash(hostname, group) for group in packed(paths, _ROOM)]


def _from_apex(args: EdgeArgs) -> cloudflare.RulesetRuleArgs:
    target = f'concat("https://{args.hostname}", http.request.uri.path)'
    return _rule("apex", f"{args.apex} to {args.hostname}", f'(http.host eq "{args.apex}")', target)


def _to_slash(hostname: str, paths: Sequence[str]) -> cloudflare.RulesetRuleArgs:
    listed = " ".join('"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"' for path in paths)
    expression = f'(http.host eq "{hostname}" and http.request.uri.path in {{{listed}}})'
    ref = f"slash-{hashlib.sha256(listed.encode()).hexdigest()[:16]}"
    return _rule(ref, f"folders from {paths[0]}", expression, 'concat(http.request.uri.path, "/")')


def _rule(ref: str, description: str, expression: str, target: str) -> cloudflare.RulesetRuleArgs:
    # The ref is stable, or each change of a rule gives it a new id.
    from_value = cloudflare.RulesetRuleActionParametersFromValueArgs(
        status_code=301,
        target_url=cloudflare.RulesetRuleActionParametersFromValueTargetUrlArgs(expression=target),
        preserve_query_string=True,
    )
    return cloudflare.RulesetRuleArgs(
        ref=ref,
        description=description,
        expression=expression,
        action="redirect",
        action_parameters=cloudflare.RulesetRuleActionParametersArgs(from_value=from_value),
        enabled=True,
    )
