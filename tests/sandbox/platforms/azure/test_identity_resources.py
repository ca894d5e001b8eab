from __future__ import annotations

import pytest

from sandbox.platforms.azure.account import SUBSCRIPTION
from sandbox.platforms.azure.identity_resources import (
    FederatedIdentityCredential,
    RoleAssignment,
    RoleDefinition,
    UserAssignedIdentity,
)
from sandbox.platforms.azure.resources import ResourceGroup
from sandbox.provider.resource_type import Refused
from sandbox.store import Store
from tests.sandbox.platforms.identities import made

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
CREDENTIAL = {
    "resourceGroupName": "rg",
    "resourceName": "publishes",
    "federatedIdentityCredentialResourceName": "github",
    "issuer": "https://token.actions.githubusercontent.com",
    "subject": "repo:o/r:environment:production",
    "audiences": ["api://AzureADTokenExchange"],
}
ROLE = {
    "scope": GROUP,
    "roleName": "Publishes",
    "assignableScopes": [GROUP],
    "permissions": [{"actions": ["Microsoft.Web/staticSites/read"], "dataActions": []}],
}


@pytest.fixture
async def store(tmp_path):
    store = Store(tmp_path / "store.sqlite")
    await made(ResourceGroup(store), resourceGroupName="rg", location="westeurope")
    return store


@pytest.fixture
async def identity(store):
    return await made(UserAssignedIdentity(store), resourceGroupName="rg", resourceName="publishes")


async def test_an_identity_keeps_its_ids(store, identity):
    identifier, before = identity
    assert identifier == f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/publishes"
    after = await UserAssignedIdentity(store).update(
        identifier, before, {"resourceGroupName": "rg", "resourceName": "publishes", "tags": {"a": "b"}}
    )
    assert (after["clientId"], after["principalId"]) == (before["clientId"], before["principalId"])


async def test_a_wildcard_in_the_subject_is_taken_and_means_itself(store, identity):
    _, outputs = await made(FederatedIdentityCredential(store), **{**CREDENTIAL, "subject": "repo:o/*"})
    assert outputs["subject"] == "repo:o/*"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"resourceName": "nobody"}, "ParentResourceNotFound"),
        ({"audiences": []}, "Exactly one audience"),
        ({"audiences": ["a", "b"]}, "Exactly one audience"),
        ({"issuer": "http://gitlab.com"}, "must be an https URL"),
        ({"subject": "x" * 601}, "at most 600"),
        ({"federatedIdentityCredentialResourceName": "a b"}, "name is not valid"),
        ({"subject": None}, "subject"),
        ({"resourceGroupName": "other"}, "ResourceGroupNotFound"),
    ],
)
async def test_a_credential_that_azure_refuses(store, identity, changed, words):
    with pytest.raises(Refused, match=words):
        await made(FederatedIdentityCredential(store), **{**CREDENTIAL, **changed})


async def test_an_identity_trusts_a_subject_once_and_has_twenty_at_most(store, identity):
    credential = FederatedIdentityCredential(store)
    await made(credential, **CREDENTIAL)
    with pytest.raises(Refused, match="already exists for this Managed Identity"):
        await made(credential, **{**CREDENTIAL, "federatedIdentityCredentialResourceName": "again"})
    for number in range(19):
        name = {"federatedIdentityCredentialResourceName": f"one-{number}", "subject": f"s{number}"}
        await made(credential, **{**CREDENTIAL, **name})
    with pytest.raises(Refused, match="the limit is 20"):
        await made(
            credential, **{**CREDENTIAL, "federatedIdentityCredentialResourceName": "more", "subject": "another"}
        )


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"assignableScopes": []}, "RoleDefinitionWithNoScopes"),
        ({"assignableScopes": ["/subscriptions/other"]}, "AuthorizationFailed"),
        ({"permissions": [{"actions": ["read everything"]}]}, "InvalidActionOrNotAction"),
        ({"roleDefinitionId": "publishes"}, "is not a GUID"),
    ],
)
async def test_a_role_that_azure_refuses(store, changed, words):
    with pytest.raises(Refused, match=words):
        await made(RoleDefinition(store), **{**ROLE, **changed})


async def test_a_roles_name_is_unique_and_a_role_that_somebody_has_stays(store, identity):
    role, _ = await made(RoleDefinition(store), **ROLE)
    with pytest.raises(Refused, match="RoleDefinitionWithSameNameExists"):
        await made(RoleDefinition(store), **ROLE)
    given = {"scope": GROUP, "roleDefinitionId": role, "principalId": identity[1]["principalId"]}
    assigned, _ = await made(RoleAssignment(store), **given)
    with pytest.raises(Refused, match="RoleAssignmentExists"):
        await made(RoleAssignment(store), **given)
    with pytest.raises(Refused, match="RoleDefinitionHasAssignments"):
        await RoleDefinition(store).delete(role)
    await RoleAssignment(store).delete(assigned)
    await RoleDefinition(store).delete(role)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"principalId": "nobody"}, "PrincipalNotFound"),
        ({"roleDefinitionId": "/roles/x"}, "RoleDefinitionDoesNotExist"),
    ],
)
async def test_an_assignment_that_azure_refuses(store, identity, changed, words):
    role, _ = await made(RoleDefinition(store), **ROLE)
    given = {"scope": GROUP, "roleDefinitionId": role, "principalId": identity[1]["principalId"], **changed}
    with pytest.raises(Refused, match=words):
        await made(RoleAssignment(store), **given)
