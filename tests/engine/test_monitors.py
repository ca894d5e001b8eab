"""UptimeRobot's monitors with the real engine: made once, calling everything up, and set right again."""

from __future__ import annotations

import requests

from platforms import PLATFORMS


class Account:
    """The stack's account, as its dashboard would show it."""

    def __init__(self, stack):
        found = stack.sandbox()["environment"]
        self.url = f"{found['UPTIMEROBOT_API_URL']}/monitors"
        self.headers = {"Authorization": f"Bearer {found['UPTIMEROBOT_API_KEY']}"}

    def monitors(self):
        answer = requests.get(self.url, headers=self.headers, timeout=10)
        answer.raise_for_status()
        return {one["friendlyName"]: one for one in answer.json()["data"]}

    def change(self, monitor, **settings):
        requests.patch(
            f"{self.url}/{monitor['id']}", json=settings, headers=self.headers, timeout=10
        ).raise_for_status()


def test_the_public_name_and_each_platform_have_one_monitor_that_calls_them_up(shared_stack):
    found = Account(shared_stack).monitors()
    site = "www.peacefulrobot.com"
    assert set(found) == {site, *(f"{site} on {name}" for name in PLATFORMS)}
    assert {name: one["status"] for name, one in found.items()} == dict.fromkeys(found, "UP")


def test_a_monitor_that_somebody_changed_is_named_and_set_right_by_the_next_up(shared_stack):
    account = Account(shared_stack)
    monitor = account.monitors()["www.peacefulrobot.com"]
    account.change(monitor, keywordType="ALERT_EXISTS")
    assert account.monitors()["www.peacefulrobot.com"]["status"] == "DOWN"
    said = shared_stack.run("drift", expect=3)
    assert "monitoring-site" in said
    shared_stack.refresh()
    shared_stack.run("up")
    again = account.monitors()["www.peacefulrobot.com"]
    assert (again["id"], again["keywordType"], again["status"]) == (monitor["id"], "ALERT_NOT_EXISTS", "UP")
    shared_stack.run("preview", "--expect-no-changes")
