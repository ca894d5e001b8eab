from __future__ import annotations

import json

from tools.deploy.engine_process import EngineProcess
from tools.deploy.preflight import EventLog, previewed, watched

#: A text in which only the engine's own line ends separate events.
TEXT = "müde \u0085 \u2028 \x1c"


def engine(folder, script):
    binary = folder / "pulumi"
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(0o755)
    return EngineProcess(binary, "sandbox", folder, {"PATH": "/usr/bin:/bin"})


def test_an_engine_that_ended_before_it_wrote_anything_has_no_events(tmp_path):
    assert EventLog(tmp_path / "events.jsonl").events() == []


def test_events_are_read_line_by_line_whatever_they_say(tmp_path):
    log = EventLog(tmp_path / "events.jsonl")
    log.path.write_bytes(b"".join(json.dumps({"said": TEXT}, ensure_ascii=False).encode() + b"\n" for _ in range(2)))
    assert log.events() == [{"said": TEXT}] * 2
    assert log.options == ("--event-log", str(log.path))


def test_a_watched_engine_may_write_events_and_keeps_its_environment_and_nothing_is_left(tmp_path):
    with watched(engine(tmp_path, "true")) as (asking, log):
        assert asking.environment == {"PATH": "/usr/bin:/bin", "PULUMI_DEBUG_COMMANDS": "true"}
        assert log.path.parent.is_dir()
        log.path.write_text("{}\n")
    assert not log.path.parent.exists()


def test_a_preview_that_ends_well_has_no_failure(tmp_path):
    found = previewed(engine(tmp_path, 'echo "{}" > "$3"'))
    assert (found.events, found.failure) == ([{}], None)


def test_a_preview_that_fails_says_why_beside_its_events(tmp_path):
    found = previewed(engine(tmp_path, 'echo "{}" > "$3"; echo broken >&2; exit 255'))
    assert found.events == [{}]
    assert str(found.failure) == "`pulumi preview …` on stack sandbox failed: broken"


def test_a_preview_is_asked_with_the_given_options_and_of_the_whole_plan(tmp_path):
    asked = tmp_path / "asked"
    previewed(
        engine(tmp_path, f'shift 3; echo "$@ $PUBLISHER_WHOLE_PLAN $PULUMI_DEBUG_COMMANDS" > {asked}'), ["--diff"]
    )
    assert asked.read_text() == "--diff --stack sandbox --non-interactive --color never true true\n"
