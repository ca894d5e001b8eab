"""Azure: one identity in the site's resource group, which trusts the pipelines' tokens, with a role of its own."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pulumi

from components.delivery.settings import Azure
from components.delivery.trust import Trusted
from components.sdk import lazily

if TYPE_CHECKING:
    from pulumi_azure_native import authorization, managedidentity
else:
    authorization, managedidentity = (
        lazily(f"pulumi_azure_native.{part}") for part in ("authorization", "managedidentity")
    )

HOST = "azure"
#: What the pipeline asks its token for: https://learn.microsoft.com/entra/workload-id/workload-identity-federation
AUDIENCE = "api://AzureADTokenExchange"
#: Read and change what is there, and deploy. Neither make nor delete; neither read nor give out keys or roles.
#: https://learn.microsoft.com/azure/role-based-access-control/permissions/web-and-mobile
ACTIONS = (
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Web/staticSites/read",
    "Microsoft.Web/staticSites/write",
    "Microsoft.Web/staticSites/builds/read",
    "Microsoft.Web/staticSites/zipdeploy/action",
    "Microsoft.Web/locations/operations/read",
    "Microsoft.Web/locations/operationResults/read",
    "Microsoft.Storage/storageAccounts/read",
    "Microsoft.Storage/storageAccounts/blobServices/containers/read",
    "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
)
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
#: https://learn.microsoft.com/azure/role-based-access-control/permissions/storage
DATA_ACTIONS = tuple(f"{_BLOBS}/{verb}" for verb in ("read", "write", "add/action", "delete"))


def declare(
    name: str,
    settings: Azure,
    pipelines: Sequence[Trusted],
    scope: Mapping[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> dict[str, dict[str, pulumi.Input[str]]]:
    """Declare it; returns, by forge, the variables with which a pipeline signs in."""
    identity = managedidentity.UserAssignedIdentity(
        f"{name}-identity", resource_group_name=scope["group"], location=settings.location, opts=opts
    )
    _role(name, scope["group_id"], identity, opts)
    before: list[pulumi.Resource] = []
    for pipeline in pipelines:
        before = [_trust(name, pipeline, scope["group"], identity, before, opts)]
    variables: dict[str, pulumi.Input[str]] = {
        "ARM_CLIENT_ID": identity.client_id,
        "ARM_TENANT_ID": settings.tenant,
        "ARM_SUBSCRIPTION_ID": settings.subscription,
        "ARM_USE_OIDC": "true",
    }
    return {pipeline.name: variables for pipeline in pipelines}


def _role(
    name: str,
    group: pulumi.Input[str],
    identity: managedidentity.UserAssignedIdentity,
    opts: pulumi.ResourceOptions,
) -> None:
    """Every role that is there already is wider. Role names are unique in the tenant."""
    label = f"Publishes {pulumi.get_project()} {pulumi.get_stack()}"
    role = authorization.RoleDefinition(
        f"{name}-role",
        role_definition_id=_lasting_id("role"),
        role_name=label,
        role_type="CustomRole",
        description="Deploys the site's releases",
        scope=group,
        assignable_scopes=[group],
        permissions=[authorization.PermissionArgs(actions=list(ACTIONS), data_actions=list(DATA_ACTIONS))],
        opts=opts,
    )
    authorization.RoleAssignment(
        f"{name}-assignment",
        role_assignment_name=_lasting_id("assignment"),
        scope=group,
        role_definition_id=role.id,
        principal_id=identity.principal_id,
        principal_type=authorization.PrincipalType.SERVICE_PRINCIPAL,
        opts=opts,
    )


def _lasting_id(part: str) -> str:
    """Azure wants a UUID; the same at every run, so that a killed run makes none twice."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{pulumi.get_project()}/{pulumi.get_stack()}/delivery/{part}"))


def _trust(
    name: str,
    pipeline: Trusted,
    group: pulumi.Input[str],
    identity: managedidentity.UserAssignedIdentity,
    before: list[pulumi.Resource],
    opts: pulumi.ResourceOptions,
) -> managedidentity.FederatedIdentityCredential:
    """One after the other: writing two of an identity at once fails.

    https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
    """
    return managedidentity.FederatedIdentityCredential(
        f"{name}-{pipeline.name}",
        resource_group_name=group,
        resource_name_=identity.name,
        federated_identity_credential_resource_name=pipeline.name,
        issuer=pipeline.issuer,
        subject=pipeline.subject,
        audiences=[AUDIENCE],
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=before)),
    )
