"""The CloudFront resource types of ``pulumi-aws`` that the program declares, the distribution apart."""

from __future__ import annotations

import re
import secrets
import time
import uuid
from typing import ClassVar

from sandbox.platforms.aws.account import (
    ACCOUNT,
    DISTRIBUTION,
    FUNCTION,
    HEADERS_POLICY,
    KEY_VALUE_STORE,
    LIVE_FUNCTION,
    ORIGIN_ACCESS,
)
from sandbox.platforms.aws.function_runtime import MAX_CODE
from sandbox.platforms.aws.headers_policy import NATIVE
from sandbox.platforms.aws.key_value_store import KeyValues
from sandbox.provider.resource_type import UNKNOWN, Inputs, Outputs, Refused
from sandbox.provider.stored import StoredType
from sandbox.store import Document, Store

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CHOICES = {
    "originAccessControlOriginType": {"s3", "lambda", "mediastore", "mediapackagev2"},
    "signingBehavior": {"always", "never", "no-override"},
    "signingProtocol": {"sigv4"},
}
_RUNTIMES = {"cloudfront-js-1.0", "cloudfront-js-2.0"}


def timestamp() -> str:
    """Now, as CloudFront writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def distributions_with(store: Store, key: str, value: str) -> bool:
    """Whether any distribution's default behaviour has this value."""
    return any(found["defaultCacheBehavior"].get(key) == value for found in store.all(DISTRIBUTION).values())


class CloudFrontType(StoredType):
    """What CloudFront resources have in common: an ARN without a region, and an ETag that changes with each write."""

    computed: ClassVar[frozenset[str]] = frozenset({"arn", "etag"})

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """ARN and a new version."""
        kind = re.sub(r"(?<!^)(?=[A-Z])", "-", self.token.rsplit(":", 1)[-1]).lower()
        return {"arn": f"arn:aws:cloudfront::{ACCOUNT}:{kind}/{identifier}", "etag": f"E{secrets.token_hex(6).upper()}"}

    def named_once(self, inputs: Inputs, identifier: str | None, code: str) -> None:
        """Raise Refused where another resource of this type bears the name."""
        for other, document in self.store.all(self.token).items():
            if document.get("name") == inputs.get("name") and other != identifier:
                raise Refused(f"{code}: {inputs.get('name')} exists already")

    def identify(self, inputs: Inputs) -> str:
        """An id like CloudFront's."""
        return f"E{secrets.token_hex(7).upper()[:13]}"


class OriginAccessControl(CloudFrontType):
    """``aws.cloudfront.OriginAccessControl``."""

    token = ORIGIN_ACCESS
    required = ("originAccessControlOriginType", "signingBehavior", "signingProtocol")
    named = "name"

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """Values from short lists."""
        wrong = [
            (key, f"expected {key} to be one of {sorted(allowed)}, got {inputs[key]}")
            for key, allowed in _CHOICES.items()
            if inputs.get(key) not in {None, UNKNOWN, *allowed}
        ]
        return [*super().check(inputs), *wrong]

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """Names are unique."""
        self.named_once(inputs, identifier, "OriginAccessControlAlreadyExists")

    def in_use(self, identifier: str, document: Document) -> None:
        """A distribution's origin may use it."""
        for other in self.store.all(DISTRIBUTION).values():
            if any(origin.get("originAccessControlId") == identifier for origin in other["origins"]):
                raise Refused("OriginAccessControlInUse: a distribution uses this origin access control")


class KeyValueStore(CloudFrontType):
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
        if not _PLAIN_NAME.fullmatch(inputs["name"]):
            raise Refused("InvalidArgument: the name of a key value store has 1 to 64 of A-Z, a-z, 0-9, - and _")
        if len(inputs.get("comment") or "") > 128:
            raise Refused("InvalidArgument: the comment of a key value store has 128 characters at the most")
        if identifier is None and self.store.get(self.token, inputs["name"]) is not None:
            raise Refused(f"EntityAlreadyExists: {inputs['name']} exists already")

    def identify(self, inputs: Inputs) -> str:
        """The name."""
        return str(inputs["name"])

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """The ARN is made once; the ETag here is the control plane's, the data plane has its own."""
        arn = (old or {}).get("arn") or f"arn:aws:cloudfront::{ACCOUNT}:key-value-store/{uuid.uuid4()}"
        self._pairs.version(str(arn))
        return {**super().compute(identifier, inputs, old), "arn": arn, "lastModifiedTime": timestamp()}

    def in_use(self, identifier: str, document: Document) -> None:
        """A function may read it."""
        for function in self.store.all(FUNCTION).values():
            if document["arn"] in (function.get("keyValueStoreAssociations") or []):
                raise Refused("CannotDeleteEntityWhileInUse: a function is associated with this key value store")
        self._pairs.drop(document["arn"])


