from __future__ import annotations

import json

import pytest

from coordinator.places import ROOT
from coordinator.watching import declared
from coordinator.watching.declared import OutputsUnknown
from coordinator.watching.targets import Address, Page, Zone
from coordinator.watching_settings import Watching
from website import HEALTH_TOKEN

AWS = {"name": "aws", "hostname": "d1.cdn.example", "host_header": "d1.cdn.example", "url": "https://d1.cdn.example"}
SAID = {
    "site_url": "https://www.example.org",
    "release": "r1",
    "platforms": [AWS],
    "headers": {"X-Frame-Options": "DENY"},
}


def test_all_that_is_watched_follows_from_the_outputs_and_the_settings():
    further = {"name": "form", "url": "https://form.example/health", "contains": "ok"}
    wanted = Watching.model_validate({"targets": [further]})
    assert declared.targets(declared.read(json.dumps(SAID)), wanted, ("192.0.2.1",)) == [
        Page(
            "www.example.org", "https://www.example.org", "www.example.org", HEALTH_TOKEN, {"x-frame-options": "DENY"}
        ),
        Zone("dns", "www.example.org", ("192.0.2.1",)),
        Page("aws", "https://d1.cdn.example", "d1.cdn.example", HEALTH_TOKEN),
        Address("form", "https://form.example/health", 200, "ok"),
    ]
    without = declared.targets(declared.read(json.dumps(SAID)), Watching(dns=False))
    assert [one.name for one in without] == ["www.example.org", "aws"]


def test_the_public_name_and_its_dns_stand_for_the_site():
    assert declared.public(declared.read(json.dumps(SAID))) == {"www.example.org", "dns"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", "has not been published yet"),
        ("no", "are no JSON"),
        (json.dumps({**SAID, "platforms": []}), "platforms"),
        (json.dumps({**SAID, "site_url": ""}), "site_url"),
        ("[1]", "lack what is watched"),
    ],
)
def test_outputs_that_tell_nothing_are_refused_with_what_to_do(text, words):
    with pytest.raises(OutputsUnknown, match=words):
        declared.read(text)


async def test_outputs_can_be_a_file_that_a_pipeline_wrote(tmp_path):
    (tmp_path / "outputs.json").write_text("{}")
    assert await declared.by_file(tmp_path / "outputs.json")() == "{}"
    with pytest.raises(OutputsUnknown, match="cannot be read"):
        await declared.by_file(tmp_path / "none.json")()


async def test_a_sandbox_that_was_never_published_has_no_outputs_and_needs_no_engine(tmp_path, monkeypatch):
    monkeypatch.setenv("PEACEFULROBOT_STATE", str(tmp_path))
    assert json.loads(await declared.by_engine("sandbox", ROOT)()) == {}


async def test_what_the_engine_says_in_vain_is_passed_on(tmp_path, monkeypatch):
    monkeypatch.setenv("PEACEFULROBOT_STATE", str(tmp_path))
    with pytest.raises(OutputsUnknown, match="there is no stack 'nowhere'"):
        await declared.by_engine("nowhere", ROOT)()
