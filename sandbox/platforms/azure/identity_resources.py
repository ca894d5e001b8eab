"""The identity resource types of ``pulumi-azure-native`` that the program declares: who is trusted, and their roles."""

from __future__ import annotations

import re
import uuid

from sandbox.platforms.azure.account import SUBSCRIPTION, TENANT, within
from sandbox.platforms.azure.resources import AzureType
from sandbox.provider.resource_type import UNKNOWN, Inputs, Outputs, Refused
from sandbox.provider.stored import StoredType
from sandbox.store import Document

IDENTITY = "azure-native:managedidentity:UserAssignedIdentity"
CREDENTIAL = "azure-native:managedidentity:FederatedIdentityCredential"
ROLE_DEFINITION = "azure-native:authorization:RoleDefinition"
ROLE_ASSIGNMENT = "azure-native:authorization:RoleAssignment"
_IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"
#: https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
_MOST_CREDENTIALS, _LONGEST_CLAIM = 20, 600
_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ACTION = r"\*|[A-Za-z.]+(/[A-Za-z0-9*.]+)+"


class UserAssignedIdentity(AzureType):
    """``azure_native.managedidentity.UserAssignedIdentity``."""

    token = IDENTITY
    named = "resourceName"
    name_input = "resourceName"
    kind = _IDENTITIES
    api_version = "2024-11-30"
    replaced_by = frozenset({"resourceName", "resourceGroupName", "location"})
    computed = frozenset({"name", "type", "clientId", "principalId", "tenantId", "azureApiVersion"})
    required = ("resourceGroupName",)

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """The ids that Entra gives it, for good."""
        made = {"clientId": str(uuid.uuid4()), "principalId": str(uuid.uuid4())}
        kept = {key: old[key] for key in made if key in old} if old else {}
        fixed = {"name": inputs["resourceName"], "type": self.kind, "tenantId": TENANT, **self.version()}
        return {**fixed, **made, **kept}

    def in_use(self, identifier: str, document: Document) -> None:
        """Its credentials go with it."""
        for key in self.store.all(CREDENTIAL):
            if key.startswith(f"{identifier}/"):
                self.store.delete(CREDENTIAL, key)


class FederatedIdentityCredential(AzureType):
    """``azure_native.managedidentity.FederatedIdentityCredential``; a subject is compared as a whole."""

    token = CREDENTIAL
    named = "federatedIdentityCredentialResourceName"
    name_input = "federatedIdentityCredentialResourceName"
    api_version = "2024-11-30"
    replaced_by = frozenset({"federatedIdentityCredentialResourceName", "resourceName", "resourceGroupName"})
    computed = frozenset({"name", "type", "azureApiVersion"})
    required = ("resourceGroupName", "resourceName", "issuer", "subject", "audiences")

    def identify(self, inputs: Inputs) -> str:
        """Within its identity."""
        return f"{_identity(inputs)}/federatedIdentityCredentials/{inputs[self.name_input]}"

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """The identity must be there; claims are few, short, over TLS and not there already."""
        super().refuse(inputs, identifier)
        owner = _identity(inputs)
        if self.store.get(IDENTITY, owner) is None:
            raise Refused(f"ParentResourceNotFound: The identity '{inputs['resourceName']}' was not found.")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{2,119}", inputs[self.name_input]):
            raise Refused("InvalidRequest: The federated identity credential's name is not valid.")
        if len(inputs["audiences"]) != 1:
            raise Refused("BadRequest: Exactly one audience must be given.")
        claims = [inputs["issuer"], inputs["subject"], *inputs["audiences"]]
        if not inputs["issuer"].startswith("https://") or any(len(claim) > _LONGEST_CLAIM for claim in claims):
            raise Refused(
                f"BadRequest: The issuer must be an https URL, and a claim has at most {_LONGEST_CLAIM} characters."
            )
        others = {
            key: found
            for key, found in self.store.all(self.token).items()
            if key.startswith(f"{owner}/") and key != self.identify(inputs)
        }
        if any((one["issuer"], one["subject"]) == (inputs["issuer"], inputs["subject"]) for one in others.values()):
            raise Refused("Conflict: Issuer and subject combination already exists for this Managed Identity.")
        if len(others) >= _MOST_CREDENTIALS:
            raise Refused(f"BadRequest: Too many federated identity credentials; the limit is {_MOST_CREDENTIALS}.")

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """Name and kind."""
        return {
            "name": inputs[self.name_input],
            "type": f"{_IDENTITIES}/federatedIdentityCredentials",
            **self.version(),
        }


def _identity(inputs: Inputs) -> str:
    return within(inputs["resourceGroupName"], _IDENTITIES, inputs["resourceName"])


