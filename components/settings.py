"""The settings of a stack: read, typed and checked as a whole, all mistakes at once.

Each is described, with its default, in ``Pulumi.yaml``.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

import pulumi
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from components.delivery.settings import DeliverySettings
from components.hosts import COMMON_FIELDS, host_class
from components.monitoring.settings import MonitoringSettings
from components.worker_limits import WorkerLimits
from coordinator.delivery_settings import Delivery, given
from coordinator.recovery_settings import Recovery
from coordinator.strict_settings import NOT_SHOWN
from coordinator.watching_settings import names_that_do_not_fit
from planning.traffic import Traffic
from platforms import PLATFORMS
from website.checks.settings import Checks

CONTENT_VARIABLE = "PEACEFULROBOT_CONTENT"
RELEASE_VARIABLE = "PEACEFULROBOT_RELEASE"
ALLOW_VARIABLE = "PEACEFULROBOT_ALLOW"
"""Tokens with commas between them; one that is a release id stands for ``allowDeletes``."""
#: Where the checkout keeps what is deployed beside the edge's Worker.
COPY_FOLDER = ".edge-copy"
_REGIONS = {"WNAM", "ENAM", "WEU", "EEU", "NSAM", "SSAM", "OC", "ME", "NAF", "SAF", "SAS", "SEAS", "NEAS"}
_HEX_ID = r"^[0-9a-f]{32}$"
_DOMAIN = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$"
_DOLLARS = r"^$|^[0-9]{1,6}(\.[0-9]{1,2})?$"
_EMAIL = r"^$|^[^@\s]+@[^@\s]+\.[^@\s]+$"


class SettingsError(pulumi.RunError):
    """Every mistake in the stack's settings, one line each: key, what is wrong, what to do."""


