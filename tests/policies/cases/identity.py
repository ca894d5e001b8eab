from __future__ import annotations

import json

from policies import identity as guard
from policies.identity import ATTACHMENTS, AZURE_GRANT, AZURE_TRUST, GOOGLE_GRANTS, GOOGLE_POOL, GRANTS, KEYS, ROLE
from tests.policies.cases import cannot_know, finds, passes, with_
from tests.policies.judging import UNKNOWN, declared

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = {f"{ISSUER}:aud": "sts.amazonaws.com"}
SUBJECT = {f"{ISSUER}:sub": "repo:peacefulrobot/infra:environment:production"}
FORGE = {"Federated": f"arn:aws:iam::123456789012:oidc-provider/{ISSUER}"}


def document(effect="Allow", **changed):
    statement = {"Effect": effect, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::content-1/*", **changed}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def role(condition, principal=FORGE, **changed):
    trust = document(Principal=principal, Action="sts:AssumeRoleWithWebIdentity", Condition=condition)
    return declared(ROLE, assumeRolePolicy=trust, **changed)


BOUND = {"StringEquals": {**AUDIENCE, **SUBJECT}}
POOL = declared(GOOGLE_POOL, attributeCondition="assertion.repository == 'peacefulrobot/infra'")
AZURE = declared(AZURE_TRUST, subject="repo:peacefulrobot/infra:environment:production")
GRANT = declared(GRANTS[0], policy=document())
ATTACHED = declared(ATTACHMENTS[0], policyArn="arn:aws:iam::123456789012:policy/publishing")
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
MEMBER = declared(GOOGLE_GRANTS[0], role="roles/firebasehosting.admin")
GITLAB, GITHUB = "gitlab:index/projectVariable:ProjectVariable", "github:index/actionsSecret:ActionsSecret"
NO_KEY, TIGHT, LIMITED = guard.NO_LONG_LIVED_KEY, guard.TRUST_IS_TIGHT, guard.GRANT_IS_LIMITED
ROLES = "/subscriptions/1/providers/Microsoft.Authorization/roleDefinitions/"


def assigned(role_id):
    return declared(AZURE_GRANT, roleDefinitionId=role_id if role_id == UNKNOWN else ROLES + role_id)


PASSING = [
    passes(NO_KEY, declared(GITLAB, key="NETLIFY_AUTH_TOKEN")),
    passes(NO_KEY, declared(GITHUB, secretName="CLOUDFLARE_API_TOKEN")),
    passes(TIGHT, role(BOUND)),
    passes(TIGHT, role(None, principal={"Service": "lambda.amazonaws.com"})),
    passes(TIGHT, declared(ROLE, assumeRolePolicy=document("Deny", Principal="*"))),
    passes(TIGHT, POOL),
    passes(TIGHT, AZURE),
    passes(LIMITED, GRANT),
    passes(LIMITED, with_(GRANT, policy=document(Action="s3:ListAllMyBuckets", Resource="*"))),
    passes(LIMITED, with_(GRANT, policy=document("Deny", Action="*", Resource="*"))),
    passes(LIMITED, with_(GRANT, policy=document(Action="s3:*"))),
    passes(LIMITED, ATTACHED),
    passes(LIMITED, role(BOUND, inlinePolicies=[{"name": "publish", "policy": document()}, {"name": "empty"}])),
    passes(LIMITED, MEMBER),
    passes(LIMITED, assigned("de139f84-1756-47ae-9be6-808fbbe84772")),
]
FAILING = [
    *(finds(NO_KEY, "a key that does not expire", declared(kind)) for kind in KEYS),
    finds(NO_KEY, "takes the pipeline's own token", declared(GITLAB, key="aws_secret_access_key")),
    finds(NO_KEY, "takes the pipeline's own token", declared(GITHUB, secretName="ARM_CLIENT_SECRET")),
    finds(TIGHT, "the token's sub", role({"StringEquals": AUDIENCE})),
    finds(TIGHT, "the token's aud", role({"StringEquals": SUBJECT})),
    finds(TIGHT, ("aud", "sub"), role(None)),
    finds(TIGHT, "the token's sub", role({"StringEquals": AUDIENCE, "StringLike": SUBJECT})),
    finds(TIGHT, "the token's sub", role({"StringEquals": {**AUDIENCE, f"{ISSUER}:sub": "repo:peacefulrobot/*"}})),
    finds(TIGHT, "the token's sub", role({"StringEquals": {**AUDIENCE, f"{ISSUER}:sub": "repo:x/${aws:y}"}})),
    finds(TIGHT, "lets everybody in", role(BOUND, principal="*")),
    finds(TIGHT, "lets everybody in", role(BOUND, principal={"AWS": "*"})),
    finds(TIGHT, "assumeRolePolicy is no JSON", declared(ROLE, assumeRolePolicy="trust me")),
    finds(TIGHT, "attributeCondition is empty", with_(POOL, attributeCondition="")),
    finds(TIGHT, "not one fixed value", with_(AZURE, subject="repo:peacefulrobot/infra:*")),
    finds(TIGHT, "not one fixed value", with_(AZURE, subject=None)),
    finds(LIMITED, "statement 1 allows a whole service", with_(GRANT, policy=document(Action="*", Resource="*"))),
    finds(LIMITED, "statement 1 allows a whole service", with_(GRANT, policy=document(Action="S3:*", Resource=["*"]))),
    finds(
        LIMITED,
        "statement 1 allows a whole service",
        with_(GRANT, policy=json.dumps({"Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}})),
    ),
    finds(
        LIMITED,
        "statement 1 allows a whole service",
        with_(GRANT, policy=json.dumps({"Statement": {"Effect": "Allow", "Action": "s3:*", "NotResource": "a"}})),
    ),
    finds(LIMITED, "a policy is no JSON", with_(GRANT, policy="{")),
    finds(LIMITED, "a managed policy for everything", with_(ATTACHED, policyArn=ADMIN)),
    finds(LIMITED, "a managed policy for everything", role(BOUND, managedPolicyArns=["arn:x", ADMIN])),
    finds(
        LIMITED,
        "allows a whole service",
        role(BOUND, inlinePolicies=[{"policy": document()}, {"policy": document(Action="*", Resource="*")}]),
    ),
    finds(LIMITED, "role is the owner's", with_(MEMBER, role="roles/owner")),
    finds(LIMITED, "role is the owner's", with_(MEMBER, role="roles/editor")),
    *(
        finds(LIMITED, "roleDefinitionId is Owner", assigned(role_id))
        for role_id in (
            "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
            "b24988ac-6180-42a0-ab88-20f7382dd24c",
            "18D7D88D-D35E-4FB5-A5C3-7773C20A72D9",
        )
    ),
]
UNKNOWN_YET = [
    cannot_know(NO_KEY, "key", declared(GITLAB, key=UNKNOWN)),
    cannot_know(TIGHT, "assumeRolePolicy", declared(ROLE, assumeRolePolicy=UNKNOWN)),
    cannot_know(TIGHT, "attributeCondition", with_(POOL, attributeCondition=UNKNOWN)),
    cannot_know(TIGHT, "subject", with_(AZURE, subject=UNKNOWN)),
    cannot_know(LIMITED, "policy", with_(GRANT, policy=UNKNOWN)),
    cannot_know(LIMITED, "policyArn", with_(ATTACHED, policyArn=UNKNOWN)),
    cannot_know(LIMITED, "inlinePolicies[0].policy", role(BOUND, inlinePolicies=[{"policy": UNKNOWN}])),
    cannot_know(LIMITED, "roleDefinitionId", assigned(UNKNOWN)),
]
