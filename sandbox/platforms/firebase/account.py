"""The one Google Cloud project of the sandbox, and errors in the form of Google's APIs."""

from __future__ import annotations

from typing import Any

PROJECT = "peacefulrobot-sandbox"
NUMBER = "415926535897"
HOSTING_API = "firebasehosting.googleapis.com"
MANAGEMENT_API = "firebase.googleapis.com"
#: Plan of the project: with spark, executable files are refused.
#: https://firebase.google.com/support/faq#hosting-exe-restrictions
PLAN = "spark"

_STATUSES = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
}


class ApiError(Exception):
    """An answer that is none of success: https://cloud.google.com/apis/design/errors."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = _STATUSES[code]

    def document(self) -> dict[str, Any]:
        """The body."""
        return {"error": {"code": self.status, "message": str(self), "status": self.code}}


def check_project(name: str) -> None:
    """Refuse a project that is not the sandbox's own; ``-`` stands for the one that a site belongs to."""
    if name not in {PROJECT, NUMBER, "-"}:
        raise ApiError("PERMISSION_DENIED", "The caller does not have permission")
