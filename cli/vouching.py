"""Who vouches that a value is still the one that is sealed: own keys, and the records of this user."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sealbridge_cli import options

if TYPE_CHECKING:
    from sealbridge.sealing.certificate import Certificate
    from sealbridge.sealing.keyring import Keyring
    from sealbridge.sealing.unchanged import Voucher
    from sealbridge.secret import Value


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare --key and --no-cache."""
    options.add_keys(
        parser, "sealing keys that open what is sealed: items whose values are the same stay as they are"
    )
    parser.add_argument(
        "--no-cache",
        action="store_true",
        help="neither use nor keep the record of what was sealed on this machine "
        "(in the cache folder, or $SEALBRIDGE_CACHE_DIR)",
    )


class Vouchers:
    """Those for one run with one certificate."""

    def __init__(self, args: argparse.Namespace, certificate: Certificate) -> None:
        """Raises KeyFileError when keys are given that cannot be read."""
        from sealbridge.repo.seal_records import SealRecords

        self._certificate = certificate
        self._records = None if args.no_cache else SealRecords()
        if self._records is not None:
            self._records.prepare()
        self._keyring: Keyring | None = None
        if args.key:
            from sealbridge.lifecycle.key_files import read_keyring

            self._keyring = read_keyring(args.key)

    def __call__(self, label: bytes) -> list[Voucher]:
        """For what is sealed with a label."""
        from sealbridge.sealing.unchanged import opened_by

        found = []
        if self._records is not None:
            found.append(self._records.voucher(self._certificate, label))
        if self._keyring is not None:
            found.append(opened_by(self._keyring, self._certificate, label))
        return found

    def remember(self, sealed: Iterable[tuple[bytes, str, str, Value]]) -> None:
        """Record what was sealed and written: labels, items, sealed forms, values."""
        self.keep(self.records(sealed))

    def records(self, sealed: Iterable[tuple[bytes, str, str, Value]]) -> tuple[bytes, ...]:
        """What stands for things that were sealed; it tells nothing without the local key."""
        if self._records is None:
            return ()
        made = (self._records.record(self._certificate, *one) for one in sealed)
        return tuple(one for one in made if one is not None)

    def keep(self, records: Iterable[bytes]) -> None:
        """Keep records of what was sealed and written."""
        if self._records is not None:
            self._records.keep(records)
