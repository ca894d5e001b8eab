"""The IAM resource types of ``pulumi-aws`` that the program declares: who is trusted, and what they may do.

A wildcard in a token's subject is taken, as IAM takes it.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from typing import ClassVar

from sandbox.platforms.aws.account import ACCOUNT
from sandbox.provider.resource_type import UNKNOWN, Inputs, Outputs, Refused
from sandbox.provider.stored import StoredType
from sandbox.store import Document

ISSUER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_LONGEST_NAME, _LARGEST_TRUST, _LARGEST_GRANT, _MOST_AUDIENCES = 64, 2048, 10240, 100
_NAME = r"[\w+=,.@-]{1,%d}"


def _statements(policy: str, allowed: Sequence[str], wanted: Sequence[Sequence[str]]) -> None:
    """Raise Refused unless the document is a policy whose statements have one field of each group in ``wanted``.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
    """
    document = json.loads(policy)
    found = document.get("Statement") if isinstance(document, dict) else None
    listed = [found] if isinstance(found, dict) else found
    if not isinstance(listed, list) or not listed:
        raise Refused("MalformedPolicyDocument: Syntax errors in policy.")
    for statement in listed:
        if not isinstance(statement, dict) or statement.get("Effect") not in {"Allow", "Deny"}:
            raise Refused("MalformedPolicyDocument: Syntax errors in policy.")
        for field in set(statement) - {*allowed, "Sid", "Effect", "Condition"}:
            raise Refused(f"MalformedPolicyDocument: Has prohibited field {field}")
        for group in wanted:
            if not any(statement.get(field) for field in group):
                raise Refused(f"MalformedPolicyDocument: Policy statement must contain {group[0].lower()}s.")


def _json_mistakes(inputs: Inputs, key: str) -> list[tuple[str, str]]:
    """The provider looks at the JSON itself, already at preview."""
    text = inputs.get(key)
    if text in {None, UNKNOWN} or not isinstance(text, str):
        return []
    try:
        json.loads(text)
    except ValueError:
        return [(key, f'"{key}" contains an invalid JSON policy: not a JSON object')]
    return []


class OpenIdConnectProvider(StoredType):
    """``aws.iam.OpenIdConnectProvider``; one for each issuer."""

    token = ISSUER
    required = ("url", "clientIdLists")
    replaced_by = frozenset({"url"})
    computed = frozenset({"arn", "thumbprintLists", "tagsAll"})

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """An issuer is asked over TLS."""
        url = inputs.get("url", UNKNOWN)
        wrong = url != UNKNOWN and not re.fullmatch(r"https://[^\s?#]{1,247}", str(url))
        return [*super().check(inputs), *([("url", f"{url!r} must be an https URL")] if wrong else [])]

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """Twice the same issuer; audiences."""
        if identifier is None and self.store.get(self.token, self.identify(inputs)) is not None:
            raise Refused(f"EntityAlreadyExists: Provider with url {inputs['url']} already exists.")
        audiences = inputs["clientIdLists"]
        if len(audiences) > _MOST_AUDIENCES:
            raise Refused(
                f"LimitExceeded: Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {_MOST_AUDIENCES}"
            )
        if any(not 1 <= len(audience) <= 255 for audience in audiences):
            raise Refused("InvalidInput: a client ID has 1 to 255 characters")

    def identify(self, inputs: Inputs) -> str:
        """The ARN."""
        return f"arn:aws:iam::{ACCOUNT}:oidc-provider/{str(inputs['url']).removeprefix('https://').rstrip('/')}"

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """The certificate's thumbprint is fetched by AWS where none is given."""
        given = inputs.get("thumbprintLists") or (old or {}).get("thumbprintLists") or [secrets.token_hex(20)]
        return {"arn": identifier, "thumbprintLists": given, "tagsAll": inputs.get("tags", {})}


