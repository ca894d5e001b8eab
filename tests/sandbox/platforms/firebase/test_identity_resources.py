from __future__ import annotations

import pytest

from sandbox.platforms.firebase.account import NUMBER, PROJECT
from sandbox.platforms.firebase.identity_resources import (
    AccountMember,
    ProjectMember,
    ServiceAccount,
    WorkloadIdentityPool,
    WorkloadIdentityPoolProvider,
)
from sandbox.provider.resource_type import Refused
from sandbox.store import Store
from tests.sandbox.platforms.identities import made

POOL = {"project": PROJECT, "workloadIdentityPoolId": "pipelines"}
PROVIDER = {
    **POOL,
    "workloadIdentityPoolProviderId": "github",
    "attributeMapping": {"google.subject": "assertion.sub"},
    "attributeCondition": "assertion.sub == 'x'",
    "oidc": {"issuerUri": "https://token.actions.githubusercontent.com"},
}
MEMBER = {"project": PROJECT, "role": "roles/firebasehosting.admin"}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store.sqlite")


async def test_names_hold_the_projects_number_and_ids_its_id(store):
    identifier, outputs = await made(WorkloadIdentityPool(store), **POOL)
    assert identifier == f"projects/{PROJECT}/locations/global/workloadIdentityPools/pipelines"
    assert outputs["name"] == f"projects/{NUMBER}/locations/global/workloadIdentityPools/pipelines"
    _, provider = await made(WorkloadIdentityPoolProvider(store), **PROVIDER)
    assert provider["name"] == f"{outputs['name']}/providers/github"


async def test_a_provider_goes_with_its_pool(store):
    pool, _ = await made(WorkloadIdentityPool(store), **POOL)
    provider, _ = await made(WorkloadIdentityPoolProvider(store), **PROVIDER)
    await WorkloadIdentityPool(store).delete(pool)
    assert await WorkloadIdentityPoolProvider(store).read(provider) is None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"attributeCondition": None}, "must reference one of the provider's claims"),
        ({"attributeCondition": "true"}, "must reference one of the provider's claims"),
        ({"attributeMapping": {"attribute.ref": "assertion.ref"}}, "google.subject is required"),
        ({"oidc": {"issuerUri": "http://gitlab.com"}}, "issuerUri must be an https URI"),
        ({"workloadIdentityPoolId": "others"}, "Error 404"),
        ({"workloadIdentityPoolProviderId": "gcp-github"}, "not begin with gcp-"),
        ({"project": "somebody"}, "Error 403"),
    ],
)
async def test_a_provider_that_google_refuses(store, changed, words):
    await made(WorkloadIdentityPool(store), **POOL)
    with pytest.raises(Refused, match=words):
        await made(WorkloadIdentityPoolProvider(store), **{**PROVIDER, **changed})


@pytest.mark.parametrize("name", ["abc", "Pool", "gcp-pool", "x" * 33])
async def test_a_pool_id_that_google_refuses(store, name):
    with pytest.raises(Refused, match="workloadIdentityPoolId"):
        await made(WorkloadIdentityPool(store), **{**POOL, "workloadIdentityPoolId": name})


async def test_a_service_account_has_an_address_in_its_project(store):
    _, outputs = await made(ServiceAccount(store), project=PROJECT, accountId="publishes")
    assert outputs["email"] == f"publishes@{PROJECT}.iam.gserviceaccount.com"
    assert outputs["member"] == f"serviceAccount:{outputs['email']}"
    with pytest.raises(Refused, match="Error 409"):
        await made(ServiceAccount(store), project=PROJECT, accountId="publishes")
    with pytest.raises(Refused, match="account_id"):
        await made(ServiceAccount(store), project=PROJECT, accountId="p")


async def test_a_role_is_given_only_to_who_is_there(store):
    with pytest.raises(Refused, match="Service account nobody@x does not exist"):
        await made(ProjectMember(store), **MEMBER, member="serviceAccount:nobody@x")
    account, outputs = await made(ServiceAccount(store), project=PROJECT, accountId="publishes")
    assert await made(ProjectMember(store), **MEMBER, member=outputs["member"])
    acts = {"serviceAccountId": account, "role": "roles/iam.workloadIdentityUser"}
    principal = f"principal://iam.googleapis.com/projects/{NUMBER}/locations/global/workloadIdentityPools/pipelines"
    with pytest.raises(Refused, match="Identity Pool does not exist"):
        await made(AccountMember(store), **acts, member=f"{principal}/subject/x")
    await made(WorkloadIdentityPool(store), **POOL)
    assert await made(AccountMember(store), **acts, member=f"{principal}/subject/x")
    with pytest.raises(Refused, match="Unknown service account"):
        await made(AccountMember(store), **{**acts, "serviceAccountId": "a"}, member=f"{principal}/subject/x")


@pytest.mark.parametrize(("key", "value"), [("role", "owner"), ("member", "publishes@x")])
async def test_a_member_or_a_role_of_another_form_is_refused(store, key, value):
    given = {**MEMBER, "member": "user:a@example.org", key: value}
    with pytest.raises(Refused, match=f"is not the name of a {key}"):
        await made(ProjectMember(store), **given)
