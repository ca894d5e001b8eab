"""AWS on your own machine: S3, CloudFront with its functions, and KeyValueStore."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.platforms.aws.account import ACCOUNT, DISTRIBUTION, LIVE_FUNCTION, REGION
from sandbox.platforms.aws.cloudfront_resources import (
    Function,
    KeyValueStore,
    OriginAccessControl,
    ResponseHeadersPolicy,
)
from sandbox.platforms.aws.distribution_resource import Distribution
from sandbox.platforms.aws.distributions import Distributions
from sandbox.platforms.aws.identity_resources import OpenIdConnectProvider, Role, RolePolicy
from sandbox.platforms.aws.key_value_api import key_value_app
from sandbox.platforms.aws.key_value_store import KeyValues
from sandbox.platforms.aws.objects import ObjectStore
from sandbox.platforms.aws.s3 import s3_app
from sandbox.platforms.aws.s3_resources import (
    Bucket,
    BucketLifecycleConfiguration,
    BucketOwnershipControls,
    BucketPolicy,
    BucketPublicAccessBlock,
)
from sandbox.platforms.aws.signatures import ACCESS_KEY, SECRET_KEY
from sandbox.provider.resource_type import Inputs, Outputs, ResourceType
from sandbox.provider.stored import StoredType
from sandbox.store import Document, Store
from sandbox.twin import ControlPlane, SiteView, Twin
from sandbox.world import World

#: Clients put the account in front of the endpoint's name, so the plane needs a name; only the proxy knows it.
_KEY_VALUE_NAME = "kvs.sandbox"


def twin(world: World) -> Twin:
    """The AWS twin."""
    folder = world.folder / "aws"
    objects, pairs = ObjectStore(folder), KeyValues(folder, world.clock)
    s3 = s3_app(world.store, objects)
    objects.collect()
    distributions = Distributions(world.store, objects, pairs, world.clock)
    world.serve_names("aws", lambda: [found["domainName"] for found in world.store.all(DISTRIBUTION).values()])
    return Twin(
        name="aws",
        resource_types=resource_types(world.store, objects, pairs),
        invokes={"aws:index/getCallerIdentity:getCallerIdentity": _caller_identity},
        control=(
            ControlPlane("s3", s3, _s3_environment),
            ControlPlane(
                "key-value-store", key_value_app(world.store, pairs), _key_value_environment, (_KEY_VALUE_NAME,)
            ),
        ),
        public=distributions.app(),
        sites=lambda: _sites(world.store, pairs),
    )


def resource_types(store: Store, objects: ObjectStore, pairs: KeyValues) -> list[ResourceType]:
    """All types, ready to serve."""
    plain: list[type[StoredType]] = [
        BucketPublicAccessBlock,
        BucketOwnershipControls,
        BucketLifecycleConfiguration,
        BucketPolicy,
        OriginAccessControl,
        Function,
        ResponseHeadersPolicy,
        Distribution,
        OpenIdConnectProvider,
        Role,
        RolePolicy,
    ]
    return [Bucket(store, objects), KeyValueStore(store, pairs), *(kind(store) for kind in plain)]


def _s3_environment(url: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL_S3": url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _key_value_environment(url: str) -> dict[str, str]:
    del url  # reached by its name through the proxy
    return {"AWS_ENDPOINT_URL_CLOUDFRONT_KEYVALUESTORE": f"http://{_KEY_VALUE_NAME}"}


async def _caller_identity(inputs: Inputs) -> Outputs:
    del inputs
    return {"accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:user/sandbox", "userId": "AIDASANDBOX", "id": ACCOUNT}


def _sites(store: Store, pairs: KeyValues) -> Sequence[SiteView]:
    found = sorted(store.all(DISTRIBUTION).values(), key=lambda item: str(item["callerReference"]), reverse=True)
    return [_site(store, pairs, distribution) for distribution in found]


def _site(store: Store, pairs: KeyValues, distribution: Document) -> SiteView:
    """What the distribution's function would say is live: ``generation release files …`` under the key ``live``."""
    for association in distribution["defaultCacheBehavior"].get("functionAssociations") or []:
        function = store.get(LIVE_FUNCTION, association["functionArn"]) or {}
        for arn in function.get("stores", []):
            _, release, files, *_ = [*(pairs.get(arn, "live") or "").split(" "), "", ""]
            return SiteView(distribution["domainName"], release or None, int(files) if files.isdigit() else 0)
    return SiteView(distribution["domainName"], None, 0)
