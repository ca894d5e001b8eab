"""A delivery under Pulumi's mocks: all that can be set, and what it becomes."""

from __future__ import annotations

import copy
import datetime
import json
from types import SimpleNamespace

import pulumi

from components.delivery.component import Delivery
from components.settings import read
from tests.components.graph import Graph, settled

TODAY = datetime.date(2026, 11, 24)
ENVIRONMENT = {
    "CLOUDFLARE_API_TOKEN": "planted-cloudflare",
    "VERCEL_API_TOKEN": "planted-vercel",
    "NETLIFY_AUTH_TOKEN": "planted-netlify",
    "GITLAB_TOKEN": "planted-gitlab",
    "INFRA_DISPATCH_TOKEN": "planted-dispatch",
    "PULUMI_CONFIG_PASSPHRASE": "planted-passphrase",
    "GITHUB_OWNER": "peacefulrobot",
}
FULL = {
    "coordinator": "https://deploy.example.org",
    "github": {
        "owner": "peacefulrobot",
        "infrastructure": "infra",
        "content": "website",
        "reviewers": {"users": [7], "teams": [8]},
        "checks": ["test", "policies"],
        "direct": True,
    },
    "gitlab": {
        "infrastructure": "peacefulrobot/infra",
        "content": "peacefulrobot/website",
        "approvers": {"users": [11], "groups": [12]},
        "direct": True,
        "schedule": "17 4 * * *",
    },
    "aws": {},
    "gcp": {},
    "azure": {
        "tenant": "5a4db0c0-0000-4000-8000-0000000007e4",
        "subscription": "5a4db0c0-0000-4000-8000-0000000005b5",
    },
    "tokens": {
        **{name: {"expires": "2027-06-01"} for name in ENVIRONMENT if name.endswith("_TOKEN")},
        "PULUMI_CONFIG_PASSPHRASE": {},
    },
}
SCOPES = {
    "aws": {
        "bucket": "arn:aws:s3:::content-1",
        "store": "arn:aws:cloudfront::123456789012:key-value-store/K1",
        "distribution": "arn:aws:cloudfront::123456789012:distribution/D1",
        "function": "arn:aws:cloudfront::123456789012:function/F1",
        "headers_policy": "H1",
    },
    "firebase": {"project": "peaceful"},
    "azure": {"group": "group1", "group_id": "/subscriptions/s/resourceGroups/group1"},
    "vercel": {},
    "netlify": {},
    "gitlab": {},
}
COMPUTED = {
    "publisher:index:WebhookSecret": {"secret": "5ec4e7", "signing": "whsec_5ec4e7"},
    "publisher:index:SshKey": {
        "public": "ssh-ed25519 AAAA stack",
        "private": "cHJpdmF0ZQ==",
        "fingerprint": "SHA256:x",
    },
    "gitlab:index/pipelineTrigger:PipelineTrigger": {"token": "glptt-planted"},
    "aws:iam/role:Role": {"arn": "arn:aws:iam::123456789012:role/r", "name": "r"},
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": {"arn": "arn:aws:iam::123456789012:oidc-provider/x"},
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": {
        "name": "projects/42/locations/global/workloadIdentityPools/p"
    },
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": {"name": "projects/42/providers/q"},
    "gcp:serviceaccount/account:Account": {
        "name": "projects/peaceful/serviceAccounts/a@x",
        "email": "a@x",
        "member": "serviceAccount:a@x",
    },
    "azure-native:managedidentity:UserAssignedIdentity": {"clientId": "c1", "principalId": "p1", "name": "identity1"},
}


def changed(**paths):
    """``FULL`` with values at ``github__direct=…``; None takes a key away."""
    document = copy.deepcopy(FULL)
    for path, value in paths.items():
        *parents, last = path.split("__")
        place = document
        for parent in parents:
            place = place[parent]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return document


def settings_of(delivery, **more):
    given = {"cloudflareAccountId": "a" * 32, "cloudflareZoneId": "b" * 32, "delivery": delivery, **more}
    return read({key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()})


def hosts_of(settings):
    return {name: SimpleNamespace(scope=SCOPES[name]) for name in settings.hosts}


async def declared(delivery, *, today=TODAY, environment=ENVIRONMENT, **more):
    """The graph of a delivery, and what the coordinator is given."""
    graph = Graph(COMPUTED)
    pulumi.runtime.set_mocks(graph, preview=False)
    settings = settings_of(delivery, **more)
    made = Delivery("delivery", settings, hosts_of(settings), today=today, environment=environment)
    handed = await made.handed.future()
    secret = await made.handed.is_secret()
    await settled()
    return graph, handed, secret
