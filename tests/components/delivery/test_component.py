from __future__ import annotations

import datetime
import json

import pulumi
import pytest

from components.delivery.tokens import TOKENS, ending
from tests.components.delivery.stacks import ENVIRONMENT, FULL, changed, declared, settings_of

GITHUB_SUBJECT = "repo:peacefulrobot/infra:environment:production"
GITLAB_SUBJECT = "project_path:peacefulrobot/infra:ref_type:branch:ref:main"
SECRET = "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret"
VARIABLE = "github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable"
CI_VARIABLE = "gitlab:index/projectVariable:ProjectVariable"
ROLE, GRANT = "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"
FEDERATED = "azure-native:managedidentity:FederatedIdentityCredential"
#: What Pulumi's mocks hand over in place of a secret: its signature and the value.
HANDED = {*FULL["tokens"], "CONTENT_SSH_KEY_BASE64"} - {"INFRA_DISPATCH_TOKEN"}
SIGNATURE = "4dabf18193072939515e22adb298388d"


def opened(value):
    return value["value"] if isinstance(value, dict) and SIGNATURE in value else value


async def test_with_one_forge_nothing_of_the_other_is_declared():
    graph, _, _ = await declared(changed(gitlab=None))
    assert not [found for found in graph.resources if found.typ.startswith("gitlab:")]
    assert len([found for found in graph.resources if found.typ == ROLE]) == 1


async def test_only_the_named_branch_may_use_the_environment_and_somebody_else_agrees():
    graph, _, _ = await declared(FULL)
    environment = graph.named("delivery-github-environment").inputs
    assert environment["reviewers"] == [{"users": [7], "teams": [8]}]
    assert (environment["preventSelfReview"], environment["canAdminsBypass"]) == (True, False)
    assert environment["deploymentBranchPolicy"] == {"protectedBranches": False, "customBranchPolicies": True}
    policy = graph.named("delivery-github-environment-branch").inputs
    assert (policy["branchPattern"], policy["environment"]) == ("main", "production")


async def test_every_token_is_an_encrypted_secret_of_the_environment_and_of_no_repository():
    graph, _, _ = await declared(FULL)
    infra = {found["secretName"]: found for found in graph.of(SECRET) if found["repository"] == "infra"}
    assert set(infra) == HANDED
    assert {found["environment"] for found in infra.values()} == {"production"}
    assert opened(infra["VERCEL_API_TOKEN"]["value"]) == "planted-vercel"
    assert opened(infra["CONTENT_SSH_KEY_BASE64"]["value"]) == "cHJpdmF0ZQ=="
    assert not graph.of("github:index/actionsSecret:ActionsSecret")


async def test_variables_at_gitlab_are_protected_and_raw_and_secrets_are_masked():
    graph, _, _ = await declared(FULL)
    own = [found for found in graph.of(CI_VARIABLE) if found["project"] == "peacefulrobot/infra"]
    assert all(found["protected"] and found["raw"] for found in graph.of(CI_VARIABLE))
    assert {found["environmentScope"] for found in own} == {"production"}
    assert {found["key"] for found in own if found["masked"]} == HANDED
    assert {found["key"] for found in own if not found["masked"]} == {
        *("AWS_ROLE_ARN", "GOOGLE_WORKLOAD_IDENTITY_PROVIDER", "GOOGLE_SERVICE_ACCOUNT"),
        *("ARM_CLIENT_ID", "ARM_TENANT_ID", "ARM_SUBSCRIPTION_ID", "ARM_USE_OIDC"),
    }


async def test_no_key_of_a_cloud_is_handed_to_a_pipeline():
    graph, _, _ = await declared(FULL)
    names = {found["secretName"] for found in graph.of(SECRET)} | {found["key"] for found in graph.of(CI_VARIABLE)}
    assert names.isdisjoint({"AWS_SECRET_ACCESS_KEY", "GOOGLE_CREDENTIALS", "ARM_CLIENT_SECRET"})
    kinds = {found.typ for found in graph.resources}
    assert not [kind for kind in kinds if "accessKey" in kind or "serviceaccount/key" in kind]


async def test_what_is_merged_into_infrastructure_was_reviewed_and_checked():
    graph, _, _ = await declared(FULL)
    branch = graph.named("delivery-github-infrastructure-branch").inputs
    assert (branch["repositoryId"], branch["pattern"], branch["enforceAdmins"]) == ("infra", "main", True)
    assert branch["allowsForcePushes"] is branch["allowsDeletions"] is False
    assert branch["requiredPullRequestReviews"][0]["requiredApprovingReviewCount"] == 1
    assert branch["requiredStatusChecks"] == [{"strict": True, "contexts": ["policies", "test"]}]
    other = graph.named("delivery-gitlab-infrastructure-branch").inputs
    assert (other["pushAccessLevel"], other["mergeAccessLevel"]) == ("no one", "maintainer")
    assert other["allowForcePush"] is False


