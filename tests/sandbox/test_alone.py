from __future__ import annotations

import pytest
import requests

from tools.bench.clients import chosen, fresh, stand_in
from tools.bench.measuring import CommandFailed


@pytest.mark.parametrize("name", sorted(chosen()))
def test_a_stand_in_runs_alone_with_what_its_client_needs_and_ends_with_the_block(name, tmp_path):
    client = chosen()[name]
    with stand_in(name, tmp_path / "world", client.DECLARED) as running:
        target = client.prepared(running)
        assert len(running.declared) == len(client.DECLARED)
        assert all(target.values())
        command, _ = client.command(tmp_path, running, target)
        assert command[0] == "node"
        url = next(value for key, value in running.environment.items() if key.endswith("API_URL"))
        assert requests.get(url, timeout=10).status_code >= 400  # it is there, and wants a token or a path
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=10)


def test_a_declaration_with_mistakes_does_not_come_up(tmp_path):
    name, client = next((name, client) for name, client in sorted(chosen().items()) if client.DECLARED)
    token, _ = client.DECLARED[-1]
    with pytest.raises(CommandFailed), stand_in(name, tmp_path / "world", [(token, {"nonsense": True})]):
        pass


def test_each_round_has_content_that_was_never_seen(tmp_path):
    original = tmp_path / "original"
    original.mkdir()
    (original / "index.html").write_text("<p>home")
    first = fresh(original, tmp_path / "site", "1").joinpath("index.html").read_bytes()
    assert fresh(original, tmp_path / "site", "2").joinpath("index.html").read_bytes() != first
    assert (original / "index.html").read_text() == "<p>home"
