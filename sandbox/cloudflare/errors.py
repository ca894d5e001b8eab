"""What Cloudflare's API answers when it refuses."""

from __future__ import annotations

from collections.abc import Mapping


class ApiError(Exception):
    """A refusal: HTTP status, Cloudflare's own code and words.

    Shape of the answer: https://developers.cloudflare.com/fundamentals/api/reference/
    """

    def __init__(self, status: int, code: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{message} ({code})")
        self.headers = headers
        self.status = status
        self.code = code
        self.message = message


def invalid(message: str) -> ApiError:
    """A load-balancing object that breaks a rule: 400, code 1002."""
    return ApiError(400, 1002, f"{message}: validation failed")


def not_unique() -> ApiError:
    """A second object under one name (https://github.com/cloudflare/terraform-provider-cloudflare/issues/6275)."""
    return ApiError(400, 1003, "value not unique")


def referenced() -> ApiError:
    """Deleting what others use (https://github.com/cloudflare/terraform-provider-cloudflare/issues/66)."""
    return ApiError(412, 1005, "This object is referenced by other objects, delete them first.")
