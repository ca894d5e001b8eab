"""Names of resource types, as the engine writes them."""

from __future__ import annotations

import re

#: azure-native has a second name for each resource, with the version of the API: ``azure-native:web/v20240401:Name``.
_API_VERSION = re.compile(r"^(azure-native:[a-z0-9]+)/v[0-9a-z]+:")


def kind_of(token: str) -> str:
    """A resource type under its one name."""
    return _API_VERSION.sub(r"\1:", token)
