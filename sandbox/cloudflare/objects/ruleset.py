"""Rulesets of the zone.

https://developers.cloudflare.com/ruleset-engine/
"""

from __future__ import annotations

from typing import ClassVar

from sandbox.cloudflare.errors import ApiError
from sandbox.cloudflare.expressions import ExpressionError, parse
from sandbox.cloudflare.objects.base import Kind, Objects
from sandbox.store import Document

#: Phase → the action of its rules. Others exist; the edge of the sandbox runs these.
_ACTIONS = {
    "http_request_dynamic_redirect": "redirect",
    "http_request_cache_settings": "set_cache_settings",
    "http_response_headers_transform": "rewrite",
}
#: Rules that a zone on the free plan has in a phase: https://developers.cloudflare.com/rules/transform/#availability,
#: https://developers.cloudflare.com/rules/url-forwarding/single-redirects/#availability,
#: https://developers.cloudflare.com/cache/how-to/cache-rules/#availability
_MOST_RULES = 10
#: Headers that a rule cannot set: https://developers.cloudflare.com/rules/transform/response-header-modification/
_FIXED_HEADERS = frozenset({"server", "cf-ray", "cf-cache-status", "connection", "transfer-encoding", "content-length"})
_STATUSES = frozenset({301, 302, 303, 307, 308})


class RulesetKind(Kind):
    """The rules of one phase."""

    name = "ruleset"
    missing = "could not find ruleset"
    missing_code = 10003
    initial: ClassVar[dict[str, object]] = {"rules": []}
    carried = ("version",)

    @classmethod
    def complete(cls, given: Document, objects: Objects) -> Document:
        """Rules are enabled unless they say otherwise; each change makes a new version."""
        document = {**cls.initial, **given}
        document["rules"] = [{"enabled": True, **rule} for rule in document["rules"]]
        document["version"] = str(int(document.get("version", 0)) + 1)
        document["last_updated"] = objects.now()
        return document

    @classmethod
    def check(cls, document: Document, objects: Objects) -> None:
        """One ruleset a phase; every expression parses; redirects have a target."""
        phase = document.get("phase")
        if phase not in _ACTIONS or document.get("kind") != "zone":
            raise ApiError(400, 20021, f"the sandbox's edge runs zone rulesets of {', '.join(_ACTIONS)}, not {phase}")
        if any(found["phase"] == phase and found["id"] != document["id"] for found in objects.all(cls)):
            # Words: https://github.com/cloudflare/terraform-provider-cloudflare/issues/6273
            reason = f"exceeded maximum number of zone rulesets for phase {phase}"
            raise ApiError(400, 20217, f"'zone' is not a valid value for kind because {reason}")
        if len(document["rules"]) > _MOST_RULES:
            raise ApiError(400, 20217, f"exceeded maximum number of rules in the phase {phase}: {_MOST_RULES}")
        for rule in document["rules"]:
            _check_rule(rule, _ACTIONS[phase])


def _check_rule(rule: Document, action: str) -> None:
    if rule.get("action") != action:
        raise ApiError(400, 20016, f"'{rule.get('action')}' is not a valid value for action in this phase")
    _parsed(str(rule.get("expression", "")))
    parameters = rule.get("action_parameters") or {}
    if action == "rewrite":
        _check_headers(parameters.get("headers") or {})
    if action == "redirect":
        _check_redirect(parameters)


def _check_headers(headers: Document) -> None:
    if not headers:
        raise ApiError(400, 20044, "a rewrite of headers names at least one")
    for name, change in headers.items():
        operation = change.get("operation")
        if operation not in {"set", "add", "remove"}:
            raise ApiError(400, 20044, f"'{operation}' is not a valid operation on header {name}")
        if operation != "remove" and bool(change.get("value")) == bool(change.get("expression")):
            raise ApiError(400, 20044, f"header {name} needs either value or expression")
        if name.lower() in _FIXED_HEADERS:
            raise ApiError(400, 20044, f"header {name} cannot be modified")
        if change.get("expression"):
            _parsed(str(change["expression"]))


def _check_redirect(parameters: Document) -> None:
    source = parameters.get("from_value") or {}
    target = source.get("target_url") or {}
    if bool(target.get("value")) == bool(target.get("expression")):
        raise ApiError(400, 20044, "target_url needs either value or expression")
    if source.get("status_code", 302) not in _STATUSES:
        raise ApiError(400, 20044, f"{source.get('status_code')} is not a status code of a redirect")
    if target.get("expression"):
        _parsed(str(target["expression"]))


def _parsed(text: str) -> None:
    try:
        parse(text)
    except ExpressionError as error:
        raise ApiError(400, 20127, f"filter parsing error: {error}") from error