class CacheRule(BaseModel):
    """Cache-Control of the files that a glob matches."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    paths: str = Field(min_length=1)
    value: str = Field(min_length=1, pattern=r"^[\x20-\x7e]+$")


class Settings(BaseModel):
    """All settings of a stack."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, populate_by_name=True, arbitrary_types_allowed=True
    )

    content: str = Field(default="examples/site", min_length=1)
    content_ref: str = ""
    domain: str = Field(default="peacefulrobot.com", pattern=_DOMAIN)
    hostname: str = ""
    hosts: tuple[str, ...] = Field(default=PLATFORMS, min_length=1)
    host_settings: dict[str, dict[str, Any]] = Field(default_factory=dict)
    cloudflare_account_id: str = Field(pattern=_HEX_ID)
    cloudflare_zone_id: str = Field(pattern=_HEX_ID)
    edge_mode: Literal["load-balancer", "worker"] = "load-balancer"
    worker_copy: bool = True
    worker_limits: WorkerLimits = WorkerLimits()
    monitor_interval: Annotated[int, Field(ge=10, le=3600)] = 60
    monitor_timeout: Annotated[int, Field(ge=1, le=10)] = 5
    monitor_retries: Annotated[int, Field(ge=0, le=5)] = 2
    monitor_down: Annotated[int, Field(ge=1, le=10)] = 2
    monitor_up: Annotated[int, Field(ge=1, le=10)] = 2
    monitor_regions: tuple[str, ...] = Field(default=("WEU",), min_length=1)
    recovery: Recovery = Recovery()
    """For the coordinator, which reads it from the stack's file; here it is only checked."""
    traffic: Traffic = Traffic()
    """For `make cost` and the policy that holds the stack to its budget."""
    budget: str = Field(default="", pattern=_DOLLARS)
    coordinator: Annotated[Delivery, PlainSerializer(given)] = Delivery()
    """Likewise for the coordinator."""
    delivery: DeliverySettings = DeliverySettings()
    checks: Checks = Checks()
    """For ``tools.check``, which runs before the engine; here it is only checked."""
    alert_email: str = Field(default="", pattern=_EMAIL)
    monitoring: MonitoringSettings = MonitoringSettings()
    security_headers: dict[str, str] = Field(default_factory=dict)
    cache_rules: tuple[CacheRule, ...] = ()
    allow_deletes: str = Field(default="", pattern=r"^$|^r[0-9a-f]{16}$")
    release: str = Field(default="", pattern=r"^$|^r[0-9a-f]{16}$")
    release_barrier: Literal["none", "all"] = "none"
    keep_releases: Annotated[int, Field(ge=2, le=20)] = 5
    verify_deadline: Annotated[int, Field(ge=5, le=3600)] = 120
    protect: bool = True

    @field_validator("hosts")
    @classmethod
    def _known_hosts(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in names if name not in PLATFORMS]
        if unknown:
            raise ValueError(f"unknown platform {', '.join(unknown)}; use some of {', '.join(PLATFORMS)}")
        if len(set(names)) != len(names):
            raise ValueError("a platform is named twice; name each once, in failover order")
        return names

    @field_validator("monitor_regions")
    @classmethod
    def _known_regions(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(names) - _REGIONS)
        if unknown:
            raise ValueError(f"unknown region {', '.join(unknown)}; use some of {', '.join(sorted(_REGIONS))}")
        return names

    @model_validator(mode="after")
    def _fits_together(self) -> Settings:
        if self.hostname and not self.hostname.endswith(f".{self.domain}"):
            raise ValueError(f"hostname {self.hostname} does not lie in domain {self.domain}; change one of the two")
        if self.monitor_timeout * (self.monitor_retries + 1) >= self.monitor_interval:
            raise ValueError(
                "monitorTimeout × (monitorRetries + 1) must be shorter than monitorInterval; lower one of them"
            )
        mistakes = [
            *self.monitoring.mistakes(edge_mode=self.edge_mode, alert_email=self.alert_email),
            *names_that_do_not_fit(self.coordinator.watching, self.hosts, self.site_name),
        ]
        if mistakes:
            raise ValueError("; ".join(mistakes))
        return self

    @property
    def copy_folder(self) -> str:
        """Folder for the copies that the edge's Worker serves; empty where it has none."""
        return COPY_FOLDER if self.edge_mode == "worker" and self.worker_copy else ""

    @property
    def monthly_budget(self) -> Decimal | None:
        """Dollars a month; None where the stack must state it: nothing but a Worker is free."""
        if self.budget:
            return Decimal(self.budget)
        return Decimal(0) if self.edge_mode == "worker" else None

    @property
    def site_name(self) -> str:
        """Name the site is served under."""
        return self.hostname or f"www.{self.domain}"

    def plan_of(self, name: str) -> str:
        """The plan set for a platform, or its default, in small letters; empty where there is none to choose."""
        own = host_class(name).arguments.__dataclass_fields__.get("plan")
        return "" if own is None else str(self.host_settings.get(name, {}).get("plan", own.default)).lower()

    def host_arguments(self, name: str, headers: Mapping[str, str]) -> Any:
        """Arguments of one host component: its own settings and what every host gets."""
        common = {"site": self.site_name, "protect": self.protect, "headers": dict(headers)}
        adapter = TypeAdapter(host_class(name).arguments)
        return adapter.validate_python({**self.host_settings.get(name, {}), **common})


def read(config: Mapping[str, str]) -> Settings:
    """Check the raw values (key without namespace → text) as a whole; raises SettingsError with all mistakes."""
    mistakes = [_unknown_key(key) for key in config if key not in _KEYS]
    values: dict[str, Any] = {}
    for key in _KEYS.keys() & config.keys():
        try:
            values[key] = _decoded(key, config[key])
        except ValueError as error:
            mistakes.append(f"{key}: is not valid JSON ({error}); set it with --path or as a list in the stack's file")
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        mistakes += [_sentence(found) for found in error.errors()]
    else:
        mistakes += _host_mistakes(settings)
        if not mistakes:
            return settings
    raise SettingsError(_report(mistakes))


