"""The Pulumi resource types of ``pulumi-aws`` that the program declares."""

from __future__ import annotations

import json
import re
import secrets
import uuid
from typing import ClassVar

from sandbox.platforms.aws.distributions import BUCKET_POLICY, DISTRIBUTION, FUNCTION, HEADERS_POLICY
from sandbox.platforms.aws.function_runtime import MAX_CODE
from sandbox.platforms.aws.key_value_store import KEY_VALUE_STORE, KeyValues
from sandbox.platforms.aws.objects import ObjectStore
from sandbox.platforms.aws.s3 import BUCKET
from sandbox.provider.resource_type import UNKNOWN, Inputs, Outputs, Refused, ResourceType
from sandbox.provider.stored import StoredType, automatic_name
from sandbox.store import Document, Store

ACCOUNT = "123456789012"
REGION = "us-east-1"
#: Hosted zone of all distributions:
#: https://docs.aws.amazon.com/Route53/latest/APIReference/API_AliasTarget.html
_DISTRIBUTION_ZONE = "Z2FDTNDATAQYW2"
_BUCKET_NAME = re.compile(r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
_PLAIN_NAME = re.compile(r"^[A-Za-z0-9_-]{1,64}$")


class Bucket(StoredType):
    """``aws.s3.Bucket``; its id is its name."""

    token = BUCKET
    replaced_by = frozenset({"bucket", "region"})
    computed = frozenset(
        {"arn", "bucketDomainName", "bucketRegionalDomainName", "bucketRegion", "hostedZoneId", "region", "tagsAll"}
    )

    def __init__(self, store: Store, objects: ObjectStore) -> None:
        super().__init__(store)
        self._objects = objects

    def defaults(self, name: str, inputs: Inputs, old: Inputs) -> Inputs:
        """Automatic names are lower case."""
        if inputs.get("bucket") is None:
            return {**inputs, "bucket": automatic_name(name.lower(), old, "bucket", longest=63)}
        return inputs

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """Bucket naming rules."""
        name = inputs.get("bucket", "")
        wrong = name != UNKNOWN and not _BUCKET_NAME.match(name)
        return [("bucket", f"invalid bucket name {name!r}: 3 to 63 of a-z, 0-9, dot and hyphen")] if wrong else []

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """Names are unique."""
        if identifier is None and self.store.get(self.token, inputs["bucket"]) is not None:
            raise Refused("BucketAlreadyExists: The requested bucket name is not available.")

    def in_use(self, identifier: str, document: Document) -> None:
        """A bucket with objects goes only by force."""
        if not self._objects.empty(identifier):
            if not document.get("forceDestroy"):
                raise Refused("BucketNotEmpty: The bucket you tried to delete is not empty")
            self._objects.clear(identifier)

    def identify(self, inputs: Inputs) -> str:
        """The name."""
        return str(inputs["bucket"])

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """ARN and domain names."""
        return {
            "arn": f"arn:aws:s3:::{identifier}",
            "bucketDomainName": f"{identifier}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{identifier}.s3.{REGION}.amazonaws.com",
            "bucketRegion": REGION,
            "region": REGION,
            "hostedZoneId": "Z3AQBSTGFYJSTF",
            "tagsAll": inputs.get("tags", {}),
        }


class _BucketPart(StoredType):
    """Something that belongs to one bucket; its id is the bucket's name."""

    required: ClassVar[tuple[str, ...]] = ("bucket",)
    replaced_by = frozenset({"bucket", "region"})

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """The bucket must be there."""
        if self.store.get(BUCKET, inputs["bucket"]) is None:
            raise Refused(f"NoSuchBucket: The specified bucket {inputs['bucket']} does not exist")

    def identify(self, inputs: Inputs) -> str:
        """The bucket's name."""
        return str(inputs["bucket"])


class BucketPublicAccessBlock(_BucketPart):
    """``aws.s3.BucketPublicAccessBlock``."""

    token = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"  # noqa: S105


class BucketOwnershipControls(_BucketPart):
    """``aws.s3.BucketOwnershipControls``."""

    token = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"  # noqa: S105
    required = ("bucket", "rule")


class BucketLifecycleConfiguration(_BucketPart):
    """``aws.s3.BucketLifecycleConfiguration``."""

    token = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"  # noqa: S105
    required = ("bucket",)


class BucketPolicy(_BucketPart):
    """``aws.s3.BucketPolicy``."""

    token = BUCKET_POLICY
    required = ("bucket", "policy")

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """The policy must be one, and must not be public while public policies are blocked."""
        super().refuse(inputs, identifier)
        try:
            document = json.loads(inputs["policy"]) if isinstance(inputs["policy"], str) else inputs["policy"]
            statements = document["Statement"]
        except (ValueError, KeyError, TypeError):
            raise Refused("MalformedPolicy: This policy contains invalid Json") from None
        block = self.store.get(BucketPublicAccessBlock.token, inputs["bucket"]) or {}
        public = any(
            item.get("Effect") == "Allow" and item.get("Principal") in ("*", {"AWS": "*"}) for item in statements
        )
        if public and block.get("blockPublicPolicy"):
            raise Refused("AccessDenied: public policies are blocked by the BlockPublicPolicy setting")


class _CloudFrontType(StoredType):
    """What CloudFront resources have in common: an ETag that changes with each write."""

    computed: ClassVar[frozenset[str]] = frozenset({"arn", "etag"})

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """ARN and a new version."""
        kind = re.sub(r"(?<!^)(?=[A-Z])", "-", self.token.rsplit(":", 1)[-1]).lower()
        return {"arn": f"arn:aws:cloudfront::{ACCOUNT}:{kind}/{identifier}", "etag": f"E{secrets.token_hex(6).upper()}"}

    def _named_once(self, inputs: Inputs, identifier: str | None, code: str) -> None:
        for other, document in self.store.all(self.token).items():
            if document.get("name") == inputs.get("name") and other != identifier:
                raise Refused(f"{code}: {inputs.get('name')} exists already")

    def identify(self, inputs: Inputs) -> str:
        """An id like CloudFront's."""
        return f"E{secrets.token_hex(7).upper()[:13]}"


class OriginAccessControl(_CloudFrontType):
    """``aws.cloudfront.OriginAccessControl``."""

    token = "aws:cloudfront/originAccessControl:OriginAccessControl"  # noqa: S105
    required = ("originAccessControlOriginType", "signingBehavior", "signingProtocol")
    named = "name"

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """Names are unique."""
        self._named_once(inputs, identifier, "OriginAccessControlAlreadyExists")

    def in_use(self, identifier: str, document: Document) -> None:
        """A distribution's origin may use it."""
        for other in self.store.all(DISTRIBUTION).values():
            if any(origin.get("originAccessControlId") == identifier for origin in other["origins"]):
                raise Refused("OriginAccessControlInUse: a distribution uses this origin access control")


class KeyValueStore(_CloudFrontType):
    """``aws.cloudfront.KeyValueStore``; its id is its name."""

    token = KEY_VALUE_STORE
    named = "name"
    replaced_by = frozenset({"name"})
    computed = frozenset({"arn", "etag", "lastModifiedTime"})

    def __init__(self, store: Store, pairs: KeyValues) -> None:
        super().__init__(store)
        self._pairs = pairs

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """Names are unique and plain."""
        if not _PLAIN_NAME.match(inputs["name"]):
            raise Refused("InvalidArgument: the name of a key value store has 1 to 64 of A-Z, a-z, 0-9, - and _")
        if identifier is None and self.store.get(self.token, inputs["name"]) is not None:
            raise Refused(f"EntityAlreadyExists: {inputs['name']} exists already")

    def identify(self, inputs: Inputs) -> str:
        """The name."""
        return str(inputs["name"])

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """The ARN is made once."""
        arn = (old or {}).get("arn") or f"arn:aws:cloudfront::{ACCOUNT}:key-value-store/{uuid.uuid4()}"
        return {"arn": arn, "etag": self._pairs.etag(str(arn)), "lastModifiedTime": ""}

    def in_use(self, identifier: str, document: Document) -> None:
        """A function may read it."""
        for function in self.store.all(FUNCTION).values():
            if document["arn"] in function.get("keyValueStoreAssociations", []):
                raise Refused("CannotDeleteEntityWhileInUse: a function is associated with this key value store")
        self._pairs.drop(document["arn"])


class Function(_CloudFrontType):
    """``aws.cloudfront.Function``; its id is its name."""

    token = FUNCTION
    required = ("code", "runtime")
    named = "name"
    replaced_by = frozenset({"name"})
    computed = frozenset({"arn", "etag", "liveStageEtag", "status"})

    def defaults(self, name: str, inputs: Inputs, old: Inputs) -> Inputs:
        """Published unless told otherwise."""
        return {"publish": True, **super().defaults(name, inputs, old)}

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """Runtime and size of the code."""
        failures = super().check(inputs)
        if inputs.get("runtime") not in {"cloudfront-js-1.0", "cloudfront-js-2.0", UNKNOWN}:
            failures.append(("runtime", "expected runtime to be one of [cloudfront-js-1.0 cloudfront-js-2.0]"))
        return failures

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """Size, name and stores."""
        if len(inputs["code"].encode()) > MAX_CODE:
            raise Refused(f"FunctionSizeLimitExceeded: the code has more than {MAX_CODE} bytes")
        if identifier is None and self.store.get(self.token, inputs["name"]) is not None:
            raise Refused(f"FunctionAlreadyExists: {inputs['name']} exists already")
        known = {document["arn"] for document in self.store.all(KEY_VALUE_STORE).values()}
        if not set(inputs.get("keyValueStoreAssociations", [])) <= known:
            raise Refused("EntityNotFound: the associated key value store does not exist")

    def identify(self, inputs: Inputs) -> str:
        """The name."""
        return str(inputs["name"])

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """Both stages."""
        base = super().compute(identifier, inputs, old)
        return {**base, "liveStageEtag": base["etag"], "status": "UNASSOCIATED"}

    def in_use(self, identifier: str, document: Document) -> None:
        """A distribution may call it."""
        for other in self.store.all(DISTRIBUTION).values():
            associations = other["defaultCacheBehavior"].get("functionAssociations", [])
            if any(item["functionArn"] == document["arn"] for item in associations):
                raise Refused("FunctionInUse: a distribution is associated with this function")


class ResponseHeadersPolicy(_CloudFrontType):
    """``aws.cloudfront.ResponseHeadersPolicy``."""

    token = HEADERS_POLICY
    named = "name"

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """Names are unique; security headers are not custom ones."""
        self._named_once(inputs, identifier, "ResponseHeadersPolicyAlreadyExists")
        reserved = {"strict-transport-security", "content-security-policy", "x-content-type-options", "x-frame-options",
                    "referrer-policy", "x-xss-protection"}  # fmt: skip
        for item in (inputs.get("customHeadersConfig") or {}).get("items", []):
            if item["header"].lower() in reserved:
                raise Refused(f"InvalidArgument: {item['header']} belongs into securityHeadersConfig")

    def identify(self, inputs: Inputs) -> str:
        """A UUID."""
        return str(uuid.uuid4())

    def in_use(self, identifier: str, document: Document) -> None:
        """A distribution may use it."""
        for other in self.store.all(DISTRIBUTION).values():
            if other["defaultCacheBehavior"].get("responseHeadersPolicyId") == identifier:
                raise Refused("ResponseHeadersPolicyInUse: a distribution uses this policy")


class Distribution(_CloudFrontType):
    """``aws.cloudfront.Distribution``."""

    token = DISTRIBUTION
    required = ("defaultCacheBehavior", "enabled", "origins", "restrictions", "viewerCertificate")
    computed = frozenset(
        {"arn", "callerReference", "domainName", "etag", "hostedZoneId", "inProgressValidationBatches",
         "lastModifiedTime", "status"}
    )  # fmt: skip

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """Everything it refers to must be there."""
        behaviour = inputs["defaultCacheBehavior"]
        if not behaviour.get("cachePolicyId") and not behaviour.get("forwardedValues"):
            raise Refused("InvalidArgument: The parameter ForwardedValues is required without a cache policy.")
        if behaviour["targetOriginId"] not in {origin["originId"] for origin in inputs["origins"]}:
            raise Refused("NoSuchOrigin: One or more of your origins or origin groups do not exist.")
        self._refuse_origins(inputs)
        policy = behaviour.get("responseHeadersPolicyId")
        if policy and self.store.get(HEADERS_POLICY, policy) is None:
            raise Refused("NoSuchResponseHeadersPolicy: The specified response headers policy does not exist.")
        known = {document["arn"] for document in self.store.all(FUNCTION).values()}
        associations = behaviour.get("functionAssociations", [])
        if not {item["functionArn"] for item in associations} <= known:
            raise Refused("InvalidFunctionAssociation: the function does not exist or is not published.")
        if inputs.get("aliases") and inputs["viewerCertificate"].get("cloudfrontDefaultCertificate"):
            raise Refused("InvalidViewerCertificate: aliases need a certificate that covers them.")

    def _refuse_origins(self, inputs: Inputs) -> None:
        for origin in inputs["origins"]:
            bucket = origin["domainName"].split(".s3.", 1)[0]
            if ".s3." in origin["domainName"] and self.store.get(BUCKET, bucket) is None:
                raise Refused(f"InvalidOrigin: the bucket of {origin['domainName']} does not exist.")
            access = origin.get("originAccessControlId")
            if access and self.store.get(OriginAccessControl.token, access) is None:
                raise Refused("NoSuchOriginAccessControl: The origin access control does not exist.")

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """The domain name is given once."""
        old = old or {}
        label = "d" + "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(13))
        return {
            **super().compute(identifier, inputs, old),
            "domainName": old.get("domainName") or f"{label}.cloudfront.net",
            "callerReference": old.get("callerReference") or f"terraform-{uuid.uuid4().hex}",
            "hostedZoneId": _DISTRIBUTION_ZONE,
            "inProgressValidationBatches": 0,
            "lastModifiedTime": "",
            "status": "Deployed",
        }


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
    ]
    return [Bucket(store, objects), KeyValueStore(store, pairs), *(kind(store) for kind in plain)]
