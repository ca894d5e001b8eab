"""The S3 resource types of ``pulumi-aws`` that the program declares."""

from __future__ import annotations

import re
from typing import ClassVar

from sandbox.platforms.aws.account import BUCKET, BUCKET_POLICY, REGION
from sandbox.platforms.aws.bucket_policies import MalformedPolicy, is_public, resources, statements
from sandbox.platforms.aws.objects import ObjectStore
from sandbox.platforms.aws.s3.endpoint import BUCKET_NAME
from sandbox.provider.resource_type import UNKNOWN, Inputs, Outputs, Refused
from sandbox.provider.stored import StoredType, automatic_name
from sandbox.store import Document, Store

#: Hosted zone of S3 websites in us-east-1: https://docs.aws.amazon.com/general/latest/gr/s3.html
_WEBSITE_ZONE = "Z3AQBSTGFYJSTF"
_OWNERSHIP = {"BucketOwnerPreferred", "ObjectWriter", "BucketOwnerEnforced"}


class Bucket(StoredType):
    """``aws.s3.Bucket``; its id is its name."""

    token = BUCKET
    named = "bucket"
    replaced_by = frozenset({"bucket", "bucketPrefix", "objectLockEnabled", "region"})
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
        wrong = name != UNKNOWN and not re.fullmatch(BUCKET_NAME, str(name))
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
            "hostedZoneId": _WEBSITE_ZONE,
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

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """One of three ways."""
        found = inputs.get("rule")
        ownership = found.get("objectOwnership") if isinstance(found, dict) else UNKNOWN
        wrong = [] if ownership in {*_OWNERSHIP, UNKNOWN} else [("rule", f"expected one of {sorted(_OWNERSHIP)}")]
        return [*super().check(inputs), *wrong]


class BucketLifecycleConfiguration(_BucketPart):
    """``aws.s3.BucketLifecycleConfiguration``."""

    token = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"  # noqa: S105
    required = ("bucket", "rules")

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """Every rule has an id of its own and is on or off."""
        rules = inputs.get("rules")
        listed = [rule for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []
        failures = super().check(inputs)
        if any(rule.get("status") not in {"Enabled", "Disabled", UNKNOWN} for rule in listed):
            failures.append(("rules", "status: expected one of [Enabled Disabled]"))
        if len({rule.get("id") for rule in listed}) != len(listed):
            failures.append(("rules", "id: each rule needs one of its own"))
        return failures


class BucketPolicy(_BucketPart):
    """``aws.s3.BucketPolicy``."""

    token = BUCKET_POLICY
    required = ("bucket", "policy")

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """The policy must be one, of this bucket, and not public while public policies are blocked."""
        super().refuse(inputs, identifier)
        try:
            found = statements(inputs["policy"])
        except MalformedPolicy as error:
            raise Refused(f"MalformedPolicy: {error}") from None
        own = f"arn:aws:s3:::{inputs['bucket']}"
        named = [resource for statement in found for resource in resources(statement)]
        if any(resource != own and not resource.startswith(f"{own}/") for resource in named):
            raise Refused("MalformedPolicy: Policy has invalid resource")
        block = self.store.get(BucketPublicAccessBlock.token, inputs["bucket"]) or {}
        if block.get("blockPublicPolicy") and any(map(is_public, found)):
            raise Refused("AccessDenied: public policies are blocked by the BlockPublicPolicy setting")
