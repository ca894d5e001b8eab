from __future__ import annotations

from decimal import Decimal

import pytest

from planning import consumption
from planning.consumption import load, of_platform, verified_paths
from planning.mistakes import DataError
from publisher.platforms.aws.index import KEYS_A_CALL
from publisher.verification import Thoroughness
from tests.planning.cost_stacks import SIX, month


def test_verification_is_counted_as_the_publisher_does_it():
    how = Thoroughness()
    counted = (consumption.PASSES, consumption.ALL_BELOW, consumption.MOST_CHANGED, consumption.SAMPLE)
    assert counted == (how.passes, how.all_below, how.most_changed, how.sample)
    assert consumption._KEYS_A_CALL == KEYS_A_CALL


def test_a_small_site_is_asked_for_every_path_and_a_large_one_for_a_sample():
    assert verified_paths(month(files=499), Decimal("0.1")) == 502
    assert verified_paths(month(files=1000), Decimal("0.1")) == 100 + 100 + 3
    assert verified_paths(month(files=100_000), Decimal("0.1")) == 500 + 100 + 3


def test_storage_grows_with_kept_releases_whole_or_by_what_changed():
    uses = of_platform(SIX, month(), load())
    assert uses["storage"].at(Decimal(0)) == Decimal("0.5")
    assert uses["storage-of-changes"].at(Decimal(0)) == Decimal("0.14")


def test_an_assumption_that_is_missing_or_unknown_is_named(tmp_path):
    path = tmp_path / "consumption.toml"
    path.write_text("[moon_phase]\nvalue = 1\nlow = 0\nhigh = 2\nunit = 'x'\ntext = 'x'\nsource = 'x'\nmark = 'I'\n")
    with pytest.raises(DataError) as error:
        load(path)
    assert "[moon_phase]: is nothing the model uses" in str(error.value)
    assert "[probe_bytes]: is missing" in str(error.value)
