from __future__ import annotations

import pytest
import yaml

from coordinator import settings
from coordinator.errors import Refused
from coordinator.places import ROOT, access_of, memory_file
from coordinator.recovery_settings import Recovery
from coordinator.settings import Access


@pytest.fixture
def stack(tmp_path):
    """A checkout whose stack ``test`` has the given settings."""

    def write(**given):
        (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text("utf-8"), "utf-8")
        ids = {"cloudflareAccountId": "a" * 32, "cloudflareZoneId": "b" * 32}
        config = {f"peacefulrobot-infra:{key}": value for key, value in {**ids, **given}.items() if value is not None}
        (tmp_path / "Pulumi.test.yaml").write_text(yaml.safe_dump({"config": {**config, "aws:region": "x"}}), "utf-8")
        return settings.read(tmp_path, "test")

    return write


def test_what_is_not_set_is_as_the_project_says(stack):
    found = stack()
    assert (found.site_name, found.recovery) == ("www.peacefulrobot.com", Recovery())


def test_settings_of_the_recovery_are_read_from_the_stacks_file(stack):
    found = stack(domain="example.org", recovery={"steps": [10, 100], "cleanProbes": 5, "dwell": 60})
    assert found.site_name == "www.example.org"
    rules = found.recovery.rules()
    assert (rules.steps, rules.clean_probes, rules.dwell) == ((10, 100), 5, 60)


def test_all_mistakes_are_told_at_once(stack):
    with pytest.raises(Refused) as raised:
        stack(
            cloudflareZoneId="short",
            cloudflareAccountId=None,
            recovery={"steps": [50, 5], "dwell": 0, "poll": 1, "wholePools": 0, "speed": 2},
        )
    text = str(raised.value.message)
    assert text.startswith("7 mistakes in Pulumi.test.yaml; the coordinator did not start:")
    keys = ("cloudflareAccountId", "cloudflareZoneId", "steps", "dwell", "poll", "wholePools", "speed")
    assert all(f"{key}: " in text for key in keys)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"steps": [5, 50]}, "must rise and end with 100"),
        ({"steps": [5, 5, 100]}, "must rise and end with 100"),
        ({"steps": []}, "at least 1 item"),
        ({"dwell": 900, "longestWait": 60}, "longestWait is shorter than recovery.dwell"),
    ],
)
def test_steps_and_times_must_fit_together(stack, given, words):
    with pytest.raises(Refused) as raised:
        stack(recovery=given)
    assert words in str(raised.value.message)


def test_an_unknown_stack_is_answered_with_the_known_ones():
    with pytest.raises(Refused) as raised:
        settings.read(ROOT, "nowhere")
    assert "use one of prod, sandbox" in str(raised.value.message)


def test_the_stacks_that_ship_can_be_read():
    assert settings.read(ROOT, "sandbox").site_name == "www.peacefulrobot.com"


def test_a_fast_clock_makes_times_shorter_and_looks_no_closer_than_this_machine_can(stack):
    recovery = stack().recovery
    assert recovery.rules(20).dwell == recovery.dwell / 20
    assert [recovery.seconds_between_looks(speed) for speed in (1, 20, 1000)] == [15, 0.75, 0.2]
    assert recovery.rules(1000).silence > 10 * recovery.seconds_between_looks(1000)


def test_the_token_comes_from_the_environment_and_is_shown_nowhere():
    found = access_of("prod", {"CLOUDFLARE_API_TOKEN": "hidden"})()
    assert found == Access("hidden")
    assert "hidden" not in repr(found)
    with pytest.raises(Refused, match="CLOUDFLARE_API_TOKEN is not set"):
        access_of("prod", {})


def test_a_sandbox_that_does_not_run_is_told(tmp_path):
    with pytest.raises(Refused, match="start it with `make up`"):
        access_of("sandbox", {"PEACEFULROBOT_STATE": str(tmp_path)})


def test_each_stack_has_a_memory_of_its_own(tmp_path):
    environment = {"PEACEFULROBOT_STATE": str(tmp_path / "s"), "XDG_STATE_HOME": str(tmp_path / "x")}
    assert memory_file("sandbox", environment) == tmp_path / "s" / "coordinator" / "sandbox.json"
    assert memory_file("prod", environment) == tmp_path / "x" / "peacefulrobot-infra" / "coordinator" / "prod.json"


def test_a_stack_with_a_worker_has_no_load_balancer_to_look_after(stack):
    stack().require_load_balancer()
    with pytest.raises(Refused, match=r"edgeMode worker.*brings"):
        stack(edgeMode="worker").require_load_balancer()


def test_nobody_watches_unless_the_stack_says_so(stack):
    assert stack().coordinator.watching is None
    found = stack(coordinator={"watching": {}}).coordinator
    assert (found.watching.interval, found.watching.failures, found.watching.successes) == (30, 2, 3)
    assert (found.status_page.listen, found.status_page.objective) == ("127.0.0.1:8490", 99.999)


def test_all_mistakes_of_watching_are_told_at_once(stack):
    with pytest.raises(Refused) as raised:
        stack(
            coordinator={
                "watching": {
                    "interval": 1,
                    "failures": 0,
                    "nameServers": ["ns1.example.org", "192.0.2.1:99999"],
                    "targets": [{"name": "dns", "url": "ftp://x"}],
                    "maintenance": [
                        {"begins": "2026-12-01T02:00:00Z", "ends": "2026-12-01T01:00:00Z"},
                        {"begins": "2026-12-01T02:00:00", "ends": "2026-12-01T03:00:00Z"},
                    ],
                },
                "statusPage": {"listen": "8490", "objective": 100},
            },
        )
    text = str(raised.value.message)
    assert text.startswith("10 mistakes in Pulumi.test.yaml")
    keys = ("interval", "failures", "nameServers.0", "nameServers.1", "targets.0.name", "targets.0.url")
    assert all(f"coordinator.watching.{key}: " in text for key in keys)
    assert "maintenance.0: ends is not after begins" in text
    assert "maintenance.1.begins: " in text
    assert all(f"coordinator.statusPage.{key}: " in text for key in ("listen", "objective"))


@pytest.mark.parametrize(
    ("watching", "words"),
    [
        ({"flapsAbove": 20}, "calmBelow is not below flapsAbove"),
        ({"dns": False, "nameServers": ["192.0.2.1"]}, "nameServers are for dns: true"),
        ({"targets": [{"name": "a", "url": "https://a"}] * 2}, "targets have the same name: a"),
        ({"targets": [{"name": "netlify", "url": "https://a"}]}, "netlify is watched already"),
        (
            {"maintenance": [{"begins": "2026-12-01T02:00:00Z", "ends": "2026-12-01T03:00:00Z", "targets": ["x"]}]},
            "nobody watches x; use aws",
        ),
        (
            {"maintenance": [{"begins": "2026-12-01T02:00:00Z", "ends": "2026-12-09T03:00:00Z", "repeat": "weekly"}]},
            "lasts longer than the time until it repeats",
        ),
    ],
)
def test_settings_of_watching_that_do_not_fit_together_are_refused(stack, watching, words):
    with pytest.raises(Refused, match=words):
        stack(coordinator={"watching": watching})


def test_the_page_for_everybody_has_an_address_of_its_own(stack):
    with pytest.raises(Refused, match=r"statusPage.listen is the address of the webhooks"):
        stack(coordinator={"deploy": "up", "watching": {}, "statusPage": {"listen": "127.0.0.1:8480"}})
