from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from publisher.errors import PlatformUnavailable
from publisher.platforms.base import PlatformDeployment
from publisher.session import Session
from tools.deploy import deployments
from tools.deploy.deployments import Told
from tools.deploy.releases import Place

MADE = PlatformDeployment("dpl_1", "READY", "ready", datetime(2026, 11, 23, 8, 0, tzinfo=UTC), "r1")


class Answers:
    """A platform; ``how`` is what it answers, or raises."""

    def __init__(self, how):
        self.how, self.closed = how, False

    async def newest(self):
        if self.how == "hangs":
            await asyncio.sleep(60)
        if isinstance(self.how, Exception):
            raise self.how
        return self.how

    async def close(self):
        self.closed = True


@pytest.fixture
def ask(monkeypatch):
    def asked(**platforms):
        found = {name: Answers(how) for name, how in platforms.items()}
        monkeypatch.setattr(Session, "platform", lambda _, name, __: found[name])
        told = deployments.ask([Place(name, {}) for name in found], {})
        assert all(one.closed for one in found.values())
        return told

    return asked


def test_one_platform_that_cannot_be_asked_hides_no_other(ask, monkeypatch):
    monkeypatch.setattr(deployments, "PATIENCE", 0.05)
    down, slow, odd, well, new = ask(
        aws=PlatformUnavailable("aws: no answer"), azure="hangs", netlify=KeyError("state"), vercel=MADE, gitlab=None
    )
    assert down == Told("aws", trouble="aws: no answer")
    assert slow.trouble.startswith("azure: no answer within")
    assert odd.trouble == "netlify: an answer that is not as documented (KeyError('state'))"
    assert (well, new) == (Told("vercel", MADE), Told("gitlab"))


def test_it_is_told_to_programs_and_to_people(ask):
    told = ask(aws=PlatformUnavailable("aws: no answer"), vercel=MADE, gitlab=None)
    assert deployments.as_json(told) == [
        {"name": "aws", "deployment": None, "error": "aws: no answer"},
        {
            "name": "vercel",
            "deployment": {
                "id": "dpl_1",
                "state": "READY",
                "phase": "ready",
                "made": "2026-11-23T08:00:00+00:00",
                "release": "r1",
            },
            "error": None,
        },
        {"name": "gitlab", "deployment": None, "error": None},
    ]
    file = io.StringIO()
    Console(file=file, width=200).print(deployments.table(told))
    lines = file.getvalue().splitlines()
    assert any("aws" in line and "not known" in line for line in lines)
    assert any("vercel" in line and "READY" in line and "2026-11-23T08:00:00+00:00" in line for line in lines)
    assert any("gitlab" in line and "none" in line for line in lines)
