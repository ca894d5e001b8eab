"""The one account of the GitLab twin."""

from __future__ import annotations

TOKEN = "glpat-sandboxSandboxSandbox"  # noqa: S105 - the same on every machine, opens nothing
USER = {"id": 1, "username": "sandbox", "name": "Sandbox", "state": "active", "email": "sandbox@example.com"}
NAMESPACE = {"id": 1, "name": "sandbox", "path": "sandbox", "kind": "user", "full_path": "sandbox", "plan": "free"}
PAGES_DOMAIN = "gitlab.io"

PROJECTS = "gitlab:project"
PIPELINES = "gitlab:pipeline"
DEPLOYMENTS = "gitlab:pages-deployment"
