"""A small resource type for tests of the provider server: buckets in memory."""

from __future__ import annotations

from typing import ClassVar

from sandbox.provider.resource_type import UNKNOWN, Inputs, Outputs, Refused, ResourceType


class Bucket(ResourceType):
    token = "test:s3/bucket:Bucket"
    replaced_by = frozenset({"bucket"})
    named = "bucket"
    secrets = frozenset({"accessKey"})
    computed = frozenset({"arn", "accessKey"})
    made: ClassVar[int] = 0

    def __init__(self) -> None:
        self.buckets: dict[str, Outputs] = {}

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        acl = inputs.get("acl", "private")
        return [] if acl in ("private", "public-read", UNKNOWN) else [("acl", f"expected an ACL, got {acl}")]

    def defaults(self, name: str, inputs: Inputs, old: Inputs) -> Inputs:
        return {"bucket": old.get("bucket", f"{name}-0a1b2c3"), "acl": "private", **inputs}

    async def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        name = inputs["bucket"]
        if name in self.buckets:
            raise Refused(f"BucketAlreadyExists: {name} exists")
        self.buckets[name] = self._outputs(inputs)
        return name, self.buckets[name]

    async def read(self, identifier: str) -> Outputs | None:
        return self.buckets.get(identifier)

    async def update(self, identifier: str, old: Outputs, new: Inputs) -> Outputs:
        self.buckets[identifier] = self._outputs(new)
        return self.buckets[identifier]

    async def delete(self, identifier: str) -> None:
        if self.buckets.get(identifier, {}).get("tags"):
            raise KeyError("tags")
        self.buckets.pop(identifier, None)

    def _outputs(self, inputs: Inputs) -> Outputs:
        return {**inputs, "arn": f"arn:{inputs['bucket']}", "accessKey": "hidden"}
