from __future__ import annotations

import json

import pytest

from sandbox.platforms.aws.identity_resources import OpenIdConnectProvider, Role, RolePolicy
from sandbox.provider.resource_type import UNKNOWN, Refused
from sandbox.store import Store
from tests.sandbox.platforms.identities import made

ISSUER = {"url": "https://gitlab.com", "clientIdLists": ["sts.amazonaws.com"]}
ALLOW = {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": "arn"}}
GRANT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store.sqlite")


async def test_an_issuers_arn_is_made_of_its_host(store):
    identifier, outputs = await made(OpenIdConnectProvider(store), **ISSUER)
    assert identifier == outputs["arn"] == "arn:aws:iam::123456789012:oidc-provider/gitlab.com"
    assert len(outputs["thumbprintLists"][0]) == 40


async def test_an_account_has_one_provider_for_an_issuer(store):
    await made(OpenIdConnectProvider(store), **ISSUER)
    with pytest.raises(Refused, match="EntityAlreadyExists"):
        await made(OpenIdConnectProvider(store), **ISSUER)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"url": "http://gitlab.com"}, "must be an https URL"),
        ({"url": "https://gitlab.com?a=b"}, "must be an https URL"),
        ({"clientIdLists": None}, "clientIdLists"),
        ({"clientIdLists": [""]}, "InvalidInput"),
        ({"clientIdLists": [str(number) for number in range(101)]}, "LimitExceeded"),
    ],
)
async def test_an_issuer_that_iam_refuses(store, changed, words):
    with pytest.raises(Refused, match=words):
        await made(OpenIdConnectProvider(store), **{**ISSUER, **changed})


async def test_a_role_keeps_its_id_over_changes(store):
    role = Role(store)
    identifier, before = await made(role, name="publishes", assumeRolePolicy=policy(ALLOW))
    assert before["arn"] == "arn:aws:iam::123456789012:role/publishes"
    after = await role.update(identifier, before, {"name": "publishes", "assumeRolePolicy": policy(ALLOW, ALLOW)})
    assert (after["uniqueId"], after["createDate"]) == (before["uniqueId"], before["createDate"])


async def test_a_wildcard_in_the_subject_is_taken(store):
    condition = {"StringLike": {"gitlab.com:sub": "project_path:*"}}
    assert await made(Role(store), name="wide", assumeRolePolicy=policy({**ALLOW, "Condition": condition}))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"assumeRolePolicy": "trust me"}, "contains an invalid JSON policy"),
        ({"assumeRolePolicy": "[]"}, "Syntax errors"),
        ({"assumeRolePolicy": policy()}, "Syntax errors"),
        ({"assumeRolePolicy": policy({**ALLOW, "Effect": "allow"})}, "Syntax errors"),
        ({"assumeRolePolicy": policy({**ALLOW, "Resource": "*"})}, "prohibited field Resource"),
        ({"assumeRolePolicy": policy({"Effect": "Allow", "Action": "sts:AssumeRole"})}, "must contain principals"),
        ({"assumeRolePolicy": policy(*[ALLOW] * 30)}, "ACLSizePerRole"),
        ({"name": "a role"}, "name: must match"),
        ({"maxSessionDuration": 60}, "expected to be in the range"),
    ],
)
async def test_a_role_that_iam_refuses(store, changed, words):
    with pytest.raises(Refused, match=words):
        await made(Role(store), **{"name": "publishes", "assumeRolePolicy": policy(ALLOW), **changed})


async def test_a_document_that_is_not_known_yet_is_not_judged(store):
    assert Role(store).check({"name": "r", "assumeRolePolicy": UNKNOWN}) == []


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "contains an invalid JSON policy"),
        (policy({**GRANT, "Principal": "*"}), "prohibited field Principal"),
        (policy({"Effect": "Allow", "Action": "s3:GetObject"}), "must contain resources"),
        (policy({**GRANT, "Sid": "x" * 11000}), "Maximum policy size"),
    ],
)
async def test_a_grant_that_iam_refuses(store, document, words):
    await made(Role(store), name="publishes", assumeRolePolicy=policy(ALLOW))
    with pytest.raises(Refused, match=words):
        await made(RolePolicy(store), role="publishes", name="p", policy=document)


async def test_a_grant_needs_its_role_and_a_role_goes_last(store):
    with pytest.raises(Refused, match="NoSuchEntity"):
        await made(RolePolicy(store), role="publishes", name="p", policy=policy(GRANT))
    await made(Role(store), name="publishes", assumeRolePolicy=policy(ALLOW))
    identifier, _ = await made(RolePolicy(store), role="publishes", name="p", policy=policy(GRANT))
    assert identifier == "publishes:p"
    with pytest.raises(Refused, match="DeleteConflict"):
        await Role(store).delete("publishes")
    await RolePolicy(store).delete(identifier)
    await Role(store).delete("publishes")
    assert await Role(store).read("publishes") is None
