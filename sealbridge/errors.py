"""Every error a user can meet. Knows nothing but text; never holds a secret value.

An error says what is wrong (`what`), where (`where`: a file and document, or an object and
field) and what to do about it (`hint`). The command line prints them as `error:` and `hint:`
lines; a condition on an object carries `what` alone.
"""

from __future__ import annotations

from collections.abc import Mapping


class SealbridgeError(Exception):
    """The base of them all. `what` is lower case without a full stop."""

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what

    def at(self, where: str) -> SealbridgeError:
        """The same error, found at `where`; an inner place already known is kept behind it."""
        self.where = f"{where}: {self.where}" if self.where else where
        return self


class UsageError(SealbridgeError):
    """The command line was used wrongly; exit code 2."""


class ManifestError(SealbridgeError):
    """A document or object is not what it should be: syntax, type, a missing or unknown field."""


class CertificateError(SealbridgeError):
    """A sealing certificate cannot be used: unreadable, expired, not a supported key."""


class KeyFileError(SealbridgeError):
    """A sealing key cannot be read or written."""


class NotRsaError(KeyFileError):
    """A private key of another kind: it never was a sealing key."""


class BackupError(SealbridgeError):
    """A backup of sealing keys cannot be made, read or trusted."""


class EnvelopeError(SealbridgeError):
    """Sealed bytes are malformed: no key could ever open them."""


class WrongKeyError(SealbridgeError):
    """This key does not open this envelope: try the next. The only error that means so."""


class UnsealError(SealbridgeError):
    """No key of the keyring opens an item, or several items fail.

    `items` maps the key of every item that failed to a word for why: WrongKey, WrongScope or Corrupt.
    """

    def __init__(
        self,
        what: str,
        *,
        items: Mapping[str, str] | None = None,
        where: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.items = dict(items or {})


class TemplateError(SealbridgeError):
    """A template failed while it rendered."""


class TemplateSyntaxError(TemplateError):
    """A template cannot be parsed."""


class StoreError(SealbridgeError):
    """A secret store did not give a value. One of the five subclasses says why."""

    retryable = False
    # Seconds after which asking again makes sense, where that is known.
    retry_after: float | None = None


class NotFound(StoreError):  # noqa: N818 - the names of design.md
    """The store has no such secret. `missing` tells which part: 'secret', 'version' or 'property'.

    'collection': a secret of many items, which is missing where all of them are asked for; of one item it
    is as a property that is missing."""

    def __init__(
        self, what: str, *, missing: str = "secret", where: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.missing = missing


class Denied(StoreError):  # noqa: N818
    """The store knows us and refuses, or does not accept our `credentials` at all."""

    def __init__(
        self, what: str, *, credentials: bool = False, where: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.credentials = credentials


class Throttled(StoreError):  # noqa: N818
    """The store asks for fewer requests. `retry_after` in seconds where it said so."""

    retryable = True

    def __init__(
        self,
        what: str,
        *,
        retry_after: float | None = None,
        where: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.retry_after = retry_after


class Unavailable(StoreError):  # noqa: N818
    """The store cannot be reached or fails by itself: connection, timeout, 5xx, sealed."""

    retryable = True


class Invalid(StoreError):  # noqa: N818
    """The request or the store's configuration is wrong; trying again will not help."""


class SyncError(SealbridgeError):
    """An ExternalSecret's values could not be put together; `failures` holds the reason of each entry."""

    def __init__(
        self,
        what: str,
        *,
        failures: tuple[SealbridgeError, ...] = (),
        where: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.failures = failures

    @property
    def retryable(self) -> bool:
        """Whether time alone may heal it: some store was unavailable or throttled us."""
        return any(getattr(failure, "retryable", False) for failure in self.failures)


class ClusterError(SealbridgeError):
    """The cluster behind the port refused or failed. `retryable` tells whether time may heal it."""

    def __init__(
        self,
        what: str,
        *,
        retryable: bool = False,
        status: int | None = None,
        where: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.retryable = retryable
        self.status = status


class Conflict(ClusterError):  # noqa: N818
    """Somebody changed the object since it was read: read again and retry."""

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what, retryable=True, status=409, where=where, hint=hint)


class NoController(ClusterError):  # noqa: N818
    """There is no sealing controller in the cluster, or several, or it cannot be looked for."""


class NotOwned(SealbridgeError):  # noqa: N818
    """The target exists and belongs to somebody else; it is left alone."""


class Immutable(SealbridgeError):  # noqa: N818
    """What has to change cannot be changed in place; the target is left as it is."""


def defect(error: Exception) -> SealbridgeError:
    """An error that nobody has thought of, without its text: that may hold a value."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = ""
    if frame is not None:
        name = frame.tb_frame.f_code.co_filename.rpartition("/")[2]
        place = f" in {name}, line {frame.tb_lineno}"
    found = SealbridgeError(
        f"internal error: {type(error).__name__}{place}",
        hint="this is a defect of sealbridge: please report it, with what SEALBRIDGE_DEBUG=1 shows",
    )
    found.__cause__ = error
    return found
