"""Conditions of pipelines, evaluated as the forges document them.

https://docs.gitlab.com/ci/jobs/job_rules/#cicd-variable-expressions,
https://docs.github.com/en/actions/reference/workflows-and-actions/expressions
"""

from __future__ import annotations

import json
import re

_GITLAB = re.compile(
    r"\s*(?:(?P<and>&&)|(?P<or>\|\|)|(?P<op>==|!=|=~|!~)|(?P<variable>\$\w+)|\"(?P<text>[^\"]*)\"|/(?P<pattern>[^/]*)/)"
)
_GITHUB = re.compile(
    r"\s*(?:(?P<and>&&)|(?P<or>\|\|)|(?P<op>==|!=)|(?P<punctuation>[(),])|'(?P<text>[^']*)'"
    r"|(?P<call>\w+)(?=\()|(?P<name>[A-Za-z_][\w.-]*))"
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


def github(expression, contexts):
    """Value of what stands between ``${{`` and ``}}``, or behind ``if:``."""
    code = []
    for token in _tokens(_GITHUB, expression):
        if token["text"] is not None:
            code.append(repr(token["text"]))
        elif token["name"]:
            code.append({"true": "True", "false": "False"}.get(token["name"], f"look({token['name']!r})"))
        else:
            words = {"&&": " and ", "||": " or "}
            code.append(words.get(token[0].strip(), token[0].strip()))
    names = {"look": lambda path: _look(contexts, path), **_functions(contexts)}
    return eval("".join(code), {"__builtins__": {}}, names)


def _functions(contexts):
    return {
        "format": lambda text, *values: text.format(*values),
        "fromJSON": json.loads,
        "always": lambda: True,
        "hashFiles": lambda *names: "0",
        "contains": lambda whole, part: part in whole,
    }


def _look(contexts, path):
    found = contexts
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return "" if found is None else found


def github_text(text, contexts):
    """A value with its expressions filled in."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda match: str(github(match[1], contexts)), str(text))
