"""Google Cloud: a pool of workload identities with one provider for each pipeline, and one service account."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pulumi

from components.delivery.settings import Gcp
from components.delivery.trust import Trusted
from components.sdk import lazily

if TYPE_CHECKING:
    from pulumi_gcp import iam, projects, serviceaccount
else:
    iam, projects, serviceaccount = (lazily(f"pulumi_gcp.{part}") for part in ("iam", "projects", "serviceaccount"))

HOST = "firebase"
#: Publish; and see whether the APIs are on. Switching them on is for who sets the stack up.
#: https://firebase.google.com/docs/projects/iam/roles-predefined-product#hosting
ROLES = {"publishes": "roles/firebasehosting.admin", "sees-services": "roles/serviceusage.serviceUsageViewer"}
_ACTS = "roles/iam.workloadIdentityUser"
#: Bytes that a subject may have: https://cloud.google.com/iam/docs/workload-identity-federation
LONGEST_SUBJECT = 127
_APIS = {"sts-api": "sts.googleapis.com", "credentials-api": "iamcredentials.googleapis.com"}


def declare(
    name: str,
    settings: Gcp,
    pipelines: Sequence[Trusted],
    scope: Mapping[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> dict[str, dict[str, pulumi.Input[str]]]:
    """Declare it; returns, by forge, the variables with which a pipeline signs in."""
    project = scope["project"]
    pool = _pool(name, settings, project, opts)
    account = serviceaccount.Account(
        f"{name}-account",
        account_id=settings.pool,
        project=project,
        display_name="Publishes, for pipelines",
        opts=opts,
    )
    for part, role in ROLES.items():
        projects.IAMMember(f"{name}-{part}", project=project, role=role, member=account.member, opts=opts)
    return {one.name: _pipeline(name, project, one, pool, account, opts) for one in pipelines}


def _pool(
    name: str, settings: Gcp, project: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> iam.WorkloadIdentityPool:
    needed: list[pulumi.Resource] = [
        projects.Service(f"{name}-{part}", project=project, service=api, disable_on_destroy=False, opts=opts)
        for part, api in _APIS.items()
    ]
    return iam.WorkloadIdentityPool(
        f"{name}-pool",
        workload_identity_pool_id=settings.pool,
        project=project,
        display_name="Pipelines",
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=needed)),
    )


def _pipeline(
    name: str,
    project: pulumi.Input[str],
    pipeline: Trusted,
    pool: iam.WorkloadIdentityPool,
    account: serviceaccount.Account,
    opts: pulumi.ResourceOptions,
) -> dict[str, pulumi.Input[str]]:
    """The audience is left to Google: the provider's own full name."""
    provider = iam.WorkloadIdentityPoolProvider(
        f"{name}-{pipeline.name}",
        project=project,
        workload_identity_pool_id=pool.workload_identity_pool_id,
        workload_identity_pool_provider_id=pipeline.name,
        attribute_mapping={"google.subject": "assertion.sub"},
        attribute_condition=condition(pipeline),
        oidc=iam.WorkloadIdentityPoolProviderOidcArgs(issuer_uri=pipeline.issuer),
        opts=opts,
    )
    serviceaccount.IAMMember(
        f"{name}-{pipeline.name}-acts",
        service_account_id=account.name,
        role=_ACTS,
        member=pool.name.apply(lambda found: principal(found, pipeline)),
        opts=opts,
    )
    return {"GOOGLE_WORKLOAD_IDENTITY_PROVIDER": provider.name, "GOOGLE_SERVICE_ACCOUNT": account.email}


def condition(pipeline: Trusted) -> str:
    """The one subject, in the language that Google evaluates (CEL)."""
    return f"assertion.sub == {json.dumps(pipeline.subject)}"


def principal(pool: str, pipeline: Trusted) -> str:
    """Who may act as the service account; ``pool`` is ``projects/NUMBER/locations/global/workloadIdentityPools/ID``."""
    return f"principal://iam.googleapis.com/{pool}/subject/{pipeline.subject}"
