"""The setting ``checks`` of a stack. Light to import: the program checks it too."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel

from website.caching import compile_glob

Level = Literal["error", "warning"]
Mode = Literal["enforce", "advisory", "off"]

CONTENT: Final = "content"
"""What publishing refuses in any case; its level cannot be set."""

#: Every check with its level where a stack says nothing else, the gravest first.
DEFAULT_LEVELS: Final[dict[str, Literal["error", "warning", "off"]]] = {
    CONTENT: "error",
    "secrets": "error",
    "limits": "error",
    "links": "error",
    "fragments": "error",
    "mixed-content": "error",
    "html": "error",
    "nu": "off",
    "near-limits": "warning",
    "not-found-page": "warning",
    "titles": "warning",
    "lang": "warning",
    "alt": "warning",
    "authoring": "warning",
}


class Ignored(BaseModel):
    """Files in which one check says nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    check: str
    paths: str = Field(min_length=1)
    """A glob as in ``cacheRules``: ``legacy/**``."""

    @field_validator("check")
    @classmethod
    def _known(cls, name: str) -> str:
        return _settable(name)

    @cached_property
    def fits(self) -> Callable[[str], bool]:
        """Whether a path of the site is meant."""
        return compile_glob(self.paths)


class Checks(BaseModel):
    """The stack's setting ``checks``: what is looked for before anything is uploaded, and what stops a run."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, populate_by_name=True)

    mode: Mode = "enforce"
    """``enforce``: an error stops the run. ``advisory``: it is only shown. ``off``: nothing is checked."""
    levels: dict[str, Literal["error", "warning", "off"]] = Field(default_factory=dict)
    """By check; what is not named keeps its default."""
    ignore: tuple[Ignored, ...] = ()

    @field_validator("levels")
    @classmethod
    def _known(
        cls, levels: dict[str, Literal["error", "warning", "off"]]
    ) -> dict[str, Literal["error", "warning", "off"]]:
        for name in levels:
            _settable(name)
        return levels

    def level(self, check: str) -> Level | None:
        """Level of a check, or None where it is off."""
        found = self.levels.get(check, DEFAULT_LEVELS[check])
        return None if found == "off" else found

    def ignores(self, check: str, path: str) -> bool:
        """Whether the check says nothing of this file."""
        return any(one.check == check and one.fits(path) for one in self.ignore)


def _settable(name: str) -> str:
    known = [check for check in DEFAULT_LEVELS if check != CONTENT]
    if name not in known:
        raise ValueError(f"{name} is no check; use some of {', '.join(known)}")
    return name
