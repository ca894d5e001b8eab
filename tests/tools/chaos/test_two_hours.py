"""Simulated lives of a coordinator: nothing breaks, and the simulation notices when something does."""

from __future__ import annotations

from random import Random

import pytest

from coordinator import recovery
from coordinator.alerts.channels import Message
from coordinator.alerts.outbox import Outbox
from coordinator.ramp import Command, decide
from tools.chaos import two_hours
from tools.chaos.two_hours import Forge, TwoHours


def lived(seed=3, hours=0.5, quiet=12.0):
    (case,) = TwoHours(Random(seed), 1, hours, quiet).cases()
    return case


def test_half_an_hour_of_failures_breaks_nothing():
    case = lived()
    assert case.broken == ()
    assert "pushes" in case.what


def test_the_same_seed_makes_the_same_life():
    assert lived(hours=0.2).what == lived(hours=0.2).what


def test_two_pools_on_their_way_back_at_once_are_noticed(monkeypatch):
    def greedy(rules, known, seen, now):
        decision = decide(rules, known, seen, now)
        commands = [Command(name, name, 25, "greedy") for name in list(seen)[:2]]
        return type(decision)(decision.pools, commands)

    monkeypatch.setattr(recovery, "decide", greedy)
    assert any("two pools" in sentence for sentence in lived(hours=0.1, quiet=0.1).broken)


def test_an_older_tip_after_a_newer_one_is_noticed(monkeypatch):
    right = Forge.turn

    def late(self):
        right(self)
        if len(self.live) == 3:
            self.live.append(1)

    monkeypatch.setattr(Forge, "turn", late)
    assert any("older tip" in sentence for sentence in lived(hours=1.5, quiet=0.1).broken)


def test_an_alert_that_one_channel_does_not_get_is_noticed(monkeypatch):
    add = Outbox.add

    async def forgetful(self, messages, only=None):
        await add(self, messages, ["mail", "matrix"])

    monkeypatch.setattr(Outbox, "add", forgetful)
    assert any("not told the same" in sentence for sentence in lived(hours=1.0, quiet=0.1).broken)


@pytest.mark.parametrize(
    ("closes", "wrong"), [([False, True], 0), ([True, False], 1), ([False], 1), ([False, True, True], 1)]
)
def test_incidents_are_told_once_when_they_begin_and_once_when_they_end(closes, wrong):
    took = [Message(f"k{place}", "incident-1", "s", "t", 1.0, one) for place, one in enumerate(closes)]
    assert len(two_hours._unclosed(took)) == wrong
