"""Policies for identities: no key that outlives its use, no trust in more than one place, no right to everything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from policies.documents import NotADocument, Statement, is_fixed, statements
from policies.policy import Resource, ResourcePolicy, Settings
from policies.values import at, entries, is_set, separately, text

ROLE = "aws:iam/role:Role"
GRANTS = (
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/policy:Policy",
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/groupPolicy:GroupPolicy",
)
ATTACHMENTS = (
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
)
GOOGLE_GRANTS = ("gcp:projects/iAMMember:IAMMember", "gcp:projects/iAMBinding:IAMBinding")
AZURE_GRANT = "azure-native:authorization:RoleAssignment"
GOOGLE_POOL = "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider"
AZURE_TRUST = "azure-native:managedidentity:FederatedIdentityCredential"
KEYS = (
    "aws:iam/accessKey:AccessKey",
    "aws:iam/userLoginProfile:UserLoginProfile",
    "gcp:serviceaccount/key:Key",
    "gcp:storage/hmacKey:HmacKey",
    "azuread:index/applicationPassword:ApplicationPassword",
    "azuread:index/servicePrincipalPassword:ServicePrincipalPassword",
)
#: Variables of a pipeline, and the property that names them.
VARIABLES = {
    "gitlab:index/projectVariable:ProjectVariable": "key",
    "gitlab:index/groupVariable:GroupVariable": "key",
    "github:index/actionsSecret:ActionsSecret": "secretName",
    "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret": "secretName",
}
#: What the clients of clouds that take a pipeline's own token (OIDC) would read instead of it.
_KEY_VARIABLES = {
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "GOOGLE_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT_KEY"),
    *("FIREBASE_SERVICE_ACCOUNT", "FIREBASE_TOKEN", "ARM_CLIENT_SECRET", "AZURE_CLIENT_SECRET", "AZURE_CREDENTIALS"),
}
_EVERYTHING = ("administratoraccess", "poweruseraccess", "iamfullaccess")
_GOOGLE_EVERYTHING = {"roles/owner", "roles/editor"}
#: Owner, Contributor and User Access Administrator.
#: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
_AZURE_EVERYTHING = (
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
)


def _is_no_key(resource: Resource, _: Settings) -> Iterator[str]:
    name = VARIABLES.get(resource.kind)
    if name is None:
        yield "a key that does not expire is declared"
    elif text(at(resource.values, name)).upper() in _KEY_VARIABLES:
        yield f"{name} names a key of a cloud that takes the pipeline's own token"


NO_LONG_LIVED_KEY = ResourcePolicy(
    name="no-long-lived-key",
    description="No key is made or stored for a cloud that takes a pipeline's own token.",
    reason="A key works for whoever has it, from anywhere, until somebody remembers to revoke it.",
    remedy="Trust the pipeline's OIDC token by a role, and remove the key.",
    origin="CKV_AWS_273; https://docs.github.com/actions/concepts/security/openid-connect",
    kinds=(*KEYS, *VARIABLES),
    judge=_is_no_key,
)


def _trust_is_tight(resource: Resource, _: Settings) -> Iterator[str]:
    if resource.kind == GOOGLE_POOL:
        if not text(at(resource.values, "attributeCondition")):
            yield "attributeCondition is empty, so every project of the issuer is trusted"
    elif resource.kind == AZURE_TRUST:
        if not is_fixed(text(at(resource.values, "subject"))):
            yield "subject is not one fixed value"
    else:
        yield from _trust_of_role(at(resource.values, "assumeRolePolicy"))


def _trust_of_role(document: Any) -> Iterator[str]:
    try:
        found = statements(document)
    except NotADocument as error:
        yield f"assumeRolePolicy {error}"
        return
    for statement in filter(lambda one: one.allows, found):
        if statement.names_everybody():
            yield "assumeRolePolicy lets everybody in"
        elif statement.of("federated"):
            yield from _unbound_claims(statement)


def _unbound_claims(statement: Statement) -> Iterator[str]:
    """Claims of the token that are not bound to fixed values; their keys begin with the issuer's host."""
    for claim in ("aud", "sub"):
        keys = {key for _, key, _ in statement.conditions if key.endswith(f":{claim}")}
        if not any(statement.fixed(key) for key in keys):
            yield f"assumeRolePolicy does not bind the token's {claim} to fixed values by StringEquals"


TRUST_IS_TIGHT = ResourcePolicy(
    name="trust-is-tight",
    description="A trusted token is bound to one audience and to named subjects.",
    reason="With a wildcard, any repository of the forge, or any branch and fork, takes the role over.",
    remedy="Bind aud and sub by StringEquals to the environment of one repository.",
    origin="CKV_AWS_358, CKV_GCP_118",
    kinds=(ROLE, GOOGLE_POOL, AZURE_TRUST),
    judge=_trust_is_tight,
)


def _grants_no_everything(resource: Resource, _: Settings) -> Iterator[str]:
    values = resource.values
    if resource.kind in ATTACHMENTS:
        yield from _powerful([at(values, "policyArn")])
    elif resource.kind in GOOGLE_GRANTS:
        if text(at(values, "role")) in _GOOGLE_EVERYTHING:
            yield "role is the owner's or the editor's"
    elif resource.kind == AZURE_GRANT:
        if text(at(values, "roleDefinitionId")).lower().endswith(_AZURE_EVERYTHING):
            yield "roleDefinitionId is Owner, Contributor or User Access Administrator"
    elif resource.kind == ROLE:
        inline = [at(one, "policy") for one in entries(at(values, "inlinePolicies"))]
        yield from separately([one for one in inline if is_set(one)], _unlimited)
        yield from _powerful(entries(at(values, "managedPolicyArns")))
    else:
        yield from _unlimited(at(values, "policy"))


def _powerful(names: list[Any]) -> Iterator[str]:
    if any(text(name).lower().endswith(_EVERYTHING) for name in names):
        yield "a managed policy for everything is attached"


def _unlimited(document: Any) -> Iterator[str]:
    try:
        found = statements(document)
    except NotADocument as error:
        yield f"a policy {error}"
        return
    for number, one in enumerate(found):
        whole_service = any(action == "*" or action.endswith(":*") for action in one.actions)
        if one.allows and whole_service and "*" in one.resources:
            yield f"statement {number + 1} allows a whole service on everything"


GRANT_IS_LIMITED = ResourcePolicy(
    name="grant-is-limited",
    description="No identity may do everything, or everything of a service on all there is.",
    reason="Whoever gets hold of the pipeline gets all that its role may do.",
    remedy="Name the actions and the resources that publishing needs.",
    origin="CKV_AWS_62, CKV_AWS_274, CKV_GCP_117",
    kinds=(*GRANTS, *ATTACHMENTS, *GOOGLE_GRANTS, AZURE_GRANT, ROLE),
    judge=_grants_no_everything,
)
