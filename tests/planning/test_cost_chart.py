from __future__ import annotations

from decimal import Decimal

import pytest

from planning.cost import bill, load_facts
from planning.cost_chart import draw, ends
from tests.planning.cost_stacks import month, stack


@pytest.fixture(scope="module")
def facts():
    return load_facts()


def test_the_same_bill_gives_the_same_bytes(tmp_path, facts):
    found = bill(stack(), month(), facts)
    first = [path.read_bytes() for path in draw(found, facts, "prod", tmp_path / "one")]
    second = [path.read_bytes() for path in draw(found, facts, "prod", tmp_path / "two")]
    assert first == second
    assert first[0].startswith(b"\x89PNG")
    assert b"<svg" in first[1]
    assert len(first[0]) > 20_000


def test_bars_end_where_the_platform_alone_would_be_out(facts):
    found = {line.key: size for line, size in ends(stack(mode="worker"), month(0, deploys=0), facts)}
    assert found["vercel.traffic"] == 100
    assert found["vercel.requests"] == pytest.approx(Decimal(1_000_000) / 11 / 1000)
    assert found["firebase.traffic"] == Decimal("10.8")
    assert found["cloudflare.worker-requests"] == pytest.approx(Decimal(3_000_000) / 11 / 1000)
    assert "gitlab.traffic" not in found
    assert "netlify.deploys" not in found


def test_a_month_without_visits_can_be_drawn(tmp_path, facts):
    assert draw(bill(stack("gitlab"), month(0), facts), facts, "quiet", tmp_path)[0].exists()
