"""Values of a resource, as a policy sees them: plain Python, and two things that have no value to see.

What a preview cannot know is :class:`Unknown`; a judgement that leans on it ends in :class:`NotKnown`, whatever it does
with the value, so that no policy passes by comparing with a placeholder. What is secret is the text :data:`SECRET`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn, TypeVar

from pulumi_policy import Secret, proxy

SECRET: Final = "(secret)"  # noqa: S105 - stands for one
"""Stands for every secret text: a policy never sees one, so it can never show one."""
_UNKNOWN_TEXTS: Final = frozenset(value for name, value in vars(proxy).items() if name.startswith("UNKNOWN_"))
Part = TypeVar("Part")


class NotKnown(Exception):
    """A judgement needs a value that is not known yet; the text is its property path."""


class Unknown:
    """A value that is known during ``up`` only. Whoever looks at it gets :class:`NotKnown`."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    def _look(self, *_: object) -> NoReturn:
        raise NotKnown(self.path)

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _look
    __bool__ = __len__ = __iter__ = __contains__ = __getitem__ = __hash__ = _look
    __str__ = __format__ = __int__ = __float__ = _look

    def __repr__(self) -> str:
        return f"<{self.path} is not known>"


def seen(raw: Any, path: str = "") -> Any:
    """``raw`` (plain, or the SDK's proxies, whose placeholders for unknown values it holds) as policies see it."""
    if isinstance(raw, str):
        return Unknown(path) if raw in _UNKNOWN_TEXTS else raw
    if isinstance(raw, Secret):
        return SECRET
    if isinstance(raw, Mapping):
        inner = behind(raw)
        return {key: seen(inner[key], f"{path}.{key}" if path else str(key)) for key in inner}
    if isinstance(raw, Sequence):
        return [seen(value, f"{path}[{number}]") for number, value in enumerate(behind(raw))]
    return raw


def behind(raw: Any) -> Any:
    """The plain dictionary or list behind a proxy of the SDK, which raises at each unknown value."""
    return raw if isinstance(raw, dict | list) else raw["__target"]


def at(value: Any, *path: str) -> Any:
    """The value at ``path`` below ``value``, None where there is none; what lies below something unknown is unknown."""
    for key in path:
        if isinstance(value, Unknown):
            return value
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def is_set(value: Any) -> bool:
    """Whether there is a value, known or not; nothing, an empty text or an empty list is none."""
    return isinstance(value, Unknown) or value not in (None, "", [], {})


def entries(value: Any) -> list[Any]:
    """Elements of a list; a single value counts as one, None as none. Raises NotKnown."""
    if isinstance(value, Unknown):
        raise NotKnown(value.path)
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def members(value: Any) -> Mapping[str, Any]:
    """Members of an object, none where there is none. Raises NotKnown."""
    if isinstance(value, Unknown):
        raise NotKnown(value.path)
    return value if isinstance(value, Mapping) else {}


def number(value: Any) -> float:
    """A number, 0 where there is none. Raises NotKnown."""
    if isinstance(value, Unknown):
        raise NotKnown(value.path)
    return float(value) if isinstance(value, int | float) else 0.0


def text(value: Any) -> str:
    """A text, empty where there is none. Raises NotKnown."""
    if isinstance(value, Unknown):
        raise NotKnown(value.path)
    return value if isinstance(value, str) else ""


def separately(parts: Iterable[Part], judge: Callable[[Part], Iterable[Any]]) -> Iterator[Any]:
    """Judge each part, also those behind one that cannot be judged; raises NotKnown of the first such at the end."""
    missing: list[NotKnown] = []
    for part in parts:
        try:
            yield from judge(part)
        except NotKnown as found:
            missing.append(found)
    if missing:
        raise missing[0]


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every known text within, with its property path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from texts(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from texts(inner, f"{path}[{index}]")