async def test_webhooks_go_to_the_coordinators_paths_signed_with_a_secret_of_their_own():
    graph, handed, secret = await declared(FULL)
    hook = graph.named("delivery-github-webhook").inputs
    configuration = opened(hook["configuration"])
    assert (hook["repository"], hook["events"]) == ("website", ["push"])
    assert configuration["url"] == "https://deploy.example.org/hooks/github"
    assert (configuration["contentType"], configuration["insecureSsl"]) == ("json", False)
    assert opened(configuration["secret"]) == "5ec4e7"
    other = graph.named("delivery-gitlab-webhook").inputs
    assert other["url"] == "https://deploy.example.org/hooks/gitlab"
    assert (opened(other["signingToken"]), other.get("token")) == ("whsec_5ec4e7", None)
    assert other["enableSslVerification"] is True
    assert handed == {
        "github": {"webhookSecret": "5ec4e7"},
        "gitlab": {"signingKey": "whsec_5ec4e7", "triggerToken": "glptt-planted"},
    }
    assert secret


async def test_an_older_gitlab_gets_a_plain_token():
    graph, handed, _ = await declared(changed(gitlab__signed=False))
    hook = graph.named("delivery-gitlab-webhook").inputs
    assert (opened(hook["token"]), hook.get("signingToken")) == ("5ec4e7", None)
    assert handed["gitlab"]["webhookSecret"] == "5ec4e7"


async def test_without_a_coordinator_there_is_no_webhook_and_no_secret_for_one():
    graph, handed, _ = await declared(changed(coordinator=None))
    assert not [found for found in graph.resources if "ebhook" in found.typ or "Hook" in found.typ]
    assert handed == {"github": {}, "gitlab": {"triggerToken": "glptt-planted"}}


async def test_deploy_keys_only_read():
    graph, _, _ = await declared(FULL)
    key, other = graph.named("delivery-github-deploy-key").inputs, graph.named("delivery-gitlab-deploy-key").inputs
    assert (key["repository"], key["readOnly"], key["key"]) == ("website", True, "ssh-ed25519 AAAA stack")
    assert (other["project"], other["canPush"]) == ("peacefulrobot/website", False)


async def test_the_content_repository_can_start_a_run_itself():
    graph, _, _ = await declared(FULL)
    token = graph.named("delivery-github-dispatching-token").inputs
    assert (token["repository"], token["environment"]) == ("website", "publish")
    assert opened(token["value"]) == "planted-dispatch"
    assert graph.named("delivery-github-dispatching-branch").inputs["branchPattern"] == "main"
    told = {found["variableName"]: found["value"] for found in graph.of(VARIABLE) if found["repository"] == "website"}
    assert told == {"INFRA_REPOSITORY": "peacefulrobot/infra", "INFRA_STACK": "stack"}
    told = {found["key"]: found["value"] for found in graph.of(CI_VARIABLE) if found["project"].endswith("website")}
    assert told == {"INFRA_PROJECT": "peacefulrobot/infra", "INFRA_STACK": "stack"}


async def test_a_pipeline_hands_over_no_token_and_needs_none_beside_its_own():
    graph, _, _ = await declared(FULL, environment={"CI": "true", "GITHUB_OWNER": "peacefulrobot"})
    given = [opened(found["value"]) for found in graph.of(SECRET) if found["secretName"] in FULL["tokens"]]
    assert set(given) == {"kept"}


async def test_a_pipeline_runs_by_the_clock_only_where_that_is_asked_for():
    graph, _, _ = await declared(FULL)
    schedule = graph.named("delivery-gitlab-schedule").inputs
    assert (schedule["ref"], schedule["cron"], schedule["cronTimezone"]) == ("refs/heads/main", "17 4 * * *", "UTC")
    graph, _, _ = await declared(changed(gitlab__schedule=""))
    assert not graph.of("gitlab:index/pipelineSchedule:PipelineSchedule")


async def test_nobody_need_approve_on_gitlabs_free_plan():
    graph, _, _ = await declared(FULL)
    rules = graph.named("delivery-gitlab-environment-approval").inputs["approvalRules"]
    assert rules == [{"userId": 11}, {"groupId": 12, "requiredApprovals": 1}]
    graph, _, _ = await declared(changed(gitlab__approvers={}))
    assert not graph.of("gitlab:index/projectProtectedEnvironment:ProjectProtectedEnvironment")


async def test_aws_trusts_one_audience_and_one_subject_compared_as_a_whole():
    graph, _, _ = await declared(FULL)
    documents = {role.name: json.loads(role.inputs["assumeRolePolicy"]) for role in graph.resources if role.typ == ROLE}
    for name, host, subject in (
        ("delivery-aws-github", "token.actions.githubusercontent.com", GITHUB_SUBJECT),
        ("delivery-aws-gitlab", "gitlab.com", GITLAB_SUBJECT),
    ):
        (statement,) = documents[name]["Statement"]
        claims = {f"{host}:aud": "sts.amazonaws.com", f"{host}:sub": subject}
        assert statement["Condition"] == {"StringEquals": claims}
        assert "*" not in json.dumps(statement)