def load() -> Settings:
    """Settings of the stack that the engine runs; the environment's variables for content and release win."""
    project = pulumi.get_project()
    prefix = f"{project}:"
    raw = {key.removeprefix(prefix): value for key, value in _all_config().items() if key.startswith(prefix)}
    return read(chosen(raw))


def chosen(raw: Mapping[str, str]) -> Mapping[str, str]:
    """The raw values with what the environment says of content, release and what is allowed."""
    override = os.environ.get(CONTENT_VARIABLE)
    if override:
        raw = {**raw, "content": override, "contentRef": ""}
    pinned = os.environ.get(RELEASE_VARIABLE)
    if pinned is not None:
        raw = {**raw, "release": pinned}
    for token in os.environ.get(ALLOW_VARIABLE, "").split(","):
        if token.strip().startswith("r"):
            raw = {**raw, "allowDeletes": token.strip()}
    return raw


def _all_config() -> Mapping[str, str]:
    """The raw configuration as the engine hands it to the language host."""
    found: Mapping[str, str] = json.loads(os.environ.get("PULUMI_CONFIG", "{}"))
    return found


def _key(field: str) -> str:
    return Settings.model_fields[field].alias or field


_KEYS = {_key(field): field for field in Settings.model_fields}
_PLAIN = (str, Literal["none", "all"], Literal["load-balancer", "worker"])
_TEXT = {key for key, field in _KEYS.items() if Settings.model_fields[field].annotation in _PLAIN}


def _decoded(key: str, text: str) -> Any:
    return text if key in _TEXT else json.loads(text)


def _unknown_key(key: str) -> str:
    near = difflib.get_close_matches(key, _KEYS, n=1)
    hint = f"did you mean {near[0]}?" if near else "the known ones are described in Pulumi.yaml"
    return f"{key}: is no setting; {hint}"


def _sentence(found: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in found["loc"])
    reason = str(found["msg"]).removeprefix("Value error, ")
    if not where:
        return reason
    if found["type"] == "missing":
        return f"{where}: is not set; pulumi config set {where} <value>"
    if found["type"] == NOT_SHOWN:
        return f"{where}: {reason}"
    shown = json.dumps(found["input"], default=str)
    return f"{where}: {reason} (is {shown})"


def _host_mistakes(settings: Settings) -> list[str]:
    mistakes = []
    for name, own in settings.host_settings.items():
        if name not in PLATFORMS:
            mistakes.append(f"hostSettings.{name}: unknown platform; use some of {', '.join(PLATFORMS)}")
            continue
        common = sorted(set(own) & set(COMMON_FIELDS))
        mistakes += [f"hostSettings.{name}.{key}: is decided for the whole stack, not for one host" for key in common]
        mistakes += _own_mistakes(name, own)
    return mistakes


def _own_mistakes(name: str, own: Mapping[str, Any]) -> list[str]:
    kind = host_class(name).arguments
    known = set(kind.__dataclass_fields__) - set(COMMON_FIELDS)
    mistakes = [
        f"hostSettings.{name}.{key}: is no setting of {name}; known: {', '.join(sorted(known))}"
        for key in sorted(set(own) - known - set(COMMON_FIELDS))
    ]
    try:
        TypeAdapter(kind).validate_python({**own, "site": "www.example.com", "protect": True, "headers": {}})
    except ValidationError as error:
        for found in error.errors():
            key = ".".join(["hostSettings", name, *(str(part) for part in found["loc"])])
            mistakes.append(_sentence({**found, "loc": [key]}))
    return mistakes


def _report(mistakes: list[str]) -> str:
    lines = "\n".join(f"  - {mistake}" for mistake in sorted(mistakes))
    count = f"{len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}"
    return f"{count} in the settings of this stack; nothing was changed:\n{lines}"
