"""What is declared at GitLab: variables, trigger, schedule, protected branches, webhook and deploy key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from components.delivery.handed import CONTENT_KEY, PROJECT, STACK, Handed, resource_part
from components.delivery.settings import DISPATCH, GitLab
from components.sdk import lazily

if TYPE_CHECKING:
    import pulumi_gitlab as gitlab
else:
    gitlab = lazily("pulumi_gitlab")


def declare(name: str, settings: GitLab, handed: Handed, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """Declare it; returns the trigger's token. The projects themselves are there already."""
    project = settings.infrastructure
    branch = _branch(f"{name}-infrastructure-branch", project, settings.branch, "no one", opts)
    protected = _environment(name, settings, opts)
    _variables(name, settings, handed, pulumi.ResourceOptions.merge(opts, _after([branch, *protected])))
    trigger = gitlab.PipelineTrigger(f"{name}-trigger", project=project, description="Content was pushed", opts=opts)
    if settings.schedule:
        _schedule(name, settings, opts)
    if settings.content is not None:
        pushed = _branch(f"{name}-content-branch", settings.content, settings.branch, "developer", opts)
        _webhook(name, settings, settings.content, handed, opts)
        _deploy_key(name, settings.content, handed, opts)
        if settings.direct:
            after = pulumi.ResourceOptions.merge(opts, _after([pushed]))
            _start_pipelines(name, settings, settings.content, after)
    return trigger.token


def _after(resources: list[pulumi.Resource]) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(depends_on=resources)


def _branch(
    name: str, project: str, branch: str, who_pushes: str, opts: pulumi.ResourceOptions
) -> gitlab.BranchProtection:
    """A protected variable is given to protected branches only."""
    return gitlab.BranchProtection(
        name,
        project=project,
        branch=branch,
        push_access_level=who_pushes,
        merge_access_level="maintainer" if who_pushes == "no one" else who_pushes,
        allow_force_push=False,
        opts=opts,
    )


def _environment(name: str, settings: GitLab, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """The environment, and who must approve its deployments where somebody must."""
    environment = gitlab.ProjectEnvironment(
        f"{name}-environment", project=settings.infrastructure, name=settings.environment, opts=opts
    )
    approval = gitlab.ProjectProtectedEnvironmentApprovalRuleArgs
    people = [approval(user_id=user) for user in settings.approvers.users]
    groups = [approval(group_id=group, required_approvals=1) for group in settings.approvers.groups]
    if not people and not groups:
        return [environment]
    protected = gitlab.ProjectProtectedEnvironment(
        f"{name}-environment-approval",
        project=settings.infrastructure,
        environment=environment.name,
        deploy_access_levels_attributes=[
            gitlab.ProjectProtectedEnvironmentDeployAccessLevelsAttributeArgs(access_level="maintainer")
        ],
        approval_rules=[*people, *groups],
        opts=opts,
    )
    return [environment, protected]


def _variables(name: str, settings: GitLab, handed: Handed, opts: pulumi.ResourceOptions) -> None:
    secrets = {key: value for key, value in handed.tokens.items() if key != DISPATCH}
    if handed.key is not None:
        secrets[CONTENT_KEY] = handed.key.private
    for variable, value in secrets.items():
        _variable(
            f"{name}-secret-{resource_part(variable)}",
            settings.infrastructure,
            settings.environment,
            variable,
            value,
            opts if variable == CONTENT_KEY else handed.token_options(opts),
        )
    for variable, plain in handed.variables.items():
        _variable(
            f"{name}-variable-{resource_part(variable)}",
            settings.infrastructure,
            settings.environment,
            variable,
            plain,
            opts,
            masked=False,
        )


def _variable(
    name: str,
    project: str,
    scope: str,
    key: str,
    value: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
    *,
    masked: bool = True,
) -> None:
    """Raw, so that a ``$`` in it stays what it is; given to protected branches, and to jobs of the environment."""
    gitlab.ProjectVariable(
        name,
        project=project,
        key=key,
        value=value,
        environment_scope=scope,
        protected=True,
        masked=masked,
        raw=True,
        variable_type="env_var",
        opts=opts,
    )


def _schedule(name: str, settings: GitLab, opts: pulumi.ResourceOptions) -> None:
    gitlab.PipelineSchedule(
        f"{name}-schedule",
        project=settings.infrastructure,
        description="Without a push: drift, and tokens that expire",
        ref=f"refs/heads/{settings.branch}",
        cron=settings.schedule,
        cron_timezone="UTC",
        active=True,
        opts=opts,
    )


def _webhook(name: str, settings: GitLab, content: str, handed: Handed, opts: pulumi.ResourceOptions) -> None:
    """Signed, a request cannot be made up by who has seen one; a token alone is sent along with each."""
    if not handed.hook_url or handed.webhook is None:
        return
    gitlab.ProjectHook(
        f"{name}-webhook",
        project=content,
        name="peacefulrobot-infra",
        url=handed.hook_url,
        push_events=True,
        push_events_branch_filter=settings.branch,
        branch_filter_strategy="wildcard",
        enable_ssl_verification=True,
        signing_token=handed.webhook.signing if settings.signed else None,
        token=None if settings.signed else handed.webhook.secret,
        opts=opts,
    )


def _deploy_key(name: str, content: str, handed: Handed, opts: pulumi.ResourceOptions) -> None:
    if handed.key is not None:
        gitlab.DeployKey(
            f"{name}-deploy-key",
            project=content,
            title="peacefulrobot-infra reads the content",
            key=handed.key.public,
            can_push=False,
            opts=opts,
        )


def _start_pipelines(name: str, settings: GitLab, content: str, opts: pulumi.ResourceOptions) -> None:
    """A job of the content project starts the pipeline with the rights of who pushed: it takes no token."""
    for key, value in {PROJECT: settings.infrastructure, STACK: pulumi.get_stack()}.items():
        _variable(f"{name}-starting-{resource_part(key)}", content, "*", key, value, opts, masked=False)
