"""Which forges are asked, with which token, by the settings."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from coordinator import credentials
from coordinator.delivery_settings import Delivery
from coordinator.deployments.opening import keys_of, sources_of

TOKENS = {"OWN": "planted-own-token", "OTHER": "planted-other-token", "TRIGGER": "planted-trigger-token"}
DISPATCH = {"repository": "robot/infra", "token": "env:OTHER"}
PIPELINE = {"project": "robot/infra", "ref": "live", "token": "env:OTHER", "triggerToken": "env:TRIGGER"}
REPORTS = {
    "github": {"repository": "robot/site", "token": "env:OTHER"},
    "gitlab": {"project": "robot/site", "token": "env:OTHER", "api": "https://git.example.org/api/v4"},
}


def own(**changed):
    return Delivery.model_validate({"watching": {}, **changed})


def sources(settings):
    secrets, wrong = credentials.read(settings, TOKENS, ("deployments.", *keys_of(settings)))
    assert wrong == []
    return sources_of(settings, secrets)


def shown(source):
    client = source.api._client
    token = client.headers.get("Authorization", "").removeprefix("Bearer ") or client.headers["PRIVATE-TOKEN"]
    return str(client.base_url), getattr(source, "repository", "") or source.project, token


def test_the_forge_that_deploys_is_asked_with_the_token_that_is_there():
    (github,) = sources(own(deploy="github-dispatch", githubDispatch=DISPATCH))
    assert (shown(github), github.workflow) == (
        ("https://api.github.com", "robot/infra", TOKENS["OTHER"]),
        "deploy.yml",
    )
    (gitlab,) = sources(own(deploy="gitlab-pipeline", gitlabPipeline=PIPELINE))
    assert (shown(gitlab), gitlab.ref) == (
        ("https://gitlab.com/api/v4/", "robot/infra", TOKENS["OTHER"]),
        "live",
    )


def test_without_such_a_way_nobody_is_asked_unless_the_settings_say_so():
    assert sources(own(deploy="up", reports=REPORTS, branch="main")) == []
    github, gitlab = sources(
        own(deploy="up", reports=REPORTS, branch="main", deployments={"github": {"workflow": "site.yml"}, "gitlab": {}})
    )
    assert (shown(github), github.workflow) == (("https://api.github.com", "robot/site", TOKENS["OTHER"]), "site.yml")
    assert shown(gitlab) == ("https://git.example.org/api/v4/", "robot/site", TOKENS["OTHER"])


def test_a_forge_is_asked_also_where_the_coordinator_only_watches():
    given = {"gitlab": {"project": "robot/infra", "token": "env:OWN", "sources": ["schedule"]}}
    (gitlab,) = sources(own(deployments=given))
    assert (shown(gitlab), gitlab.sources) == (
        ("https://gitlab.com/api/v4/", "robot/infra", TOKENS["OWN"]),
        ("schedule",),
    )


@pytest.mark.parametrize(
    "off",
    [{"deployments": {"interval": 0}}, {"watching": None}, {"statusPage": None}],
    ids=["0", "unwatched", "no page"],
)
def test_nobody_is_asked_where_nobody_would_see_it(off):
    assert sources(own(deploy="github-dispatch", githubDispatch=DISPATCH, **off)) == []


def test_a_token_goes_to_its_own_forge_and_to_no_other():
    elsewhere = {"github": {"api": "https://other.example.org/api/v3"}}
    with pytest.raises(ValidationError, match=r"deployments.github: give token"):
        own(deploy="github-dispatch", githubDispatch=DISPATCH, deployments=elsewhere)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"github": {}}, "deployments.github: give repository and token"),
        ({"gitlab": {"token": "env:OWN"}}, "deployments.gitlab: give project, which no other setting tells"),
        ({"interval": 5}, "deployments.interval is 0 for never, or at least 15 seconds"),
        ({"platforms": 10}, "deployments.platforms is 0 for never, or at least 60 seconds"),
    ],
)
def test_what_is_missing_is_named(given, words):
    with pytest.raises(ValidationError, match=words):
        own(deployments=given)


def test_what_nobody_would_see_is_a_mistake():
    with pytest.raises(ValidationError, match="deployments are shown on the status page, and there is none"):
        Delivery.model_validate({"deployments": {"platforms": 300}})


def test_a_missing_token_is_told_with_its_key():
    settings = own(deployments={"gitlab": {"project": "robot/infra", "token": "env:GONE"}})
    _, wrong = credentials.read(settings, TOKENS, "deployments.")
    assert wrong == ["deployments.gitlab.token: the variable GONE is not set"]
