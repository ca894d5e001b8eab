from __future__ import annotations

import pytest

from tests.real.year_of_watching import measured

pytestmark = [pytest.mark.real, pytest.mark.timeout(1800)]


async def test_fifty_targets_every_ten_seconds_for_a_year_stay_small_and_the_page_quick(tmp_path, record_property):
    found = await measured(tmp_path)
    record_property("table", str(found))
    assert found.disk < 200_000_000
    assert found.page < 0.1
    assert found.memory_late < found.memory_early * 1.2
