"""What the coordinator needs of a stack's settings: read from the stack's file, all mistakes at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from coordinator.delivery_settings import Delivery
from coordinator.errors import Refused
from coordinator.recovery_settings import Recovery
from coordinator.strict_settings import NOT_SHOWN
from coordinator.watching_settings import names_that_do_not_fit

_HEX_ID = r"^[0-9a-f]{32}$"


class StackSettings(BaseModel):
    """What the coordinator needs of a stack's settings; the rest is the program's."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True, populate_by_name=True)

    cloudflare_account_id: str = Field(pattern=_HEX_ID)
    cloudflare_zone_id: str = Field(pattern=_HEX_ID)
    domain: str = Field(min_length=1)
    hostname: str = ""
    edge_mode: str = "load-balancer"
    content: str = Field(min_length=1)
    content_ref: str = ""
    hosts: tuple[str, ...] = Field(min_length=1)
    recovery: Recovery = Recovery()
    coordinator: Delivery = Delivery()

    @model_validator(mode="after")
    def _names_fit(self) -> StackSettings:
        mistakes = names_that_do_not_fit(self.coordinator.watching, self.hosts, self.site_name)
        if mistakes:
            raise ValueError("; ".join(mistakes))
        return self

    @property
    def site_name(self) -> str:
        """Name of the load balancer."""
        return self.hostname or f"www.{self.domain}"

    def require_load_balancer(self) -> None:
        """Raise Refused for a stack that has none to look after."""
        if self.edge_mode == "worker":
            raise Refused(
                "the stack has edgeMode worker, so there is no load balancer to look after: its Worker brings "
                "platforms back by itself (docs/worker.md); the coordinator is not needed"
            )


@dataclass(frozen=True)
class Access:
    """How Cloudflare's API is reached."""

    token: str
    base_url: str | None = None
    speed: float = 1.0
    """Seconds that pass there in a real one: more than 1 in the sandbox only."""

    def __repr__(self) -> str:
        """Without the token."""
        return f"Access(base_url={self.base_url!r}, speed={self.speed:g})"


def read(root: Path, stack: str) -> StackSettings:
    """Settings of the stack in the checkout ``root``; raises Refused with all mistakes."""
    path = root / f"Pulumi.{stack}.yaml"
    if os.sep in stack or not path.exists():
        known = ", ".join(sorted(found.name.split(".")[1] for found in root.glob("Pulumi.*.yaml")))
        raise Refused(f"there is no stack {stack!r}, for there is no {path.name}; use one of {known}")
    project = _document(root / "Pulumi.yaml")
    prefix = f"{project['name']}:"
    defaults = {key: declared["default"] for key, declared in project["config"].items() if "default" in declared}
    own = _document(path).get("config") or {}
    values = {**defaults, **{key.removeprefix(prefix): value for key, value in own.items() if key.startswith(prefix)}}
    try:
        return StackSettings.model_validate(values)
    except ValidationError as error:
        raise Refused(_report(path.name, error)) from error


def access(environment: Mapping[str, str]) -> Access:
    """Access by the variables that Cloudflare's own clients read; raises Refused without a token."""
    token = environment.get("CLOUDFLARE_API_TOKEN")
    if not token:
        raise Refused(
            "CLOUDFLARE_API_TOKEN is not set: the coordinator needs a token that may edit Load Balancing: Monitors and "
            "Pools of the account, and read Load Balancers of the zone"
        )
    return Access(token, environment.get("CLOUDFLARE_BASE_URL") or None)


def _document(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise Refused(f"{path} cannot be read ({error}); restore it from the repository") from error
    return found if isinstance(found, dict) else {}


def _report(name: str, error: ValidationError) -> str:
    lines = []
    for found in error.errors():
        where = ".".join(str(part) for part in found["loc"])
        reason = str(found["msg"]).removeprefix("Value error, ")
        shown = "" if found["type"] == NOT_SHOWN else f" (is {found['input']!r})"
        lines.append(f"  - {where}: {reason}{shown}" if where else f"  - {reason}")
    count = f"{len(lines)} mistake{'s' if len(lines) > 1 else ''}"
    return "\n".join([f"{count} in {name}; the coordinator did not start:", *sorted(lines)])
