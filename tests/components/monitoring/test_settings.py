from __future__ import annotations

import json

import pytest

from components.settings import SettingsError, read

IDS = {"cloudflareAccountId": "a" * 32, "cloudflareZoneId": "b" * 32}


def settings(monitoring, **given):
    return read({**IDS, "monitoring": json.dumps(monitoring), **given}).monitoring


def test_nothing_is_asked_for_unless_somebody_says_so():
    found = read(IDS).monitoring
    assert (found.uptime_robot, found.cloudflare) == (None, None)


def test_a_contact_is_its_number_or_more():
    found = settings({"uptimeRobot": {"contacts": ["7", 8, {"id": "9"}]}}).uptime_robot
    assert [(one.id, one.threshold, one.recurrence) for one in found.contacts] == [
        ("7", 0, 0),
        ("8", 0, 0),
        ("9", 0, 0),
    ]
    assert (found.interval, found.plan, found.platforms) == (300, "free", True)


def test_a_paid_plan_allows_what_the_free_one_does_not():
    own = {"plan": "paid", "interval": 60, "contacts": [{"id": "7", "threshold": 5, "recurrence": 30}]}
    assert settings({"uptimeRobot": own}).uptime_robot.interval == 60


@pytest.mark.parametrize(
    ("given", "key", "words"),
    [
        ({"uptimeRobot": {"contacts": ["7"], "interval": 60}}, "uptimeRobot", "the free plan allows 300 or more"),
        (
            {"uptimeRobot": {"contacts": [{"id": "7", "threshold": 5}]}},
            "uptimeRobot",
            "7 has a threshold or recurrence, which the free plan does not allow",
        ),
        ({"uptimeRobot": {"contacts": []}}, "uptimeRobot.contacts", "at least 1 item"),
        ({"uptimeRobot": {}}, "uptimeRobot.contacts", "is not set"),
        ({"uptimeRobot": {"contacts": ["7", "7"]}}, "uptimeRobot", "names a contact twice"),
        ({"uptimeRobot": {"contacts": ["ops@example.org"]}}, "uptimeRobot.contacts.0.id", "should match pattern"),
        ({"uptimeRobot": {"contacts": ["7"], "retries": 4}}, "uptimeRobot.retries", "less than or equal to 3"),
        ({"uptimerobot": {}}, "uptimerobot", "Extra inputs are not permitted"),
        ({"cloudflare": {}}, "cloudflare", "names nobody to tell"),
        ({"cloudflare": {"webhooks": ["hook"]}}, "cloudflare.webhooks.0", "should match pattern"),
    ],
)
def test_what_is_wrong_is_named_by_its_key(given, key, words):
    with pytest.raises(SettingsError) as raised:
        settings(given)
    assert f"monitoring.{key}: " in str(raised.value)
    assert words in str(raised.value)


def test_nobody_is_told_twice_and_a_worker_has_no_health_to_tell():
    own = {"cloudflare": {"emails": ["ops@example.org"]}}
    with pytest.raises(SettingsError, match=r"monitoring.cloudflare.emails: ops@example.org is alertEmail too"):
        settings(own, alertEmail="ops@example.org")
    with pytest.raises(SettingsError, match=r"monitoring.cloudflare: with edgeMode worker"):
        settings(own, edgeMode="worker")


def test_a_worker_never_writes_to_the_address_for_alerts_and_all_of_it_is_said_at_once():
    with pytest.raises(SettingsError, match=r"alertEmail: with edgeMode worker.*coordinator.alerts.mail") as raised:
        settings({"cloudflare": {"webhooks": ["0" * 32]}}, edgeMode="worker", alertEmail="ops@example.org")
    assert "monitoring.cloudflare: with edgeMode worker" in str(raised.value)