class Function(CloudFrontType):
    """``aws.cloudfront.Function``; its id is its name. Distributions run its published stage."""

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
        if inputs.get("runtime") not in {*_RUNTIMES, UNKNOWN, None}:
            failures.append(("runtime", f"expected runtime to be one of {sorted(_RUNTIMES)}"))
        return failures

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """Size, name and stores."""
        if not _PLAIN_NAME.fullmatch(inputs["name"]):
            raise Refused("InvalidArgument: the name of a function has 1 to 64 of A-Z, a-z, 0-9, - and _")
        if not 0 < len(inputs["code"].encode()) <= MAX_CODE:
            raise Refused(f"FunctionSizeLimitExceeded: the code must have 1 to {MAX_CODE:,} bytes")
        if identifier is None and self.store.get(self.token, inputs["name"]) is not None:
            raise Refused(f"FunctionAlreadyExists: {inputs['name']} exists already")
        stores = inputs.get("keyValueStoreAssociations") or []
        if not set(stores) <= {document["arn"] for document in self.store.all(KEY_VALUE_STORE).values()}:
            raise Refused("EntityNotFound: the associated key value store does not exist")
        if len(stores) > 1 or (stores and inputs["runtime"] != "cloudfront-js-2.0"):
            raise Refused("InvalidArgument: one key value store for each function, and only with cloudfront-js-2.0")

    def identify(self, inputs: Inputs) -> str:
        """The name."""
        return str(inputs["name"])

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """Both stages; without ``publish`` the live one stays as it was."""
        base = super().compute(identifier, inputs, old)
        if inputs.get("publish", True):
            live = {"code": inputs["code"], "stores": inputs.get("keyValueStoreAssociations") or []}
            self.store.put(LIVE_FUNCTION, base["arn"], live)
            return {**base, "liveStageEtag": base["etag"], "status": "UNASSOCIATED"}
        published = self.store.get(LIVE_FUNCTION, base["arn"]) is not None
        etag = (old or {}).get("liveStageEtag") or ""
        return {**base, "liveStageEtag": etag, "status": "UNASSOCIATED" if published else "UNPUBLISHED"}

    def in_use(self, identifier: str, document: Document) -> None:
        """A distribution may call it."""
        for other in self.store.all(DISTRIBUTION).values():
            associations = other["defaultCacheBehavior"].get("functionAssociations") or []
            if any(item["functionArn"] == document["arn"] for item in associations):
                raise Refused("FunctionInUse: a distribution is associated with this function")
        self.store.delete(LIVE_FUNCTION, document["arn"])


class ResponseHeadersPolicy(CloudFrontType):
    """``aws.cloudfront.ResponseHeadersPolicy``."""

    token = HEADERS_POLICY
    named = "name"

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """Names are unique; security headers are not custom ones; there must be something to set."""
        self.named_once(inputs, identifier, "ResponseHeadersPolicyAlreadyExists")
        for item in (inputs.get("customHeadersConfig") or {}).get("items") or []:
            if item["header"].lower() in NATIVE:
                raise Refused(f"InvalidArgument: {item['header']} belongs into securityHeadersConfig")
        if not any(inputs.get(key) for key in inputs if key.endswith("Config")):
            raise Refused("InvalidArgument: a response headers policy must contain at least one configuration")

    def identify(self, inputs: Inputs) -> str:
        """A UUID."""
        return str(uuid.uuid4())

    def in_use(self, identifier: str, document: Document) -> None:
        """A distribution may use it."""
        if distributions_with(self.store, "responseHeadersPolicyId", identifier):
            raise Refused("ResponseHeadersPolicyInUse: a distribution uses this policy")
