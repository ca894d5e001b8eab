"""What holds for every host component, found by the registry."""

from __future__ import annotations

import json
from pathlib import Path

import pulumi
import pytest
import yaml

from components import settings
from components.hosts import COMMON_FIELDS, host_class
from platforms import PLATFORMS
from publisher.platforms import platform_class
from tests.components.graph import Graph, settled

ROOT = Path(__file__).resolve().parents[3]


def sandbox_settings() -> settings.Settings:
    """Settings of the stack that everybody can run."""
    stack = yaml.safe_load((ROOT / "Pulumi.sandbox.yaml").read_text("utf-8"))["config"]
    prefix = "peacefulrobot-infra:"
    given = {key.removeprefix(prefix): value for key, value in stack.items() if key.startswith(prefix)}
    return settings.read({key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()})


@pytest.mark.parametrize("name", PLATFORMS)
async def test_the_edge_does_just_what_the_platform_cannot(name):
    pulumi.runtime.set_mocks(Graph(), preview=True)
    host = host_class(name)(name, sandbox_settings().host_arguments(name, {}))
    await settled()
    assert host.origin.name == name
    assert host.origin.sends_headers is platform_class(name).traits.custom_headers
    assert host.origin.adds_slash is platform_class(name).traits.adds_slash


@pytest.mark.parametrize("name", PLATFORMS)
def test_every_setting_of_a_host_is_described(name):
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    kind = host_class(name).arguments
    own = set(kind.__dataclass_fields__) - set(COMMON_FIELDS)
    assert [key for key in sorted(own) if f"`{key}`" not in page] == []
