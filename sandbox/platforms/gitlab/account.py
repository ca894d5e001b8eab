"""The one account of the GitLab twin."""

from __future__ import annotations

TOKEN = "glpat-sandboxSandboxSandbox"  # noqa: S105 - the same on every machine, opens nothing
USER = {"id": 1, "username": "sandbox", "name": "Sandbox", "state": "active", "email": "sandbox@example.com"}
NAMESPACE = {"id": 1, "name": "sandbox", "path": "sandbox", "kind": "user", "full_path": "sandbox", "plan": "free"}
PAGES_DOMAIN = "gitlab.io"

PROJECTS = "gitlab:project"
PIPELINES = "gitlab:pipeline"
RUNNERS = "gitlab:runner"
DEPLOYMENTS = "gitlab:pages-deployment"
EXTERNAL_DEPLOYMENTS = "gitlab:deployment"
COMMIT_STATUSES = "gitlab:commit-status"
MERGE_REQUESTS = "gitlab:merge-request"
NOTES = "gitlab:note"
HOOK_HEALTH = "gitlab:hook-health"
HOOK_EVENTS = "gitlab:hook-event"
NUMBERS = "gitlab:number"

HOOK = "gitlab:index/projectHook:ProjectHook"
TRIGGER = "gitlab:index/pipelineTrigger:PipelineTrigger"
ENVIRONMENT = "gitlab:index/projectEnvironment:ProjectEnvironment"
