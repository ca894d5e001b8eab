"""Objects in S3, over obstore (the Rust object_store): listed, and written once."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from publisher.bodies import pieces_of
from publisher.errors import PlatformRefused, PlatformUnavailable
from website import File, read_verified

#: Larger files are sent in parts, so that memory does not grow with them; parts know no If-None-Match, but the key is a
#: digest of the content. Bytes.
_STREAMED_FROM = 8 * 1024 * 1024
_PART = 8 * 1024 * 1024


class Objects:
    """One bucket."""

    def __init__(self, bucket: str, region: str) -> None:
        self._bucket = bucket
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        options: Any = {"region": region, "checksum_algorithm": "SHA256"}
        client: Any = {"timeout": "120s", "connect_timeout": "15s", "pool_max_idle_per_host": "128"}
        if endpoint:
            options |= {"endpoint": endpoint, "virtual_hosted_style_request": False}
            client |= {"allow_http": endpoint.startswith("http://")}
        backoff = {"init_backoff": timedelta(seconds=0.25), "max_backoff": timedelta(seconds=15), "base": 2.0}
        retry: Any = {"max_retries": 6, "retry_timeout": timedelta(seconds=120), "backoff": backoff}
        provider = None if "AWS_ACCESS_KEY_ID" in os.environ else _credentials()
        self._store = S3Store(
            bucket, config=options, client_options=client, retry_config=retry, credential_provider=provider
        )

    async def sizes(self, prefix: str) -> dict[str, int]:
        """Key → size in bytes of all objects under a prefix (1,000 a request)."""
        found: dict[str, int] = {}
        try:
            async for batch in obstore.list(self._store, prefix=prefix, chunk_size=1000):
                found.update({item["path"]: item["size"] for item in batch})
        except BaseError as error:
            raise self._explained(f"listing {prefix}", error) from error
        return found

    async def put_file(self, key: str, file: File) -> None:
        """Write a file's object once; one that is there already is left as it is."""
        attributes = {"Content-Type": file.media_type, "Cache-Control": file.cache_control}
        if file.size > _STREAMED_FROM:
            await self._put(key, pieces_of(file, _PART), attributes, mode="overwrite")
        else:
            await self._put(key, read_verified(file), attributes, mode="create")

    async def put_bytes(self, key: str, body: bytes, media_type: str) -> None:
        """Write an object anew."""
        await self._put(key, body, {"Content-Type": media_type}, mode="overwrite")

    async def replace(self, key: str, body: bytes, media_type: str, version: str | None) -> str | None:
        """Write an object whose version (ETag) is this one, None: that is not there; returns its new version.

        None: it is another one now, and was left as it is.
        """
        mode = "create" if version is None else {"e_tag": version}
        return await self._put(key, body, {"Content-Type": media_type}, mode=mode)

    async def _put(self, key: str, body: Any, attributes: dict[str, str], *, mode: Any) -> str | None:
        try:
            written = await obstore.put_async(
                self._store, key, body, attributes=attributes, mode=mode, chunk_size=_PART, max_concurrency=2
            )
        except (AlreadyExistsError, PreconditionError):
            return None
        except FileNotFoundError:  # of If-Match, where the object is gone
            return None
        except BaseError as error:
            raise self._explained(f"writing {key}", error) from error
        return written.get("e_tag")

    async def get(self, key: str) -> bytes | None:
        """Bytes of an object, or None."""
        found = await self.versioned(key)
        return found[0] if found else None

    async def versioned(self, key: str) -> tuple[bytes, str | None] | None:
        """Bytes and version (ETag) of an object, or None."""
        try:
            found = await obstore.get_async(self._store, key)
            return bytes(await found.bytes_async()), found.meta["e_tag"]
        except FileNotFoundError:
            return None
        except BaseError as error:
            raise self._explained(f"reading {key}", error) from error

    async def delete(self, keys: list[str]) -> None:
        """Remove objects; what is gone already is no error."""
        try:
            for start in range(0, len(keys), 1000):
                await obstore.delete_async(self._store, keys[start : start + 1000])
        except FileNotFoundError:
            return
        except BaseError as error:
            raise self._explained("deleting old objects", error) from error

    def _explained(self, action: str, error: BaseException) -> Exception:
        text = f"aws: {action} in bucket {self._bucket} did not succeed ({_short(error)})."
        refused = "status code: 403" in str(error) or "status code: 401" in str(error)
        if refused or isinstance(error, (PermissionDeniedError, UnauthenticatedError)):
            return PlatformRefused(
                f"{text} Check the AWS credentials in the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a "
                "profile, or a role): they need s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket."
            )
        return PlatformUnavailable(f"{text} The release that was live before stays live; run again later.")


def _credentials() -> Any:
    """A profile or a role, as boto3 finds them; keys in the environment do without boto3."""
    from obstore.auth.boto3 import Boto3CredentialProvider

    return Boto3CredentialProvider()


def _short(error: BaseException) -> str:
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return first[:200]