async def test_the_role_at_aws_reaches_one_site_and_no_identity():
    graph, _, _ = await declared(FULL)
    statements = json.loads(graph.of(GRANT)[0]["policy"])["Statement"]
    actions = [action for statement in statements for action in statement["Action"]]
    assert not [action for action in actions if "*" in action or action.startswith(("iam:", "sts:"))]
    assert not [action for action in actions if "Create" in action or action == "s3:DeleteBucket"]
    assert {statement["Resource"] for statement in statements} == {
        "arn:aws:s3:::content-1",
        "arn:aws:s3:::content-1/*",
        "arn:aws:cloudfront::123456789012:key-value-store/K1",
        "arn:aws:cloudfront::123456789012:distribution/D1",
        "arn:aws:cloudfront::123456789012:function/F1",
        "arn:aws:cloudfront::123456789012:response-headers-policy/H1",
    }


async def test_an_issuer_that_the_account_has_already_is_not_made_again():
    own = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    graph, _, _ = await declared(changed(aws={"githubProvider": own}))
    (issuer,) = graph.of("aws:iam/openIdConnectProvider:OpenIdConnectProvider")
    assert issuer == {"url": "https://gitlab.com", "clientIdLists": ["sts.amazonaws.com"]}
    role = json.loads(graph.named("delivery-aws-github").inputs["assumeRolePolicy"])
    assert role["Statement"][0]["Principal"] == {"Federated": own}


async def test_google_trusts_the_subject_twice():
    graph, _, _ = await declared(FULL)
    provider = graph.named("delivery-gcp-github").inputs
    assert provider["attributeCondition"] == f'assertion.sub == "{GITHUB_SUBJECT}"'
    assert provider["oidc"] == {"issuerUri": "https://token.actions.githubusercontent.com"}
    member = graph.named("delivery-gcp-gitlab-acts").inputs
    pool = "projects/42/locations/global/workloadIdentityPools/p"
    assert member["member"] == f"principal://iam.googleapis.com/{pool}/subject/{GITLAB_SUBJECT}"
    roles = {found["role"] for found in graph.of("gcp:projects/iAMMember:IAMMember")}
    assert roles == {"roles/firebasehosting.admin", "roles/serviceusage.serviceUsageViewer"}


async def test_azure_trusts_the_subject_and_gives_a_role_in_the_sites_group_only():
    graph, _, _ = await declared(FULL)
    assert {(found["issuer"], found["subject"]) for found in graph.of(FEDERATED)} == {
        ("https://token.actions.githubusercontent.com", GITHUB_SUBJECT),
        ("https://gitlab.com", GITLAB_SUBJECT),
    }
    (role,) = graph.of("azure-native:authorization:RoleDefinition")
    granted = role["permissions"][0]
    assert not [action for action in [*granted["actions"], *granted["dataActions"]] if "*" in action]
    assert not [action for action in granted["actions"] if "Authorization" in action or "listKeys" in action]
    (assigned,) = graph.of("azure-native:authorization:RoleAssignment")
    assert assigned["scope"] == role["assignableScopes"][0] == "/subscriptions/s/resourceGroups/group1"
    assert assigned["principalId"] == "p1"


async def test_a_repository_with_immutable_claims_is_trusted_by_its_numbers():
    graph, _, _ = await declared(changed(github__ownerId=123456, github__repositoryId=456789))
    subjects = {found["subject"] for found in graph.of(FEDERATED)}
    assert "repo:peacefulrobot@123456/infra@456789:environment:production" in subjects
    assert GITHUB_SUBJECT not in subjects


async def test_tokens_that_end_within_30_days_are_warned_of(monkeypatch):
    said = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, *_: said.append(text))
    await declared(FULL, today=datetime.date(2027, 5, 3))
    assert len(said) == len([token for token in FULL["tokens"].values() if token])
    assert any(text.startswith("VERCEL_API_TOKEN expires on 2027-06-01, in 29 days") for text in said)
    assert not [value for value in ENVIRONMENT.values() if value in "".join(said) and value.startswith("planted")]


@pytest.mark.parametrize(("day", "count"), [("2027-05-01", 0), ("2027-05-02", 1), ("2027-06-01", 1), ("2027-06-02", 0)])
def test_the_warning_begins_30_days_before(day, count):
    tokens = {"VERCEL_API_TOKEN": settings_of(FULL).delivery.tokens["VERCEL_API_TOKEN"]}
    assert len(list(ending(tokens, datetime.date.fromisoformat(day)))) == count


def test_every_token_says_scope_and_reason_in_the_docs(repository):
    page = (repository / "docs" / "delivery-setup.md").read_text()
    for name, kind in TOKENS.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}`"))
        assert kind.scope in row, name
        assert kind.why in row, name
