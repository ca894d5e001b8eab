"""The identity resource types of ``pulumi-gcp`` that the program declares: who is trusted, and what they may do."""

from __future__ import annotations

import hashlib
import re

from sandbox.platforms.firebase.account import NUMBER
from sandbox.platforms.firebase.resources import check_project
from sandbox.provider.resource_type import UNKNOWN, Inputs, Outputs, Refused
from sandbox.provider.stored import StoredType
from sandbox.store import Document

POOL = "gcp:iam/workloadIdentityPool:WorkloadIdentityPool"
POOL_PROVIDER = "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider"
ACCOUNT = "gcp:serviceaccount/account:Account"
#: https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools/create
_ID = r"(?!gcp-)[a-z0-9-]{4,32}"
#: https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/create
_ACCOUNT_ID = r"[a-z][a-z0-9-]{4,28}[a-z0-9]"
_ROLE = r"(roles|projects/[^/]+/roles|organizations/\d+/roles)/[A-Za-z0-9_.]+"
_MEMBER = (
    r"(serviceAccount|user|group|domain):\S+|principal(Set)?://iam\.googleapis\.com/\S+|allUsers|allAuthenticatedUsers"
)


class WorkloadIdentityPool(StoredType):
    """``gcp.iam.WorkloadIdentityPool``; its name holds the project's number, its id the project's id."""

    token = POOL
    required = ("workloadIdentityPoolId",)
    replaced_by = frozenset({"workloadIdentityPoolId", "project"})
    computed = frozenset({"name", "state"})

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """Ids that Google takes."""
        return [*super().check(inputs), *_id_mistakes(inputs, "workloadIdentityPoolId")]

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """The project must be one's own, and the id free."""
        check_project(inputs)
        _refuse_existing(self, inputs, identifier)

    def in_use(self, identifier: str, document: Document) -> None:
        """What a pool holds goes with it."""
        for key in self.store.all(POOL_PROVIDER):
            if key.startswith(f"{identifier}/"):
                self.store.delete(POOL_PROVIDER, key)

    def identify(self, inputs: Inputs) -> str:
        """By the project's id."""
        return pool_id(inputs)

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """By the project's number."""
        return {"name": _numbered(identifier, inputs), "state": "ACTIVE"}


class WorkloadIdentityPoolProvider(StoredType):
    """``gcp.iam.WorkloadIdentityPoolProvider``, for OIDC."""

    token = POOL_PROVIDER
    required = ("workloadIdentityPoolId", "workloadIdentityPoolProviderId")
    replaced_by = frozenset({"workloadIdentityPoolId", "workloadIdentityPoolProviderId", "project"})
    computed = frozenset({"name", "state"})

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """Ids, and an issuer that is asked over TLS."""
        failures = [*super().check(inputs), *_id_mistakes(inputs, "workloadIdentityPoolProviderId")]
        oidc = inputs.get("oidc")
        issuer = oidc.get("issuerUri", UNKNOWN) if isinstance(oidc, dict) else UNKNOWN
        if issuer != UNKNOWN and not str(issuer).startswith("https://"):
            failures.append(("oidc", "issuerUri must be an https URI"))
        return failures

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """The pool must be there, the subject mapped, and a condition look at the token.

        Issuers that serve everybody need one: https://cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines
        """
        check_project(inputs)
        _refuse_existing(self, inputs, identifier)
        if self.store.get(POOL, pool_id(inputs)) is None:
            raise Refused("googleapi: Error 404: Requested entity was not found.")
        if "google.subject" not in (inputs.get("attributeMapping") or {}):
            raise Refused("googleapi: Error 400: The mapping of google.subject is required.")
        if "assertion." not in str(inputs.get("attributeCondition") or ""):
            raise Refused("googleapi: Error 400: The attribute condition must reference one of the provider's claims.")

    def identify(self, inputs: Inputs) -> str:
        """Within its pool."""
        return f"{pool_id(inputs)}/providers/{inputs['workloadIdentityPoolProviderId']}"

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """By the project's number."""
        return {"name": _numbered(identifier, inputs), "state": "ACTIVE"}


