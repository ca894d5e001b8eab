from __future__ import annotations

from tools.bench import s3, sites


def test_every_scenario_of_both_sites_and_the_slow_line_has_a_promise():
    found = {(one.part, one.scenario, one.kind) for kind in sites.KINDS for one in s3.claims(kind)}
    for kind in sites.KINDS:
        part = s3.name_of(kind, 0)
        assert {(part, scenario, "ratio") for scenario in (s3.COLD, s3.SAME, s3.TOUCHED, s3.CHANGED)} <= found
        assert (part, s3.COLD, "memory") in found
        assert (s3.name_of(kind, s3.MILLISECONDS), s3.COLD, "ratio") in found


def test_one_file_in_a_hundred_changes_and_every_mtime_can(tmp_path):
    for number in range(200):
        (tmp_path / f"{number:03}.html").write_text("<p>page")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    sites.change_some(tmp_path, 7)
    assert sum("round 7" in path.read_text() for path in tmp_path.iterdir()) == 2
    sites.touch_all(tmp_path)
    assert all(path.stat().st_mtime_ns > before[path] for path in tmp_path.iterdir())


def test_peers_that_cannot_be_had_are_named_and_the_others_take_part(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PEACEFULROBOT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(s3.programs, "aws_cli", lambda _: tmp_path)
    said = []
    found = list(s3.peers("http://127.0.0.1:1", tmp_path, said.append))
    assert [one.name for one in found] == [s3.OURS, s3.AWS]
    assert said == ["left out: rclone: Go is not installed", "left out: hugo: Go is not installed"]