class Role(StoredType):
    """``aws.iam.Role``; its id is its name."""

    token = ROLE
    named = "name"
    required: ClassVar[tuple[str, ...]] = ("assumeRolePolicy",)
    replaced_by = frozenset({"name", "namePrefix", "path"})
    computed = frozenset({"arn", "uniqueId", "createDate", "tagsAll"})

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """Documents, names and durations that there can be."""
        failures = [*super().check(inputs), *_json_mistakes(inputs, "assumeRolePolicy")]
        name, seconds = inputs.get("name", UNKNOWN), inputs.get("maxSessionDuration", UNKNOWN)
        if name != UNKNOWN and not re.fullmatch(_NAME % _LONGEST_NAME, str(name)):
            failures.append(("name", f"must match [\\w+=,.@-] and have at most {_LONGEST_NAME} characters"))
        if seconds not in {None, UNKNOWN} and not 3600 <= int(seconds) <= 43200:
            failures.append(("maxSessionDuration", "expected to be in the range (3600 - 43200)"))
        return failures

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """Names are unique, and a trust policy names no resource."""
        if identifier is None and self.store.get(self.token, inputs["name"]) is not None:
            raise Refused(f"EntityAlreadyExists: Role with name {inputs['name']} already exists.")
        if len(inputs["assumeRolePolicy"]) > _LARGEST_TRUST:
            raise Refused(f"LimitExceeded: Cannot exceed quota for ACLSizePerRole: {_LARGEST_TRUST}")
        _statements(
            inputs["assumeRolePolicy"],
            ("Principal", "NotPrincipal", "Action"),
            [("Principal", "NotPrincipal"), ("Action",)],
        )

    def in_use(self, identifier: str, document: Document) -> None:
        """A role goes after its policies."""
        if any(found["role"] == identifier for found in self.store.all(ROLE_POLICY).values()):
            raise Refused("DeleteConflict: Cannot delete entity, must delete policies first.")

    def identify(self, inputs: Inputs) -> str:
        """The name."""
        return str(inputs["name"])

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """ARN and id."""
        kept: Outputs = {key: old[key] for key in ("uniqueId", "createDate") if key in old} if old else {}
        path = inputs.get("path") or "/"
        made: Outputs = {"uniqueId": f"AROA{secrets.token_hex(8).upper()}", "createDate": "2026-01-01T00:00:00Z"}
        return {
            "arn": f"arn:aws:iam::{ACCOUNT}:role{path}{identifier}",
            "path": path,
            "maxSessionDuration": inputs.get("maxSessionDuration", 3600),
            "tagsAll": inputs.get("tags", {}),
            **made,
            **kept,
        }


class RolePolicy(StoredType):
    """``aws.iam.RolePolicy``: what a role may do; its id is the role's name and its own."""

    token = ROLE_POLICY
    named = "name"
    required = ("role", "policy")
    replaced_by = frozenset({"name", "namePrefix", "role"})

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """The provider looks at the JSON."""
        return [*super().check(inputs), *_json_mistakes(inputs, "policy")]

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """The role must be there; the policy names no principal and is not too large with its neighbours."""
        if self.store.get(ROLE, inputs["role"]) is None:
            raise Refused(f"NoSuchEntity: The role with name {inputs['role']} cannot be found.")
        _statements(
            inputs["policy"],
            ("Action", "NotAction", "Resource", "NotResource"),
            [("Action", "NotAction"), ("Resource", "NotResource")],
        )
        others = [
            found
            for key, found in self.store.all(self.token).items()
            if found["role"] == inputs["role"] and key != self.identify(inputs)
        ]
        sizes = [len(re.sub(r"\s", "", one["policy"])) for one in [*others, inputs]]
        if sum(sizes) > _LARGEST_GRANT:
            raise Refused(
                f"LimitExceeded: Maximum policy size of {_LARGEST_GRANT} bytes exceeded for role {inputs['role']}"
            )

    def identify(self, inputs: Inputs) -> str:
        """Role and name."""
        return f"{inputs['role']}:{inputs['name']}"
