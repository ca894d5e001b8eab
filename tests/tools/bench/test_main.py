from __future__ import annotations

import json
import signal

import pytest
from click.testing import CliRunner

from tools.bench import __main__ as command
from tools.bench import s3
from tools.bench.comparing import Series
from tools.bench.measuring import Figures
from tools.bench.programs import NotHere

PART = s3.name_of("blog", 0)


def of(way, wall, memory=60.0):
    return Series(PART, s3.COLD, way, (Figures(wall, wall, memory),))


@pytest.fixture(autouse=True)
def handlers():
    """The command sets how the process is stopped; it is put back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the command with figures that were not measured."""

    def measuring(*series):
        monkeypatch.setattr(s3, "measure", lambda *_: list(series))
        return CliRunner().invoke(command.main, ["s3", "--site", "blog", "--out", str(tmp_path / "out")])

    return measuring


def test_table_figures_and_charts_are_written(run, tmp_path):
    result = run(of(s3.OURS, 1.0), of(s3.RCLONE, 2.0))
    assert result.exit_code == 0, result.output
    assert f"| {PART} | cold | {s3.RCLONE} | 0.60 × | 0.50 × (0.50 ×) | yes |" in result.output
    document = json.loads((tmp_path / "out" / "bench.json").read_text())
    assert document["machine"]["cores"] >= 1
    assert (tmp_path / "out" / "bench.md").read_text().startswith("| part |")
    assert (tmp_path / "out" / "bench.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (tmp_path / "out" / "bench.svg").read_bytes()


def test_it_ends_with_1_where_a_promise_is_not_kept(run):
    result = run(of(s3.OURS, 1.9), of(s3.RCLONE, 2.0))
    assert result.exit_code == 1
    assert "| no |" in result.output


def test_too_much_memory_breaks_a_promise(run):
    assert run(of(s3.OURS, 1.0, memory=150), of(s3.RCLONE, 2.0)).exit_code == 1


def test_a_part_without_its_server_is_left_out_by_name(monkeypatch, tmp_path):
    def missing(*_):
        raise NotHere("versitygw: Go is not installed")

    monkeypatch.setattr(s3, "measure", missing)
    result = CliRunner().invoke(command.main, ["s3", "--out", str(tmp_path)])
    assert result.exit_code == 0
    assert "s3 is left out: versitygw: Go is not installed" in result.output


def test_the_help_names_every_part():
    text = CliRunner().invoke(command.main, ["--help"]).output
    assert all(f"{name}:" in text.replace("\n  ", " ") for name in command.PARTS)
