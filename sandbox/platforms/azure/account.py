"""The sandbox's Azure: who signs in, what there is, and the kinds of documents that are kept."""

from __future__ import annotations

TENANT = "5a4db0c0-0000-4000-8000-0000000007e4"
SUBSCRIPTION = "5a4db0c0-0000-4000-8000-0000000005b5"
CLIENT = "5a4db0c0-0000-4000-8000-00000000c11e"
OBJECT = "5a4db0c0-0000-4000-8000-000000000b7e"
CLIENT_SECRET = "sbx8Q~sandboxSandboxSandboxSandbox000000"  # noqa: S105 - the same on every machine, opens nothing

LOGIN_NAME = "login.microsoftonline.com"
MANAGEMENT_NAME = "management.azure.com"
BLOB_SUFFIX = ".blob.core.windows.net"
SITE_SUFFIX = ".azurestaticapps.net"

RESOURCE_GROUP = "azure-native:resources:ResourceGroup"
STORAGE_ACCOUNT = "azure-native:storage:StorageAccount"
BLOB_CONTAINER = "azure-native:storage:BlobContainer"
STATIC_SITE = "azure-native:web:StaticSite"
#: Blobs that are committed, by account/container/name.
BLOB = "azure:blob"
#: Blocks that are not part of a blob yet, by account/container/name and block id.
BLOCK = "azure:block"
#: State of a site's environment, by resource id: status, times, and the deployment that visitors get.
BUILD = "azure:build"
DEPLOYMENT = "azure:deployment"
OPERATION = "azure:operation"


def group_id(group: str) -> str:
    """Resource id of a resource group."""
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}"


def within(group: str, kind: str, name: str) -> str:
    """Resource id of something in a resource group: ``within("g", "Microsoft.Web/staticSites", "s")``."""
    return f"{group_id(group)}/providers/{kind}/{name}"
