"""Whether a bucket policy lets CloudFront read an object.

Evaluation: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html; the request of a
distribution with origin access control:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from sandbox.platforms.aws.account import ACCOUNT
from sandbox.store import Document

SERVICE = "cloudfront.amazonaws.com"


class MalformedPolicy(ValueError):
    """The policy is not one."""


def statements(policy: str | Document) -> list[Document]:
    """Statements of a policy. Raises MalformedPolicy."""
    try:
        document = json.loads(policy) if isinstance(policy, str) else policy
        found = document["Statement"]
    except (ValueError, KeyError, TypeError):
        raise MalformedPolicy("This policy contains invalid Json") from None
    listed = [found] if isinstance(found, dict) else found
    for statement in listed:
        missing = {"Effect", "Principal", "Action", "Resource"} - set(statement)
        if missing or statement["Effect"] not in {"Allow", "Deny"}:
            raise MalformedPolicy(f"Missing required field {', '.join(sorted(missing)) or 'Effect'}")
    return list(listed)


def resources(statement: Document) -> list[str]:
    """ARNs that a statement is about."""
    return _listed(statement["Resource"])


def is_public(statement: Document) -> bool:
    """Whether a statement lets anybody in."""
    principal = statement["Principal"]
    anybody = principal == "*" or (isinstance(principal, dict) and "*" in _listed(principal.get("AWS", [])))
    return statement["Effect"] == "Allow" and anybody and not statement.get("Condition")


def distribution_may(policy: str | Document, action: str, resource: str, distribution_arn: str) -> bool:
    """Whether a signed request of the distribution may do ``action``; a Deny wins over any Allow."""
    request = {
        "aws:sourcearn": distribution_arn,
        "aws:sourceaccount": ACCOUNT,
        # CloudFront speaks TLS to S3 whenever the visitor does, and the plain port here stands for TLS.
        "aws:securetransport": "true",
    }
    applying = [found for found in statements(policy) if _applies(found, action, resource, request)]
    return any(found["Effect"] == "Allow" for found in applying) and all(
        found["Effect"] == "Allow" for found in applying
    )


def _applies(statement: Document, action: str, resource: str, request: Mapping[str, str]) -> bool:
    principal = statement["Principal"]
    named = principal == "*" or (
        isinstance(principal, dict)
        and (SERVICE in _listed(principal.get("Service", [])) or "*" in _listed(principal.get("AWS", [])))
    )
    return (
        named
        and any(fnmatchcase(action.lower(), pattern.lower()) for pattern in _listed(statement["Action"]))
        and any(fnmatchcase(resource, _literal_brackets(pattern)) for pattern in resources(statement))
        and all(_holds(kind, keys, request) for kind, keys in statement.get("Condition", {}).items())
    )


def _holds(operator: str, keys: Mapping[str, Any], request: Mapping[str, str]) -> bool:
    """A condition block; operators that are not known here never hold."""
    if operator not in {"StringEquals", "StringLike", "ArnEquals", "ArnLike", "Bool"}:
        return False
    like = operator not in {"StringEquals", "Bool"}
    for key, wanted in keys.items():
        value = request.get(key.lower())
        patterns = [str(item).lower() if operator == "Bool" else str(item) for item in _listed(wanted)]
        if value is None or not any(
            fnmatchcase(value, _literal_brackets(pattern)) if like else value == pattern for pattern in patterns
        ):
            return False
    return True


def _literal_brackets(pattern: str) -> str:
    return pattern.replace("[", "[[]")


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
