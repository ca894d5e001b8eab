"""A prebuilt deployment as Vercel reads it: ``.vercel/output``, version 3.

https://vercel.com/docs/build-output-api/configuration; the schema of routes: https://openapi.vercel.sh/vercel.json
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, ValidationError

ROOT = ".vercel/output/"
CONFIG = f"{ROOT}config.json"
STATIC = f"{ROOT}static/"
MAX_ROUTES = 2048


class BuildFailed(Exception):
    """What a deployment's ``errorMessage`` says."""


class Source(BaseModel):
    """A route that looks at the address."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    src: str = Field(min_length=1, max_length=4096)
    dest: str | None = Field(default=None, max_length=4096)
    headers: dict[str, str] = Field(default_factory=dict)
    status: int | None = Field(default=None, ge=100, le=999)
    continue_: bool = Field(default=False, alias="continue")

    def match(self, path: str) -> re.Match[str] | None:
        """Whether the route is for a path as it stands in the request."""
        return re.compile(self.src).match(path)


class Handle(BaseModel):
    """Begins a phase."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    handle: Literal["rewrite", "filesystem", "resource", "miss", "hit", "error"]


class Override(BaseModel):
    """What is different about one file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    path: str | None = None
    contentType: str | None = None  # noqa: N815 - Vercel's name


class Config(BaseModel):
    """``config.json``."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    version: Literal[3]
    routes: tuple[Handle | Source, ...] = Field(default=(), max_length=MAX_ROUTES)
    overrides: dict[str, Override] = Field(default_factory=dict)


@dataclass(frozen=True)
class Output:
    """What a deployment serves."""

    static: Mapping[str, str] = field(default_factory=dict)
    """Path → SHA-1."""
    config: Config = field(default_factory=lambda: Config(version=3))

    @classmethod
    def read(cls, files: Mapping[str, str], text: bytes | None) -> Output:
        """From all files of a deployment and the text of its configuration. Raises BuildFailed."""
        if text is None:
            raise BuildFailed(f'Config file was not found at "{CONFIG}".')
        config = _parsed(text)
        static: dict[str, str] = {}
        for place, sha1 in files.items():
            if place.startswith(STATIC):
                path = place.removeprefix(STATIC)
                override = config.overrides.get(path)
                static[override.path if override and override.path is not None else path] = sha1
        unknown = [path for path in config.overrides if STATIC + path not in files]
        if unknown:
            raise BuildFailed(f"The override {unknown[0]} names no static file.")
        return cls(static, config)

    def routes(self, phase: str | None) -> list[Source]:
        """Routes of a phase; None is what comes before all of them."""
        found, current = [], None
        for route in self.config.routes:
            if isinstance(route, Handle):
                current = route.handle
            elif current == phase:
                found.append(route)
        return found

    def file(self, path: str) -> str | None:
        """Name of the static file at a path as it stands in the request; folders show their index page."""
        name = unquote(path).removeprefix("/")
        for candidate in (name, f"{name.rstrip('/')}/index.html".removeprefix("/")):
            if candidate in self.static:
                return candidate
        return None


def _parsed(text: bytes) -> Config:
    try:
        config = Config.model_validate(json.loads(text))
    except (ValueError, ValidationError) as error:
        said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else "it is no JSON"
        raise BuildFailed(f"Invalid {CONFIG}: {said}") from None
    for route in config.routes:
        if isinstance(route, Source):
            try:
                re.compile(route.src)
            except re.error as error:
                raise BuildFailed(f"Invalid regular expression in route: {error}") from None
    return config
