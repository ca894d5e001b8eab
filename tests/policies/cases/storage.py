from __future__ import annotations

from policies import storage as guard
from policies.storage import ACCOUNT, CONTAINER, GOOGLE_BUCKET, GOOGLE_GRANTS
from tests.policies.cases import cannot_know, finds, passes, with_
from tests.policies.judging import UNKNOWN, declared

STORE = declared(
    ACCOUNT,
    allowBlobPublicAccess=False,
    allowSharedKeyAccess=False,
    enableHttpsTrafficOnly=True,
    minimumTlsVersion="TLS1_2",
)
BLOBS = declared(CONTAINER, publicAccess="None")
BUCKET = declared(GOOGLE_BUCKET, publicAccessPrevention="enforced", uniformBucketLevelAccess=True)
MEMBER, BINDING, ACCESS = (declared(kind) for kind in GOOGLE_GRANTS[:3])
PRIVATE = guard.STORAGE_ACCOUNT_IS_PRIVATE
GOOGLE = guard.GOOGLE_BUCKET_IS_PRIVATE

PASSING = [
    passes(PRIVATE, STORE),
    passes(PRIVATE, with_(STORE, minimumTlsVersion="TLS1_3")),
    passes(guard.CONTAINER_IS_PRIVATE, BLOBS),
    passes(guard.CONTAINER_IS_PRIVATE, declared(CONTAINER)),
    passes(GOOGLE, BUCKET),
    passes(GOOGLE, with_(MEMBER, member="serviceAccount:publisher@project.iam.gserviceaccount.com")),
    passes(GOOGLE, with_(BINDING, members=["user:someone@example.org"])),
]
FAILING = [
    finds(PRIVATE, "allowBlobPublicAccess is not false", with_(STORE, allowBlobPublicAccess=True)),
    finds(PRIVATE, "allowSharedKeyAccess is not false", with_(STORE, allowSharedKeyAccess=None)),
    finds(PRIVATE, "enableHttpsTrafficOnly is not true", with_(STORE, enableHttpsTrafficOnly=False)),
    finds(PRIVATE, "minimumTlsVersion is not TLS1_2", with_(STORE, minimumTlsVersion="TLS1_1")),
    finds(PRIVATE, "minimumTlsVersion is not TLS1_2", with_(STORE, minimumTlsVersion=None)),
    finds(
        PRIVATE,
        "allowBlobPublicAccess is not false",
        declared("azure-native:storage/v20240101:StorageAccount", **{**STORE.values, "allowBlobPublicAccess": True}),
    ),
    finds(guard.CONTAINER_IS_PRIVATE, "publicAccess is not None", with_(BLOBS, publicAccess="Blob")),
    finds(GOOGLE, "publicAccessPrevention is not enforced", with_(BUCKET, publicAccessPrevention="inherited")),
    finds(GOOGLE, "uniformBucketLevelAccess is not true", with_(BUCKET, uniformBucketLevelAccess=None)),
    finds(GOOGLE, "for everybody", with_(MEMBER, member="allUsers")),
    finds(GOOGLE, "for everybody", with_(BINDING, members=["user:a@example.org", "allAuthenticatedUsers"])),
    finds(GOOGLE, "for everybody", with_(ACCESS, entity="allUsers")),
]
UNKNOWN_YET = [
    cannot_know(PRIVATE, "allowBlobPublicAccess", with_(STORE, allowBlobPublicAccess=UNKNOWN)),
    cannot_know(PRIVATE, "minimumTlsVersion", with_(STORE, minimumTlsVersion=UNKNOWN)),
    cannot_know(guard.CONTAINER_IS_PRIVATE, "publicAccess", with_(BLOBS, publicAccess=UNKNOWN)),
    cannot_know(GOOGLE, "publicAccessPrevention", with_(BUCKET, publicAccessPrevention=UNKNOWN)),
    cannot_know(GOOGLE, "member", with_(MEMBER, member=UNKNOWN)),
    cannot_know(GOOGLE, "members", with_(BINDING, members=UNKNOWN)),
]