class ServiceAccount(StoredType):
    """``gcp.serviceaccount.Account``."""

    token = ACCOUNT
    required = ("accountId",)
    replaced_by = frozenset({"accountId", "project"})
    computed = frozenset({"email", "member", "name", "uniqueId"})

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """Ids that Google takes."""
        name = inputs.get("accountId", UNKNOWN)
        wrong = name != UNKNOWN and not re.fullmatch(_ACCOUNT_ID, str(name))
        failure = [("accountId", f'"account_id" ({name!r}) doesn\'t match regexp "^{_ACCOUNT_ID}$"')]
        return [*super().check(inputs), *(failure if wrong else [])]

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """The project must be one's own, and the id free."""
        check_project(inputs)
        _refuse_existing(self, inputs, identifier)

    def identify(self, inputs: Inputs) -> str:
        """By its address."""
        return f"projects/{inputs['project']}/serviceAccounts/{_address(inputs)}"

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """Address and number."""
        number = str(int(hashlib.sha256(identifier.encode()).hexdigest(), 16))[:21]
        email = _address(inputs)
        return {"name": identifier, "email": email, "member": f"serviceAccount:{email}", "uniqueId": number}


class _Member(StoredType):
    """One role for one member."""

    computed = frozenset({"etag"})

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """Names of roles and members."""
        failures = super().check(inputs)
        for key, form in (("role", _ROLE), ("member", _MEMBER)):
            value = inputs.get(key, UNKNOWN)
            if value != UNKNOWN and not re.fullmatch(form, str(value)):
                failures.append((key, f"{value!r} is not the name of a {key}"))
        return failures

    def refuse_member(self, inputs: Inputs) -> None:
        """A service account, or a pool, must be there to be given a role."""
        kind, _, rest = str(inputs["member"]).partition(":")
        accounts = {found["email"] for found in self.store.all(ACCOUNT).values()}
        if kind == "serviceAccount" and rest not in accounts:
            raise Refused(f"googleapi: Error 400: Service account {rest} does not exist., badRequest")
        pools = [found["name"] for found in self.store.all(POOL).values()]
        if kind in {"principal", "principalSet"} and not any(f"googleapis.com/{pool}/" in rest for pool in pools):
            raise Refused(f"googleapi: Error 400: Identity Pool does not exist ({rest})., badRequest")

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """The policy's tag."""
        return {"etag": hashlib.sha256(identifier.encode()).hexdigest()[:12]}


class ProjectMember(_Member):
    """``gcp.projects.IAMMember``."""

    token = "gcp:projects/iAMMember:IAMMember"  # noqa: S105
    required = ("project", "role", "member")
    replaced_by = frozenset({"project", "role", "member", "condition"})

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """The project must be one's own."""
        check_project(inputs)
        self.refuse_member(inputs)

    def identify(self, inputs: Inputs) -> str:
        """Project, role and member."""
        return f"{inputs['project']}/{inputs['role']}/{inputs['member']}"


class AccountMember(_Member):
    """``gcp.serviceaccount.IAMMember``: who may act as a service account."""

    token = "gcp:serviceaccount/iAMMember:IAMMember"  # noqa: S105
    required = ("serviceAccountId", "role", "member")
    replaced_by = frozenset({"serviceAccountId", "role", "member", "condition"})

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """The account must be there."""
        if self.store.get(ACCOUNT, inputs["serviceAccountId"]) is None:
            raise Refused("googleapi: Error 404: Unknown service account, notFound")
        self.refuse_member(inputs)

    def identify(self, inputs: Inputs) -> str:
        """Account, role and member."""
        return f"{inputs['serviceAccountId']}/{inputs['role']}/{inputs['member']}"


def pool_id(inputs: Inputs) -> str:
    """Full id of the pool that the inputs name."""
    return f"projects/{inputs['project']}/locations/global/workloadIdentityPools/{inputs['workloadIdentityPoolId']}"


def _numbered(identifier: str, inputs: Inputs) -> str:
    return identifier.replace(f"projects/{inputs['project']}/", f"projects/{NUMBER}/", 1)


def _address(inputs: Inputs) -> str:
    return f"{inputs['accountId']}@{inputs['project']}.iam.gserviceaccount.com"


def _id_mistakes(inputs: Inputs, key: str) -> list[tuple[str, str]]:
    value = inputs.get(key, UNKNOWN)
    wrong = value not in {None, UNKNOWN} and not re.fullmatch(_ID, str(value))
    return [(key, f"{value!r} must have 4 to 32 of a-z, 0-9 and hyphen, and not begin with gcp-")] if wrong else []


def _refuse_existing(kind: StoredType, inputs: Inputs, identifier: str | None) -> None:
    if identifier is None and kind.store.get(kind.token, kind.identify(inputs)) is not None:
        raise Refused("googleapi: Error 409: Requested entity already exists, alreadyExists")
