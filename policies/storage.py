"""Policies for storage at Azure and Google: nothing public, nothing by key, nothing without TLS."""

from __future__ import annotations

from collections.abc import Iterator

from policies.policy import Resource, ResourcePolicy, Settings, wanted
from policies.values import at, entries, separately, text

ACCOUNT = "azure-native:storage:StorageAccount"
CONTAINER = "azure-native:storage:BlobContainer"
GOOGLE_BUCKET = "gcp:storage/bucket:Bucket"
GOOGLE_GRANTS = (
    "gcp:storage/bucketIAMMember:BucketIAMMember",
    "gcp:storage/bucketIAMBinding:BucketIAMBinding",
    "gcp:storage/bucketAccessControl:BucketAccessControl",
    "gcp:storage/defaultObjectAccessControl:DefaultObjectAccessControl",
)
_EVERYBODY = {"allusers", "allauthenticatedusers"}
_ACCOUNT_VALUES = {
    "allowBlobPublicAccess": False,
    "allowSharedKeyAccess": False,
    "enableHttpsTrafficOnly": True,
}
_TLS = {"TLS1_2", "TLS1_3"}
_BUCKET_VALUES = {"publicAccessPrevention": "enforced", "uniformBucketLevelAccess": True}


def _account_is_private(resource: Resource, _: Settings) -> Iterator[str]:
    def old_tls() -> Iterator[str]:
        if text(at(resource.values, "minimumTlsVersion")) not in _TLS:
            yield "minimumTlsVersion is not TLS1_2 or newer"

    yield from separately((wanted(resource, _ACCOUNT_VALUES), old_tls()), lambda findings: findings)


STORAGE_ACCOUNT_IS_PRIVATE = ResourcePolicy(
    name="storage-account-is-private",
    description="A storage account has no public blobs and no key access, and speaks TLS 1.2 or newer only.",
    reason="An account's key never expires and opens all of it; blobs that are open are found by scanning.",
    remedy="Set allowBlobPublicAccess and allowSharedKeyAccess to false, enableHttpsTrafficOnly, minimumTlsVersion.",
    origin="CKV_AZURE_3, CKV_AZURE_44, CKV_AZURE_59, CKV_AZURE_190",
    kinds=(ACCOUNT,),
    judge=_account_is_private,
    repair=lambda _: {**_ACCOUNT_VALUES, "minimumTlsVersion": "TLS1_2"},
)


def _container_is_private(resource: Resource, _: Settings) -> Iterator[str]:
    if text(at(resource.values, "publicAccess")) not in ("", "None"):
        yield "publicAccess is not None"


CONTAINER_IS_PRIVATE = ResourcePolicy(
    name="container-is-private",
    description="A blob container is not public.",
    reason="What it holds is to be read by the platform alone, by signed addresses.",
    remedy="Set publicAccess to None.",
    origin="CKV_AZURE_34",
    kinds=(CONTAINER,),
    judge=_container_is_private,
    repair=lambda _: {"publicAccess": "None"},
)


def _google_bucket_is_private(resource: Resource, _: Settings) -> Iterator[str]:
    if resource.kind == GOOGLE_BUCKET:
        yield from wanted(resource, _BUCKET_VALUES)
        return
    named = [at(resource.values, key) for key in ("member", "entity")] + entries(at(resource.values, "members"))
    for name in named:
        if text(name).lower() in _EVERYBODY:
            yield "the grant is for everybody"


GOOGLE_BUCKET_IS_PRIVATE = ResourcePolicy(
    name="google-bucket-is-private",
    description="A bucket of Google prevents public access, knows no ACLs, and is granted to nobody in general.",
    reason="A grant to allUsers makes a bucket public, whatever stands elsewhere.",
    remedy="Set publicAccessPrevention to enforced and uniformBucketLevelAccess to true; grant to named members.",
    origin="CKV_GCP_28, CKV_GCP_29, CKV_GCP_114",
    kinds=(GOOGLE_BUCKET, *GOOGLE_GRANTS),
    judge=_google_bucket_is_private,
    repair=lambda resource: _BUCKET_VALUES if resource.kind == GOOGLE_BUCKET else {},
)