class _Authorization(StoredType):
    """Named by a UUID within a scope."""

    uuid_input: str

    def defaults(self, name: str, inputs: Inputs, old: Inputs) -> Inputs:
        """A UUID where none is given, kept from then on."""
        if inputs.get(self.uuid_input) is not None:
            return inputs
        return {**inputs, self.uuid_input: old.get(self.uuid_input) or str(uuid.uuid4())}

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """The name is a UUID."""
        value = inputs.get(self.uuid_input, UNKNOWN)
        wrong = value != UNKNOWN and not re.fullmatch(_UUID, str(value))
        return [*super().check(inputs), *([(self.uuid_input, f"{value!r} is not a GUID")] if wrong else [])]

    def identify(self, inputs: Inputs) -> str:
        """Resource id."""
        kind = self.token.rpartition(":")[2]
        plural = f"{kind[0].lower()}{kind[1:]}s"
        return (
            f"{str(inputs['scope']).rstrip('/')}/providers/Microsoft.Authorization/{plural}/{inputs[self.uuid_input]}"
        )

    def refuse_scope(self, scope: str) -> None:
        """A scope is in the subscription."""
        if not scope.startswith(f"/subscriptions/{SUBSCRIPTION}"):
            raise Refused(f"AuthorizationFailed: The client has no authorization over scope '{scope}'.")


class RoleDefinition(_Authorization):
    """``azure_native.authorization.RoleDefinition``: a role of one's own."""

    token = ROLE_DEFINITION
    uuid_input = "roleDefinitionId"
    required = ("scope",)
    replaced_by = frozenset({"scope", "roleDefinitionId"})
    computed = frozenset({"name", "type", "azureApiVersion"})

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """Names are unique in the tenant; there must be a scope, and actions of Azure's form."""
        self.refuse_scope(inputs["scope"])
        scopes = inputs.get("assignableScopes") or []
        if not scopes:
            raise Refused("RoleDefinitionWithNoScopes: The role definition must have at least one assignable scope.")
        for scope in scopes:
            self.refuse_scope(scope)
        others = [found for key, found in self.store.all(self.token).items() if key != self.identify(inputs)]
        if any(found.get("roleName") == inputs.get("roleName") for found in others):
            raise Refused("RoleDefinitionWithSameNameExists: A custom role with the same name already exists.")
        for granted in inputs.get("permissions") or []:
            for action in [*(granted.get("actions") or []), *(granted.get("dataActions") or [])]:
                if not re.fullmatch(_ACTION, action):
                    raise Refused(f"InvalidActionOrNotAction: '{action}' does not match any of the actions supported.")

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """Name and kind."""
        kind = "Microsoft.Authorization/roleDefinitions"
        return {"name": inputs[self.uuid_input], "type": kind, "azureApiVersion": "2022-05-01-preview"}

    def in_use(self, identifier: str, document: Document) -> None:
        """A role that somebody has cannot go."""
        if any(found["roleDefinitionId"] == identifier for found in self.store.all(ROLE_ASSIGNMENT).values()):
            raise Refused("RoleDefinitionHasAssignments: There are existing role assignments referencing role.")


class RoleAssignment(_Authorization):
    """``azure_native.authorization.RoleAssignment``."""

    token = ROLE_ASSIGNMENT
    uuid_input = "roleAssignmentName"
    required = ("scope", "roleDefinitionId", "principalId")
    replaced_by = frozenset({"scope", "roleAssignmentName", "roleDefinitionId", "principalId", "principalType"})
    computed = frozenset({"name", "type", "azureApiVersion"})

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """Role and principal must be there; nobody gets a role twice."""
        self.refuse_scope(inputs["scope"])
        role = inputs["roleDefinitionId"]
        builtin = re.fullmatch(
            rf"(/subscriptions/[^/]+)?/providers/Microsoft\.Authorization/roleDefinitions/{_UUID}", role
        )
        if not builtin and self.store.get(ROLE_DEFINITION, role) is None:
            raise Refused(f"RoleDefinitionDoesNotExist: The specified role definition '{role}' does not exist.")
        principals = {found["principalId"] for found in self.store.all(IDENTITY).values()}
        if inputs["principalId"] not in principals:
            raise Refused(
                f"PrincipalNotFound: Principal {inputs['principalId']} does not exist in the directory {TENANT}."
            )
        key = [inputs[name] for name in ("scope", "roleDefinitionId", "principalId")]
        others = [found for name, found in self.store.all(self.token).items() if name != identifier]
        if any([found[name] for name in ("scope", "roleDefinitionId", "principalId")] == key for found in others):
            raise Refused("RoleAssignmentExists: The role assignment already exists.")

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """Name and kind."""
        kind = "Microsoft.Authorization/roleAssignments"
        return {"name": inputs[self.uuid_input], "type": kind, "azureApiVersion": "2022-04-01"}
