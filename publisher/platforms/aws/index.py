"""The KeyValueStore's data plane, over boto3 (SigV4A by awscrt); calls run in a thread, one at a time.

API: https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Operations_Amazon_CloudFront_KeyValueStore.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from publisher.errors import PlatformRefused, PlatformUnavailable

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

KEYS_A_CALL = 50
T = TypeVar("T")


class Index:
    """One KeyValueStore; keeps the version (ETag) that its next write must find."""

    def __init__(self, arn: str, attempts: int = 6, seconds: float = 60.0) -> None:
        """``seconds`` are those that one call may wait for its connection, and then for its answer."""
        self._arn = arn
        self._attempts = attempts
        self._seconds = seconds
        self._client: Any = None
        self._etag: str | None = None

    def _connected(self) -> Any:
        if self._client is None:
            import boto3
            from botocore.config import Config

            retries: Any = {"mode": "standard", "total_max_attempts": self._attempts}
            config = Config(retries=retries, connect_timeout=self._seconds, read_timeout=self._seconds)
            self._client = boto3.Session().client("cloudfront-keyvaluestore", region_name="us-east-1", config=config)
        return self._client

    async def _call(self, action: str, work: Callable[[Any], T]) -> T:
        return await asyncio.to_thread(self._made, action, work)

    def _made(self, action: str, work: Callable[[Any], T]) -> T:
        """Make a call. boto3 takes a third of a second to import: the first call does so, in its own thread."""
        from botocore.exceptions import BotoCoreError, ClientError, MissingDependencyException

        try:
            return work(self._connected())
        except ClientError as error:
            raise _explained(action, error) from error
        except MissingDependencyException as error:
            raise PlatformRefused("aws: SigV4A needs awscrt. Install the project's requirements anew.") from error
        except (BotoCoreError, KeyError) as error:  # of an answer that ends in the middle, botocore makes an empty one
            reason = "the answer was cut off" if isinstance(error, KeyError) else error
            raise PlatformUnavailable(
                f"aws: {action} did not succeed ({reason}). The release that was live before stays live; run again."
            ) from error

    async def get(self, key: str) -> str | None:
        """Value of a key, or None."""

        def work(client: Any) -> str | None:
            try:
                return str(client.get_key(KvsARN=self._arn, Key=key)["Value"])
            except client.exceptions.ResourceNotFoundException:
                return None

        return await self._call(f"reading {key} of the key value store", work)

    async def all(self) -> dict[str, str]:
        """Every key and value; one call for 50 keys."""

        def work(client: Any) -> dict[str, str]:
            pages = client.get_paginator("list_keys").paginate(
                KvsARN=self._arn, PaginationConfig={"PageSize": KEYS_A_CALL}
            )
            return {item["Key"]: item["Value"] for page in pages for item in page["Items"]}

        return await self._call("listing the key value store", work)

    async def version(self) -> str:
        """The store's version; writes after this fail when somebody else writes in between."""
        if self._etag is not None:
            return self._etag

        def work(client: Any) -> str:
            return str(client.describe_key_value_store(KvsARN=self._arn)["ETag"])

        self._etag = await self._call("describing the key value store", work)
        return self._etag

    async def state(self) -> tuple[str, datetime]:
        """The store's own state, and when it was last written to."""

        def work(client: Any) -> tuple[str, datetime]:
            found = client.describe_key_value_store(KvsARN=self._arn)
            return str(found["Status"]), found["LastModified"].astimezone(UTC)

        return await self._call("describing the key value store", work)

    async def write(self, puts: Mapping[str, str], deletes: Collection[str]) -> None:
        """Write in calls of at most 50 keys; a crash between two calls leaves the earlier ones written."""
        items: list[tuple[str, str | None]] = [*sorted(puts.items()), *((key, None) for key in sorted(deletes))]
        for batch in _batches(iter(items)):
            await self._write_batch(batch)

    async def _write_batch(self, batch: list[tuple[str, str | None]]) -> None:
        etag = await self.version()
        puts = [{"Key": key, "Value": value} for key, value in batch if value is not None]
        deletes = [{"Key": key} for key, value in batch if value is None]

        def work(client: Any) -> str:
            return str(client.update_keys(KvsARN=self._arn, IfMatch=etag, Puts=puts, Deletes=deletes)["ETag"])

        self._etag = await self._call("writing to the key value store", work)


def _batches(items: Iterator[tuple[str, str | None]]) -> Iterator[list[tuple[str, str | None]]]:
    while batch := list(islice(items, KEYS_A_CALL)):
        yield batch


def _explained(action: str, error: ClientError) -> Exception:
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    said = error.response.get("Error", {}).get("Message") or error.response.get("Message") or code
    if code == "ConflictException":
        return PlatformUnavailable(
            "aws: somebody else wrote to the key value store at the same time. The release that was live before stays "
            "live; run again."
        )
    text = f"aws: {action} was refused with HTTP {status} ({code}: {said})."
    if status in {401, 403}:
        return PlatformRefused(
            f"{text} Check the AWS credentials in the environment: they need cloudfront-keyvaluestore:* on the store, "
            "and temporary ones must come from a regional STS endpoint.",
            status=status,
        )
    if status >= 500 or status == 429:
        return PlatformUnavailable(f"{text} The release that was live before stays live; run again later.")
    return PlatformRefused(f"{text} Nothing was published.", status=status)
