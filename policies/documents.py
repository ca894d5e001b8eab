"""AWS policy documents: who may do what to what, under which conditions.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policies.values import NotKnown, Unknown

#: Operators that compare with a whole value. With ``IfExists`` or behind ``ForAllValues:`` a request without the key
#: passes, so those bind nobody.
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
_EXACT = {"stringequals", "arnequals"}
_LIKE = {"stringlike", "arnlike"}
_ANY_VALUE = "foranyvalue:"
_WILDCARDS = frozenset("*?")
_VARIABLE = "${"


class NotADocument(Exception):
    """The text is no policy document; says what is wrong with it, never what stands in it."""


@dataclass(frozen=True)
class Statement:
    """One statement; the words are lists, whatever the document wrote."""

    effect: str
    principals: tuple[tuple[str, str], ...]
    """Pairs of kind and name: (AWS, arn…), (Service, cloudfront.amazonaws.com), (Federated, arn…), (*, *)."""
    excludes_principals: bool
    """NotPrincipal: everybody but the named ones, whoever those are."""
    actions: tuple[str, ...]
    """In small letters. NotAction counts as ``*``: everything but the named ones."""
    resources: tuple[str, ...]
    """NotResource counts as ``*``."""
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Operator and key in small letters, and the values."""

    @property
    def allows(self) -> bool:
        """Whether it gives something."""
        return self.effect == "allow"

    def names_everybody(self) -> bool:
        """Whether any principal at all is meant, as by ``*`` or ``{"AWS": "*"}``."""
        return self.excludes_principals or any(name == "*" for _, name in self.principals)

    def of(self, kind: str) -> list[str]:
        """Names of the principals of one kind, which is given in small letters."""
        return [name for found, name in self.principals if found.lower() == kind]

    def fixed(self, key: str, *, like: bool = False) -> list[str] | None:
        """Values that the condition key must have; None where it is not bound to fixed ones.

        A value with a wildcard or a variable is not fixed. ``like`` takes StringLike and ArnLike as well.
        """
        operators = _EXACT | _LIKE if like else _EXACT
        for operator, found, values in self.conditions:
            plain = operator.removeprefix(_ANY_VALUE)
            if found == key.lower() and plain in operators and values and all(map(is_fixed, values)):
                return list(values)
        return None


def is_fixed(value: str) -> bool:
    """Whether a value means one thing only."""
    return bool(value) and not _WILDCARDS & set(value) and _VARIABLE not in value


def statements(raw: Any) -> list[Statement]:
    """Statements of a document: its JSON text, or the object itself. Raises NotADocument, NotKnown."""
    if isinstance(raw, Unknown):
        raise NotKnown(raw.path)
    document = _parsed(raw)
    found = document.get("Statement")
    listed = [one for one in (found if isinstance(found, list) else [found]) if isinstance(one, Mapping)]
    if not listed or (isinstance(found, list) and len(listed) != len(found)):
        raise NotADocument("has no statements")
    return [_statement(one) for one in listed]


def _parsed(raw: Any) -> Mapping[str, Any]:
    if isinstance(raw, str):
        try:
            raw = json.loads(raw)
        except (ValueError, RecursionError):
            raise NotADocument("is no JSON") from None
    if not isinstance(raw, Mapping):
        raise NotADocument("is no JSON object")
    return raw


def _statement(given: Mapping[str, Any]) -> Statement:
    effect = given.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise NotADocument("has a statement that neither allows nor denies")
    return Statement(
        effect=effect.lower(),
        principals=tuple(_principals(given.get("Principal"))),
        excludes_principals="NotPrincipal" in given,
        actions=("*",) if "NotAction" in given else tuple(action.lower() for action in _words(given.get("Action"))),
        resources=("*",) if "NotResource" in given else tuple(_words(given.get("Resource"))),
        conditions=tuple(_conditions(given.get("Condition"))),
    )


def _principals(given: Any) -> Iterator[tuple[str, str]]:
    if isinstance(given, Mapping):
        for kind, names in given.items():
            yield from ((kind, name) for name in _words(names))
    else:
        yield from (("*", name) for name in _words(given))


def _conditions(given: Any) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    if given is None:
        return
    if not isinstance(given, Mapping) or not all(isinstance(keys, Mapping) for keys in given.values()):
        raise NotADocument("has a condition that is no object")
    for operator, keys in given.items():
        for key, values in keys.items():
            yield operator.lower(), key.lower(), tuple(_words(values))


def _words(given: Any) -> list[str]:
    if given is None:
        return []
    listed = given if isinstance(given, list) else [given]
    return [str(word).lower() if isinstance(word, bool) else str(word) for word in listed]
