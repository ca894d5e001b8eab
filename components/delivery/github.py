"""What is declared at GitHub: environment with its secrets, protected branches, webhook, deploy key, and dispatch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from components.delivery.handed import CONTENT_KEY, REPOSITORY, STACK, Handed, resource_part
from components.delivery.settings import DISPATCH, GitHub
from components.sdk import lazily

if TYPE_CHECKING:
    import pulumi_github as github
else:
    github = lazily("pulumi_github")

#: Environment of the content repository, whose secret is given to its one branch only.
_DISPATCHING = "publish"


def declare(name: str, settings: GitHub, handed: Handed, opts: pulumi.ResourceOptions) -> None:
    """Declare it. The repositories themselves are there already."""
    environment = _environment(name, settings, opts)
    _variables(name, settings.infrastructure, environment, handed, opts)
    _infrastructure_branch(name, settings, opts)
    if settings.content is not None:
        _content_branch(name, settings.content, settings.branch, opts)
        _webhook(name, settings.content, handed, opts)
        _deploy_key(name, settings.content, handed, opts)
        if settings.direct:
            _dispatch(name, settings, settings.content, handed, opts)


def _environment(name: str, settings: GitHub, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """Only the branch gets the environment's secrets and its name in a token, and only after a review."""
    reviewers = settings.reviewers
    asked = [github.RepositoryEnvironmentReviewerArgs(users=list(reviewers.users), teams=list(reviewers.teams))]
    environment = github.RepositoryEnvironment(
        f"{name}-environment",
        repository=settings.infrastructure,
        environment=settings.environment,
        reviewers=asked if reviewers.users or reviewers.teams else None,
        prevent_self_review=bool(reviewers.users or reviewers.teams),
        can_admins_bypass=False,
        deployment_branch_policy=_only_named_branches(),
        opts=opts,
    )
    return _restricted(f"{name}-environment-branch", settings.infrastructure, settings.branch, environment, opts)


def _only_named_branches() -> github.RepositoryEnvironmentDeploymentBranchPolicyArgs:
    return github.RepositoryEnvironmentDeploymentBranchPolicyArgs(protected_branches=False, custom_branch_policies=True)


def _restricted(
    name: str,
    repository: str,
    branch: str,
    environment: github.RepositoryEnvironment,
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """Name of the environment once only the branch may use it: a secret is put there no sooner."""
    policy = github.RepositoryEnvironmentDeploymentPolicy(
        name, repository=repository, environment=environment.environment, branch_pattern=branch, opts=opts
    )
    return policy.environment


def _variables(
    name: str, repository: str, environment: pulumi.Output[str], handed: Handed, opts: pulumi.ResourceOptions
) -> None:
    """GitHub encrypts a secret for the repository, and shows it to nobody again."""
    secrets = {key: value for key, value in handed.tokens.items() if key != DISPATCH}
    if handed.key is not None:
        secrets[CONTENT_KEY] = handed.key.private
    for variable, value in secrets.items():
        github.ActionsEnvironmentSecret(
            f"{name}-secret-{resource_part(variable)}",
            repository=repository,
            environment=environment,
            secret_name=variable,
            value=value,
            opts=opts if variable == CONTENT_KEY else handed.token_options(opts),
        )
    for variable, plain in handed.variables.items():
        github.ActionsEnvironmentVariable(
            f"{name}-variable-{resource_part(variable)}",
            repository=repository,
            environment=environment,
            variable_name=variable,
            value=plain,
            opts=opts,
        )


def _infrastructure_branch(name: str, settings: GitHub, opts: pulumi.ResourceOptions) -> None:
    """What is merged here runs with every credential: nobody gets round the review."""
    review = github.BranchProtectionRequiredPullRequestReviewArgs(
        required_approving_review_count=settings.approvals,
        dismiss_stale_reviews=True,
        require_last_push_approval=settings.approvals > 0,
    )
    checks = github.BranchProtectionRequiredStatusCheckArgs(strict=True, contexts=sorted(settings.checks))
    github.BranchProtection(
        f"{name}-infrastructure-branch",
        repository_id=settings.infrastructure,
        pattern=settings.branch,
        enforce_admins=True,
        allows_deletions=False,
        allows_force_pushes=False,
        require_conversation_resolution=True,
        required_pull_request_reviews=[review],
        required_status_checks=[checks] if settings.checks else None,
        opts=opts,
    )


def _content_branch(name: str, repository: str, branch: str, opts: pulumi.ResourceOptions) -> None:
    """Authors may push; what was published cannot be rewritten or deleted."""
    github.BranchProtection(
        f"{name}-content-branch",
        repository_id=repository,
        pattern=branch,
        enforce_admins=True,
        allows_deletions=False,
        allows_force_pushes=False,
        opts=opts,
    )


def _webhook(name: str, content: str, handed: Handed, opts: pulumi.ResourceOptions) -> None:
    if not handed.hook_url or handed.webhook is None:
        return
    github.RepositoryWebhook(
        f"{name}-webhook",
        repository=content,
        events=["push"],
        active=True,
        configuration=github.RepositoryWebhookConfigurationArgs(
            url=handed.hook_url,
            content_type="json",
            insecure_ssl=False,
            secret=pulumi.Output.secret(handed.webhook.secret),
        ),
        opts=opts,
    )


def _deploy_key(name: str, content: str, handed: Handed, opts: pulumi.ResourceOptions) -> None:
    if handed.key is not None:
        github.RepositoryDeployKey(
            f"{name}-deploy-key",
            repository=content,
            title="peacefulrobot-infra reads the content",
            key=handed.key.public,
            read_only=True,
            opts=opts,
        )


def _dispatch(name: str, settings: GitHub, content: str, handed: Handed, opts: pulumi.ResourceOptions) -> None:
    """With the token, a workflow of the content repository sends ``repository_dispatch`` to the other one."""
    environment = github.RepositoryEnvironment(
        f"{name}-dispatching",
        repository=content,
        environment=_DISPATCHING,
        can_admins_bypass=False,
        deployment_branch_policy=_only_named_branches(),
        opts=opts,
    )
    place = _restricted(f"{name}-dispatching-branch", content, settings.branch, environment, opts)
    github.ActionsEnvironmentSecret(
        f"{name}-dispatching-token",
        repository=content,
        environment=place,
        secret_name=DISPATCH,
        value=handed.tokens[DISPATCH],
        opts=handed.token_options(opts),
    )
    for variable, value in dispatched_to(settings).items():
        github.ActionsEnvironmentVariable(
            f"{name}-dispatching-{resource_part(variable)}",
            repository=content,
            environment=place,
            variable_name=variable,
            value=value,
            opts=opts,
        )


def dispatched_to(settings: GitHub) -> dict[str, str]:
    """What a run is started for."""
    return {REPOSITORY: f"{settings.owner}/{settings.infrastructure}", STACK: pulumi.get_stack()}
