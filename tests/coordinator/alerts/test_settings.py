from __future__ import annotations

import json

import httpx
import pytest
import yaml

from components.settings import SettingsError, read
from coordinator import settings
from coordinator.alerts.opening import CHECKING, SENDING, alert_order, channels_of, opened
from coordinator.alerts.settings import Alerts, MailAlerts
from coordinator.delivery_settings import Delivery
from coordinator.errors import Refused
from coordinator.places import ROOT

MAIL = {"host": "mail.example.org", "sender": "robot@example.org", "recipients": ["one@example.org"]}
LOGIN = {"user": "robot", "password": "env:MAIL"}
ALL = {
    "mail": {**MAIL, **LOGIN},
    "matrix": {"homeserver": "https://matrix.example.org", "room": "!abc:example.org", "token": "env:MATRIX"},
    "mastodon": {"instance": "https://social.example.org", "token": "file:mastodon"},
    "webhook": {"url": "env:HOOK", "secret": "env:SIGNING"},
    "heartbeatUrl": "env:PING",
}
SECRETS = {
    "MAIL": "pässword planted",
    "MATRIX": "syt_planted_token",
    "HOOK": "https://hooks.example.org/planted",
    "SIGNING": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "PING": "https://ping.example.org/planted",
}


@pytest.fixture
def stack(tmp_path):
    """A stack with these settings for its alerts, read as the coordinator reads it."""

    def read(alerts):
        (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text("utf-8"), "utf-8")
        given = {
            "cloudflareAccountId": "a" * 32,
            "cloudflareZoneId": "b" * 32,
            "coordinator": {"watching": {}, "alerts": alerts},
        }
        config = {f"peacefulrobot-infra:{key}": value for key, value in given.items()}
        (tmp_path / "Pulumi.test.yaml").write_text(yaml.safe_dump({"config": config}), "utf-8")
        return settings.read(tmp_path, "test")

    return read


@pytest.fixture
def environment(tmp_path):
    (tmp_path / "mastodon").write_text("mastodon-planted\n")
    return {**SECRETS, "CREDENTIALS_DIRECTORY": str(tmp_path)}


async def test_every_channel_gets_its_secret_from_where_the_settings_say(stack, environment):
    found = alert_order("test", stack(ALL), environment)
    async with httpx.AsyncClient() as http:
        mail, matrix, mastodon, webhook = channels_of(found, http)
    assert (mail.port, mail.encryption, mail.password) == (587, "starttls", SECRETS["MAIL"])
    assert (matrix.token, mastodon.token) == (SECRETS["MATRIX"], "mastodon-planted")
    assert (webhook.url, webhook.secret) == (SECRETS["HOOK"], SECRETS["SIGNING"])
    assert "planted" not in repr([found, mail, matrix, mastodon, webhook])
    assert found.secrets.variables == set(SECRETS)


async def test_what_is_opened_has_its_tasks_and_nothing_to_do_without_a_channel(stack, environment, tmp_path):
    tasks = {}
    async with opened(alert_order("test", stack(ALL), environment), tmp_path / "state", tasks) as outbox:
        assert outbox.channels == ["mail", "matrix", "mastodon", "webhook"]
    assert set(tasks) == {SENDING, CHECKING}
    tasks = {}
    async with opened(alert_order("test", stack({}), {}), tmp_path / "none", tasks) as outbox:
        await outbox.add([])
        assert (outbox.channels, tasks) == ([], {})


def test_all_secrets_that_are_missing_or_wrong_are_named_at_once_without_their_values(stack, tmp_path):
    wrong = {"MATRIX": "planted", "HOOK": "http://planted.example.org", "SIGNING": "planted!", "PING": "planted"}
    with pytest.raises(Refused) as raised:
        alert_order("test", stack(ALL), {**wrong, "CREDENTIALS_DIRECTORY": str(tmp_path)})
    text = str(raised.value.message)
    assert text.startswith("6 mistakes in Pulumi.test.yaml and its secrets; the coordinator did not start:")
    for key, words in {
        "mail.password": "the variable MAIL is not set",
        "matrix.token": "has 7 characters, which is no token",
        "mastodon.token": f"the file {tmp_path}/mastodon cannot be read",
        "webhook.url": "is no address that begins with https://",
        "webhook.secret": "is no secret of Standard Webhooks",
        "heartbeatUrl": "is no address that begins with https://",
    }.items():
        assert f"coordinator.alerts.{key}: {words}" in text
    assert "planted" not in text


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"mail": {**MAIL, "user": "robot"}}, "give user and password, or neither"),
        ({"mail": {**MAIL, "password": "env:X"}}, "give user and password, or neither"),
        ({"mail": {**MAIL, "encryption": "none"}}, "encryption"),
        ({"mail": {**MAIL, "recipients": []}}, "recipients"),
        ({"mail": {**MAIL, "sender": "Robot <robot@example.org>"}}, "sender"),
        ({"mail": {**MAIL, "sender": "robot@example.org\nBcc: x@example.org"}}, "sender"),
        ({"mail": {**MAIL, "recipients": ["a@example.org, b@example.org"]}}, "recipients"),
        ({"mail": {**MAIL, **LOGIN, "password": "planted"}}, "password"),
        ({"matrix": {**ALL["matrix"], "room": "#robots:example.org"}}, "room"),
        ({"matrix": {**ALL["matrix"], "homeserver": "http://matrix.example.org"}}, "homeserver"),
        ({"mastodon": {**ALL["mastodon"], "visibility": "direct"}}, "visibility"),
        ({"webhook": {"url": "http://example.org/x"}}, "url"),
        ({"heartbeat": "24:00"}, "heartbeat"),
        ({"heartbeatUrl": "https://example.org/x"}, "heartbeatUrl needs a channel"),
        ({"heartbeatUrl": "https://example.org/x", "heartbeat": "", "mail": MAIL}, "heartbeatUrl needs a channel"),
        ({"mostPerHour": 0}, "mostPerHour"),
        ({"pager": {}}, "Extra inputs are not permitted"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(given, words):
    with pytest.raises(ValueError, match=words):
        Alerts.model_validate(given)


def test_a_secret_that_was_written_into_the_settings_is_shown_by_no_message(stack):
    wrong = {"mail": {**MAIL, **LOGIN, "password": "planted"}, "webhook": {"url": "ftp://planted", "secret": "planted"}}
    with pytest.raises(Refused) as raised:
        stack(wrong)
    with pytest.raises(SettingsError) as declared:
        read({"coordinator": json.dumps({"alerts": wrong})})
    for text in (str(raised.value.message), str(declared.value)):
        assert all(f"coordinator.alerts.{key}: " in text for key in ("mail.password", "webhook.url", "webhook.secret"))
        assert "planted" not in text


def test_channels_without_anything_that_is_watched_are_refused():
    with pytest.raises(ValueError, match="nobody would ever be told; add watching"):
        Delivery.model_validate({"alerts": {"mail": MAIL}})
    assert Delivery.model_validate({"alerts": {"mail": MAIL}, "watching": {}}).alerts.names == ("mail",)


def test_the_port_is_that_of_the_encryption():
    assert [MailAlerts.model_validate({**MAIL, "encryption": how}).real_port for how in ("starttls", "tls")] == [
        587,
        465,
    ]
    assert MailAlerts.model_validate({**MAIL, "port": 2525}).real_port == 2525
