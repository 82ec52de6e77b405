"""Objects of one S3 bucket, or of what speaks like S3. Knows nothing of what is in them.

Credentials, region and AWS_ENDPOINT_URL are those of boto3's own chain.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sealbridge.errors import BackupError, UsageError

_CONNECT, _READ, _TRIES = 10, 30, 4  # seconds for one request, and tries


class Bucket:
    """A bucket, and the key that was named with it."""

    def __init__(self, name: str, key: str) -> None:
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
        except ModuleNotFoundError:
            raise UsageError("s3:// needs the package boto3", hint="pip install 'sealbridge[aws]'") from None
        self.key = key
        self._name = name
        config = Config(connect_timeout=_CONNECT, read_timeout=_READ, retries={"total_max_attempts": _TRIES})
        try:
            self._client = boto3.client("s3", config=config)
        except (BotoCoreError, ValueError) as error:
            raise UsageError(f"S3 cannot be used: {type(error).__name__}", where=f"s3://{name}") from None

    @classmethod
    def at(cls, text: str) -> Bucket:
        """What `BUCKET/KEY` names."""
        name, _, key = text.partition("/")
        if not name:
            raise UsageError("s3:// needs a bucket", hint="s3://BUCKET/KEY, or s3://BUCKET/FOLDER/")
        return cls(name, key)

    def put(self, key: str, data: bytes) -> None:
        """Store an object."""
        with self._told(key):
            self._client.put_object(Bucket=self._name, Key=key, Body=data)

    def get(self, key: str, limit: int) -> bytes:
        """The content of an object, one byte more than `limit` at most."""
        with self._told(key):
            return bytes(self._client.get_object(Bucket=self._name, Key=key)["Body"].read(limit + 1))

    def written(self, key: str) -> datetime | None:
        """When it was stored; None when it is not there."""
        with self._told(key):
            found = self._client.list_objects_v2(Bucket=self._name, Prefix=key, MaxKeys=1)
        for one in found.get("Contents", ()):
            if one["Key"] == key:
                at: datetime = one["LastModified"]
                return at
        return None

    def copy(self, key: str, to: str) -> None:
        """Copy within the bucket."""
        with self._told(key):
            self._client.copy_object(Bucket=self._name, Key=to, CopySource={"Bucket": self._name, "Key": key})

    def names(self, prefix: str) -> list[str]:
        """The keys that begin so."""
        with self._told(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=prefix)
            return [one["Key"] for page in pages for one in page.get("Contents", ())]

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        where = f"s3://{self._name}/{key}"
        try:
            yield
        except ClientError as error:
            raise BackupError(_refusal(error.response), where=where) from None
        except (BotoCoreError, OSError) as error:
            # Its text may quote an address with credentials in it.
            raise BackupError(f"S3 cannot be asked: {type(error).__name__}", where=where) from None


def _refusal(response: dict[str, Any]) -> str:
    code = str(response.get("Error", {}).get("Code", "")) or "unknown error"
    known = {
        "NoSuchBucket": "there is no such bucket",
        "NoSuchKey": "there is no such object",
        "AccessDenied": "access is denied",
        "SlowDown": "S3 asks for fewer requests",
    }
    return known.get(code, f"S3 refuses: {code[:80]}")
