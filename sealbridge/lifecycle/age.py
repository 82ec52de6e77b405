"""Encryption with age: to recipients or a passphrase, in memory. Knows no file and nothing of keys' meaning.

Recipients and identities are those of age (X25519) and of OpenSSH. Needs the package pyrage.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sealbridge.errors import BackupError, UsageError
from sealbridge.secret import Value

_HEADER = b"age-encryption.org/v1\n"
_ARMOR = b"-----BEGIN AGE ENCRYPTED FILE-----"
_PASSPHRASE = b"-> scrypt "
# 2 to this power: more would take minutes, and what says so may be a stranger's file.
_MOST_WORK = 22
_SHORTEST = 12  # characters of a passphrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """What a backup is encrypted to: recipients, or a passphrase alone."""

    recipients: tuple[str, ...] = ()
    passphrase: Value | None = field(default=None, repr=False)

    def close(self, data: bytes) -> bytes:
        """Encrypt. Raises UsageError for what is no recipient, and BackupError."""
        pyrage = _pyrage()
        if self.passphrase is not None:
            if len(self.passphrase) < _SHORTEST:
                raise UsageError(f"the passphrase is shorter than {_SHORTEST} characters")
            return bytes(pyrage.passphrase.encrypt(data, _text(self.passphrase)))
        recipients = [_recipient(pyrage, text) for text in self.recipients]
        if not recipients:
            raise UsageError("there is nobody to encrypt it to", hint="name an age recipient")
        try:
            return bytes(pyrage.encrypt(data, recipients))
        except pyrage.EncryptError:
            raise BackupError("it cannot be encrypted to these recipients") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opener:
    """What opens a backup: identities, or a passphrase."""

    identities: tuple[Value, ...] = ()
    passphrase: Value | None = field(default=None, repr=False)

    def open(self, data: bytes, *, where: str) -> bytes:
        """Decrypt. Raises BackupError that says why not, as far as that can be known."""
        pyrage = _pyrage()
        by_passphrase = _by_passphrase(data, where)
        if by_passphrase and self.passphrase is None:
            raise BackupError(
                "it is encrypted with a passphrase", where=where, hint="give it with --passphrase-file FILE"
            )
        if not by_passphrase and not self.identities:
            raise BackupError(
                "it is encrypted to age recipients",
                where=where,
                hint="give the identity of one with --identity FILE",
            )
        try:
            if by_passphrase:
                assert self.passphrase is not None  # noqa: S101 - looked at above
                return bytes(pyrage.passphrase.decrypt(data, _text(self.passphrase)))
            return bytes(pyrage.decrypt(data, [_identity(pyrage, one) for one in self.identities]))
        except pyrage.DecryptError as error:
            text = str(error)
        if "No matching keys" in text:
            raise BackupError(
                "none of the identities is a recipient of it",
                where=where,
                hint="it was encrypted to others: ask who holds their identities",
            )
        if by_passphrase and "Decryption failed" in text:
            raise BackupError("the passphrase is wrong, or it is damaged", where=where)
        raise BackupError("it is cut off or damaged", where=where, hint="take another copy of it")


def is_encrypted(data: bytes) -> bool:
    """Whether it looks like a file of age."""
    return data.startswith(_HEADER) or data.lstrip().startswith(_ARMOR)


def identities_of(data: bytes, *, where: str) -> tuple[Value, ...]:
    """The identities of a file: lines of age-keygen, or one private key of OpenSSH. Raises UsageError."""
    if b"-----BEGIN" in data:
        return (Value(data),)
    lines = [line.strip() for line in data.splitlines()]
    found = tuple(Value(line) for line in lines if line.upper().startswith(b"AGE-SECRET-KEY-1"))
    if not found:
        raise UsageError("there is no age identity in it", where=where, hint="age-keygen -o FILE makes one")
    return found


def new_identity() -> tuple[Value, str]:
    """A new identity and its recipient."""
    made = _pyrage().x25519.Identity.generate()
    return Value(str(made).encode()), str(made.to_public())


def _recipient(pyrage: Any, text: str) -> Any:
    if text.upper().startswith("AGE-SECRET-KEY-"):
        raise UsageError(
            "a recipient is public, and this is an identity", hint="age-keygen -y FILE shows its recipient"
        )
    try:
        return (pyrage.ssh if text.startswith("ssh-") else pyrage.x25519).Recipient.from_str(text.strip())
    except pyrage.RecipientError:
        raise UsageError(
            f"this is no age recipient: {text[:80]!r}", hint="it begins with age1, or with ssh-"
        ) from None


def _identity(pyrage: Any, text: Value) -> Any:
    data = text.reveal()
    try:
        if b"-----BEGIN" in data:
            return pyrage.ssh.Identity.from_buffer(data)
        return pyrage.x25519.Identity.from_str(data.decode())
    except (pyrage.IdentityError, UnicodeDecodeError):
        raise UsageError("an identity is damaged, or protected by a passphrase itself") from None


def _by_passphrase(data: bytes, where: str) -> bool:
    """Whether the header asks for a passphrase; one that asks for hours of work is refused."""
    if not data.startswith(_HEADER):
        return False
    line = data[len(_HEADER) :].partition(b"\n")[0]
    if not line.startswith(_PASSPHRASE):
        return False
    work = line.rsplit(b" ", 1)[-1]
    if not work.isdigit() or len(work) > 2 or int(work) > _MOST_WORK:
        raise BackupError("its passphrase would take too long to try", where=where)
    return True


def _text(passphrase: Value) -> str:
    try:
        return passphrase.reveal().decode()
    except UnicodeDecodeError:
        raise UsageError("the passphrase is not UTF-8") from None


def _pyrage() -> Any:
    try:
        import pyrage
    except ModuleNotFoundError:
        raise UsageError(
            "backups of sealing keys need the package pyrage", hint="pip install 'sealbridge[backup]'"
        ) from None
    return pyrage
