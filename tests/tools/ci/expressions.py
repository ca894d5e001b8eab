"""Conditions of pipelines, evaluated as the forges document them.

https://docs.gitlab.com/ci/jobs/job_rules/#cicd-variable-expressions; those of GitHub are read by its twin.
"""

from __future__ import annotations

import re

_GITLAB = re.compile(
    r"\s*(?:(?P<and>&&)|(?P<or>\|\|)|(?P<op>==|!=|=~|!~)|(?P<variable>\$\w+)|\"(?P<text>[^\"]*)\"|/(?P<pattern>[^/]*)/)"
)


def _tokens(pattern, text):
    end = 0
    while token := pattern.match(text, end):
        end = token.end()
        yield token
    assert not text[end:].strip(), f"{text!r} is not understood"


def gitlab(condition, variables):
    """Whether ``rules:if`` holds."""
    return any(all(map(bool, _comparisons(part, variables))) for part in _split(condition))


def _split(condition):
    return [part.split("&&") for part in condition.split("||")]


def _comparisons(parts, variables):
    for part in parts:
        values, operator = [], ""
        for token in _tokens(_GITLAB, part):
            if token["op"]:
                operator = token["op"]
            elif token["variable"]:
                values.append(variables.get(token["variable"][1:]))
            else:
                values.append(token["pattern"] if token["pattern"] is not None else token["text"])
        yield _compared(operator, values)


def _compared(operator, values):
    if not operator:
        return bool(values[0])
    left, right = values
    return {
        "==": lambda: left == right,
        "!=": lambda: left != right,
        "=~": lambda: re.search(right, left or "") is not None,
        "!~": lambda: re.search(right, left or "") is None,
    }[operator]()
