from __future__ import annotations

import base64

import pytest

from coordinator import credentials, delivery
from coordinator.delivery_settings import Delivery
from coordinator.errors import Refused
from coordinator.settings import StackSettings

KEY = "whsec_" + base64.b64encode(b"k" * 24).decode()
GOOD = {"HOOK": "planted-" + "x" * 24, "TOKEN": "planted-token", "KEY": KEY}
REPORTS = {"github": {"repository": "robot/site", "token": "env:TOKEN"}}
HOOKS = {"github": {"repository": "robot/site", "secret": "env:HOOK"}}


def own(**changed):
    return Delivery.model_validate({"deploy": "up", "branch": "main", "webhooks": HOOKS, "reports": REPORTS, **changed})


def mistakes(environment, **changed):
    return credentials.read(own(**changed), environment)[1]


def test_secrets_are_found_where_the_settings_say_and_shown_nowhere(tmp_path):
    (tmp_path / "hook").write_text(GOOD["HOOK"] + "\n")
    found, wrong = credentials.read(
        own(webhooks={"github": {"repository": "robot/site", "secret": f"file:{tmp_path}/hook"}}), GOOD
    )
    assert wrong == []
    assert found["webhooks.github.secret"] == GOOD["HOOK"]
    assert found.variables == {"TOKEN"}
    assert "planted" not in repr(found)


def test_a_relative_file_is_one_that_systemd_has_loaded(tmp_path):
    (tmp_path / "hook").write_text(GOOD["HOOK"])
    hooks = {"github": {"repository": "robot/site", "secret": "file:hook"}}
    assert mistakes({**GOOD, "CREDENTIALS_DIRECTORY": str(tmp_path)}, webhooks=hooks) == []
    (wrong,) = mistakes({**GOOD, "CREDENTIALS_DIRECTORY": "/nowhere"}, webhooks=hooks)
    assert wrong == "webhooks.github.secret: the file /nowhere/hook cannot be read: No such file or directory"


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "webhooks.github.secret: the variable HOOK is not set"),
        ({"HOOK": " "}, "the variable HOOK is not set"),
        ({"HOOK": "planted"}, "it has 7 characters and needs 24 or more"),
        ({"HOOK": "planted-" + "ä" * 30}, "a character that no header can carry"),
        ({"TOKEN": "planted"}, "reports.github.token: has 7 characters, which is no token"),
    ],
)
def test_what_is_missing_or_weak_is_named_without_its_value(environment, words):
    given = {**{name: value for name, value in GOOD.items() if environment}, **environment}
    found = mistakes(given)
    assert any(words in one for one in found)
    assert not any("planted" in one for one in found)


@pytest.mark.parametrize(("key", "words"), [("???", "is no signing key"), ("whsec_YWJj", "3 bytes and needs 24")])
def test_a_signing_key_must_be_one(key, words):
    hooks = {"gitlab": {"project": "robot/site", "signingKey": "env:KEY"}}
    (wrong,) = mistakes({**GOOD, "KEY": key}, webhooks=hooks)
    assert words in wrong


def test_variables_of_the_publication_cannot_be_the_coordinators():
    reports = {"gitlab": {"project": "robot/site", "token": "env:GITLAB_TOKEN"}}
    (wrong,) = mistakes({**GOOD, "GITLAB_TOKEN": "planted-token"}, reports=reports)
    assert wrong == "reports.gitlab.token: GITLAB_TOKEN belongs to the publication; use a variable of another name"


def stack(content="https://git.example/robot/site.git", ref="main", **changed):
    ids = {"cloudflareAccountId": "a" * 32, "cloudflareZoneId": "b" * 32, "domain": "example.org"}
    given = {"content": content, "contentRef": ref, "hosts": ["aws"], "coordinator": own(**changed)}
    return StackSettings.model_validate({**ids, **given})


def test_all_mistakes_come_at_once():
    with pytest.raises(Refused) as raised:
        delivery.order("prod", stack(content="site", ref="", branch=None), {})
    lines = str(raised.value.message).splitlines()
    assert lines[0] == "4 mistakes in Pulumi.prod.yaml and its secrets; the coordinator did not start:"
    assert [line.split(": ")[0].strip(" -") for line in lines[1:]] == [
        "coordinator.branch",
        "coordinator.deploy",
        "coordinator.reports.github.token",
        "coordinator.webhooks.github.secret",
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"ref": "a" * 40}, "one commit, which never moves"),
        ({"ref": "live"}, "branch: is main, but the content is at live"),
        ({"content": "file:///site.git#other", "ref": ""}, "branch: is main, but the content is at other"),
    ],
)
def test_content_that_does_not_fit_is_refused(content, words):
    with pytest.raises(Refused, match=words):
        delivery.order("prod", stack(**content), GOOD)


def test_the_content_of_the_environment_wins_as_it_does_for_the_program():
    found = delivery.order("prod", stack(), {**GOOD, "PEACEFULROBOT_CONTENT": "file:///site.git#main"})
    assert (found.remote.url, found.remote.ref, found.branch) == ("file:///site.git", "main", "main")
    assert found.remote.at("abc") == "file:///site.git#abc"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"deploy": "none"}, "webhooks and reports need deploy"),
        ({"webhooks": {}, "poll": 0}, "nothing would ever start a deployment"),
        ({"poll": 3}, "poll is 0 for never, or at least 5 seconds"),
        ({"deploy": "gitlab-pipeline"}, "needs its own settings in gitlabPipeline"),
        ({"deploy": "github-dispatch", "up": {"command": ["x"]}}, "up.command is only for deploy: up"),
        ({"retryWait": 1000}, "longestRetryWait is shorter than retryWait"),
        ({"webhooks": {"gitlab": {"project": "a/b"}}}, "give signingKey or token"),
        ({"webhooks": {"gitlab": {"project": "a/b", "token": "env:A", "signingKey": "env:B"}}}, "and not both"),
        ({"webhooks": {"github": {"repository": "a/b", "secret": "planted"}}}, "name the secret, as env:NAME"),
        ({"reports": {"github": {"api": "http://api.github.com", "repository": "a/b", "token": "env:A"}}}, "api"),
        ({"listen": "8480"}, "listen"),
        ({"pol": 5}, "Extra inputs are not permitted"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(given, words):
    with pytest.raises(ValueError, match=words):
        own(**given)


def test_an_address_that_is_taken_is_refused_by_name():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Refused, match=f"coordinator.listen: cannot listen on {address}: Address already in use"):
            delivery.refuse_taken(address)
    delivery.refuse_taken(address)
    with pytest.raises(Refused, match="no such port"):
        delivery.refuse_taken("127.0.0.1:99999")
