"""The one account of the GitHub twin."""

from __future__ import annotations

TOKEN = "ghp_sandboxSandboxSandboxSandboxSandbox"  # noqa: S105 - the same on every machine, opens nothing
OWNER = {"login": "sandbox", "id": 1, "node_id": "U_1", "type": "User"}

REPOSITORIES = "github:repository"
DEPLOYMENTS = "github:deployment"
DEPLOYMENT_STATUSES = "github:deployment-status"
STATUSES = "github:commit-status"
ISSUES = "github:issue"
COMMENTS = "github:comment"
RUNS = "github:workflow-run"
RUNNERS = "github:runner"
DELIVERIES = "github:hook-delivery"
NUMBERS = "github:number"
