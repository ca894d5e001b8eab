"""Reads ``_redirects``: ``source target [status][!]``, one a line, in the syntax of Netlify and Cloudflare Pages.

Of that syntax, what all platforms can do alike: exact paths and a splat at the end. The rest is an error and not
dropped. https://docs.netlify.com/manage/routing/redirects/overview/#syntax-for-the-_redirects-file
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote, urlsplit

from website.errors import Problem, printable
from website.rulefile import Mistake, decoded_path, lines_of
from website.rules import SPLAT, Redirect, url_encoded

NAME: Final = "_redirects"

_STATUSES: Final = (301, 302, 307, 308, 200)
_PLACEHOLDER: Final = re.compile(r"/:(?!splat\b)[A-Za-z_]\w*")
_CONDITION: Final = re.compile(r"(country|language|role|cookie|signed)=", re.IGNORECASE)
_LONGEST_CHAIN: Final = 20


def parse_redirects(content: bytes) -> tuple[tuple[Redirect, ...], list[Problem]]:
    """Rules in the order of the file, and every line that is not one."""
    rules: dict[str, Redirect] = {}
    problems: list[Problem] = []
    for number, text in lines_of(NAME, content, problems):
        words = _words(text)
        if not words:
            continue
        try:
            rule = _rule(words, number)
            if rule.source in rules:
                _fail(
                    f"{printable(rule.source)} has a rule in line {rules[rule.source].line} already, "
                    "and the first one wins. Delete one of the two"
                )
            rules[rule.source] = rule
        except Mistake as mistake:
            problems.append(Problem(NAME, number, f"{mistake}."))
    return tuple(rules.values()), problems


def _words(text: str) -> list[str]:
    words = text.split()
    comment = next((place for place, word in enumerate(words) if word.startswith("#")), len(words))
    return words[:comment]


def _fail(text: str) -> None:
    raise Mistake(text)


def _rule(words: list[str], number: int) -> Redirect:
    if len(words) < 2:
        _fail("a rule needs a source and a target: `/old /new 301`. Add the target or delete the line")
    source, target = words[:2]
    if ("=" in target and not target.startswith(("/", "http"))) or _CONDITION.match(target):
        _fail("query parameters and conditions are not known to every platform. Write `source target status` only")
    status, force = _status(words[2:])
    _check_source(source)
    plain = decoded_path(source)
    _check_splat(plain, target)
    final = _file_target(target) if status == 200 else _location(target)
    return Redirect(plain, final, status, force, number)


def _status(words: list[str]) -> tuple[int, bool]:
    if not words:
        return 301, False
    if any(_CONDITION.match(word) or "=" in word for word in words):
        _fail("conditions (Country=…, Language=…, Role=…) are not known to every platform. Delete them from the line")
    if len(words) > 1:
        _fail("the line has more than source, target and status. Put a comment behind ` #`, and encode spaces as %20")
    text = words[0].removesuffix("!")
    if text not in map(str, _STATUSES):
        allowed = ", ".join(map(str, _STATUSES))
        _fail(f"{printable(words[0])} is not a status that every platform can send. Use one of {allowed}")
    return int(text), words[0].endswith("!")


def _check_source(source: str) -> None:
    if not source.startswith("/") or source.startswith("//"):
        _fail("the source must be a path of this site that begins with one slash: /old-page")
    if "?" in source or "#" in source:
        _fail("the source cannot hold a query (?) or a fragment (#): platforms match the path only. Cut it off")
    if _PLACEHOLDER.search(source) or "/:splat" in source:
        _fail(
            "placeholders (/:name) are not known to every platform. End the source in /*, and use :splat in the target"
        )
    if "*" in source.removesuffix("/*"):
        _fail("* can only stand at the end of the source, as /*. Write a rule for each case")


def _check_splat(source: str, target: str) -> None:
    if _PLACEHOLDER.search(urlsplit(target).path):
        _fail("placeholders (/:name) are not known to every platform. Use :splat, with a source that ends in /*")
    if SPLAT in target and not source.endswith("/*"):
        _fail("the target has :splat, but the source does not end in /*. Change one of them")
    if "*" in target:
        _fail("the target has a *, which stands for nothing there. Use :splat")


def _file_target(target: str) -> str:
    if not target.startswith("/") or target.startswith("//"):
        _fail(
            "status 200 serves a file of this site, so the target must be a path. Other hosts need a redirect, e.g. 302"
        )
    if "?" in target or "#" in target:
        _fail("status 200 serves a file, which has no query (?) or fragment (#). Cut it off")
    return decoded_path(target)


def _location(target: str) -> str:
    if target.startswith("/"):
        if target.startswith(("//", "/\\")):
            _fail("two slashes in front name another host. Write https:// if that is meant, else one slash")
    elif not _is_web_address(target):
        _fail(
            "the target must be a path that begins with / or an address that begins with https:// or "
            "http:// and has a plain host name (in xn-- form where it is not ASCII, no user, no :splat in it)"
        )
    if "\\" in target:
        _fail("the target has a backslash, which browsers take for a slash. Use /")
    return re.sub(r"[^\x21-\x7e]|[\"<>^`{|}]", lambda char: url_encoded(char[0]), target)


def _is_web_address(target: str) -> bool:
    """A whole address whose host is written out: a splat in it would let a visitor choose where the redirect goes."""
    try:
        parts = urlsplit(target)
        _ = parts.port
    except ValueError:
        return False
    host_is_fixed = bool(parts.hostname) and SPLAT not in parts.netloc and "@" not in parts.netloc
    return parts.scheme in {"https", "http"} and host_is_fixed and parts.netloc.isascii()


def endless_loops(rules: tuple[Redirect, ...], location_of: Callable[[str], str | None]) -> list[Problem]:
    """Rules that send a visitor round and round, or to ever longer addresses of this site.

    ``location_of`` is where the site redirects a decoded path to, or None. Every rule is tried with nothing, a word
    and two folders for its splat; a loop of several rules is met from the one with the longest source.
    """
    problems = []
    for rule in rules:
        if rule.status != 200 and any(_runs_forever(start, location_of) for start in _starts(rule)):
            text = "this rule leads back to itself or never ends, so visitors would see an error. Change its target."
            problems.append(Problem(NAME, rule.line, text))
    return problems


def _starts(rule: Redirect) -> list[str]:
    if not rule.source.endswith("/*"):
        return [rule.source]
    folder = rule.source[:-1]
    return [folder, f"{folder}a-word", f"{folder}two/words"]


def _runs_forever(start: str, location_of: Callable[[str], str | None]) -> bool:
    path = start
    for _ in range(_LONGEST_CHAIN):
        location = location_of(path)
        if location is None or not location.startswith("/"):
            return False
        path = unquote(urlsplit(location).path)
    return True
