from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from components.settings import Settings, SettingsError, load, read

ROOT = Path(__file__).resolve().parents[2]
IDS = {"cloudflareAccountId": "a" * 32, "cloudflareZoneId": "b" * 32}


def raw(**settings):
    given = {**IDS, **settings}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}


def mistakes(**settings):
    with pytest.raises(SettingsError) as error:
        read(raw(**settings))
    return str(error.value)


def declared():
    return yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]


def test_every_setting_is_declared_with_type_default_and_description_and_the_other_way_round():
    names = {field.alias for field in Settings.model_fields.values()}
    assert set(declared()) == names
    for name, entry in declared().items():
        assert {"type", "default", "description"} <= entry.keys(), name
        assert len(entry["description"]) > 20, name


def test_the_defaults_of_the_file_are_those_of_the_code():
    settings = Settings.model_validate(IDS)
    for name, entry in declared().items():
        if name not in IDS:
            value = json.loads(json.dumps(settings.model_dump(by_alias=True, exclude_none=True).get(name)))
            assert value == entry["default"], name


@pytest.mark.parametrize("stack", ["prod", "sandbox"])
def test_the_stacks_that_are_shipped_are_right_once_the_accounts_are_set(stack):
    config = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
    own = {key.split(":", 1)[1]: value for key, value in config.items() if key.startswith("peacefulrobot-infra:")}
    settings = read(raw(**own))
    assert settings.site_name == "www.peacefulrobot.com"
    for name in settings.hosts:
        assert settings.host_arguments(name, {}).site == "www.peacefulrobot.com"


def test_all_mistakes_are_named_at_once_with_their_keys():
    text = mistakes(
        hosts=["netlify", "geocities"],
        monitorInterval=5,
        alertEmail="nobody",
        hots=["aws"],
        hostSettings={"aws": {"settle_second": 3}, "tripod": {}},
        cloudflareZoneId="short",
    )
    for part in (
        "hosts: unknown platform geocities; use some of vercel, netlify, aws",
        "monitorInterval:",
        "alertEmail:",
    ):
        assert part in text
    assert "hots: is no setting; did you mean hosts?" in text
    assert "cloudflareZoneId:" in text
    assert "nothing was changed" in text


def test_mistakes_in_host_settings_are_named_with_their_path():
    text = mistakes(hostSettings={"aws": {"settle_second": 3, "site": "x"}, "tripod": {}, "netlify": {"account": [1]}})
    assert "hostSettings.aws.settle_second: is no setting of aws; known: " in text
    assert "hostSettings.aws.site: is decided for the whole stack" in text
    assert "hostSettings.tripod: unknown platform" in text
    assert "hostSettings.netlify.account:" in text


def test_a_missing_account_says_how_to_set_it():
    with pytest.raises(SettingsError, match="cloudflareAccountId: is not set; pulumi config set cloudflareAccountId"):
        read({})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"hosts": []}, "hosts"),
        ({"hosts": ["aws", "aws"]}, "named twice"),
        ({"hosts": "not json"}, "hosts: is not valid JSON"),
        ({"hostname": "www.elsewhere.org"}, "does not lie in domain"),
        ({"domain": "no domain"}, "domain"),
        ({"monitorRegions": ["MARS"]}, "unknown region MARS"),
        ({"monitorTimeout": 10, "monitorRetries": 5}, "must be shorter than monitorInterval"),
        ({"allowDeletes": "everything"}, "allowDeletes"),
        ({"release": "yesterday"}, "release"),
        ({"releaseBarrier": "some"}, "releaseBarrier"),
        ({"keepReleases": 1}, "keepReleases"),
        ({"cacheRules": [{"paths": "*.css"}]}, "cacheRules.0.value"),
    ],
)
def test_a_wrong_value_names_its_key_and_what_is_right(settings, said):
    assert said in mistakes(**settings)


def test_the_environment_pins_a_release_for_one_run_and_lifts_the_pin_of_the_stack(monkeypatch):
    pinned = "r" + "1" * 16
    config = {f"project:{key}": value for key, value in raw(release=pinned).items()}
    monkeypatch.setattr("pulumi.get_project", lambda: "project")
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(config))
    assert load().release == pinned
    monkeypatch.setenv("PEACEFULROBOT_RELEASE", "r" + "2" * 16)
    assert load().release == "r" + "2" * 16
    monkeypatch.setenv("PEACEFULROBOT_RELEASE", "")
    assert load().release == ""


def test_the_edge_is_a_load_balancer_unless_the_stack_says_otherwise():
    assert (read(IDS).edge_mode, read(IDS).copy_folder) == ("load-balancer", "")


@pytest.mark.parametrize(("copied", "folder"), [("true", ".edge-copy"), ("false", "")])
def test_a_worker_has_a_copy_unless_the_stack_says_otherwise(copied, folder):
    assert read({**IDS, "edgeMode": "worker", "workerCopy": copied}).copy_folder == folder


def test_an_unknown_mode_is_refused_by_name():
    with pytest.raises(SettingsError, match=r"edgeMode: .*load-balancer.*worker"):
        read({**IDS, "edgeMode": "dns"})


def test_the_workers_patience_is_checked_with_all_its_mistakes():
    limits = json.dumps({"hedge": 5000, "steps": [50, 5], "longestWait": 0})
    with pytest.raises(SettingsError) as caught:
        read({**IDS, "workerLimits": limits})
    for words in ("workerLimits.steps", "must rise", "workerLimits.longestWait"):
        assert words in str(caught.value)


def test_the_workers_patience_must_fit_together():
    with pytest.raises(SettingsError, match="hedge < attempt < deadline"):
        read({**IDS, "workerLimits": json.dumps({"hedge": 5000})})


def test_the_script_gets_shares_and_its_own_names():
    found = read({**IDS, "workerLimits": json.dumps({"steps": [25], "stepTime": 1000})}).worker_limits.for_script()
    assert (found["steps"], found["stepTime"], found["hedge"]) == ([0.25], 1000, 400)
