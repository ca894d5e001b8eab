from __future__ import annotations

import pytest

from tools.bench import clients
from tools.bench.measuring import CommandFailed


@pytest.mark.parametrize("grown", [100_000_000, 76_000_000])
def test_a_deploy_counts_when_the_stand_in_has_the_sites_bytes(grown):
    clients.require_sent("a client", 100_000_000, grown)


def test_a_client_that_ends_well_and_has_sent_next_to_nothing_is_no_measurement():
    with pytest.raises(CommandFailed, match="of 100 MB the stand-in has 1 MB"):
        clients.require_sent("a client", 100_000_000, 1_000_000)


def test_a_fresh_copy_has_other_bytes_in_every_file(tmp_path):
    (tmp_path / "original" / "a").mkdir(parents=True)
    for name in ("index.html", "a/page.html"):
        (tmp_path / "original" / name).write_text("<p>text")
    found = clients.fresh(tmp_path / "original", tmp_path / "copy", "1")
    again = clients.fresh(tmp_path / "original", tmp_path / "other", "2")
    for name in ("index.html", "a/page.html"):
        assert (
            len({(tmp_path / "original" / name).read_text(), (found / name).read_text(), (again / name).read_text()})
            == 3
        )
