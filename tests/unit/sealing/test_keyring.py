from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sealbridge.errors import EnvelopeError, KeyFileError, UnsealError, WrongKeyError
from sealbridge.sealing import envelope
from sealbridge.sealing.keyring import Keyring, by_creation
from sealbridge.sealing.keys import SealingKey
from sealbridge.secret import Value
from tests.sealing_keys import MADE, sealing_key

LABEL = b"ns/name"


def key_of(days: int) -> SealingKey:
    return SealingKey.generate(at=MADE + timedelta(days=days), bits=2048)


def bare(key: SealingKey) -> SealingKey:
    return SealingKey.from_pem(key.private_pem.reveal(), None)


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The fingerprints of the keys in the order in which they were tried."""
    fingerprints: list[str] = []
    real = envelope.open_

    def recording(data: bytes, key: SealingKey, label: bytes) -> Value:
        fingerprints.append(key.fingerprint)
        return real(data, key, label)

    monkeypatch.setattr(envelope, "open_", recording)
    return fingerprints


def test_the_newest_key_is_current_wherever_it_stands() -> None:
    old, new, newer = key_of(0), key_of(1), key_of(2)
    for order in ([old, new, newer], [newer, old, new], [new, newer, old]):
        assert Keyring(order).current is newer


def test_the_first_of_equally_new_keys_is_current() -> None:
    assert Keyring([sealing_key(1), sealing_key(0)]).current is sealing_key(1)
    assert Keyring([sealing_key(0), sealing_key(1)]).current is sealing_key(0)


def test_a_bare_key_is_never_current() -> None:
    with pytest.raises(KeyFileError, match="no sealing key with a certificate"):
        _ = Keyring([bare(sealing_key(0))]).current
    with pytest.raises(KeyFileError, match="no sealing key with a certificate"):
        _ = Keyring([]).current
    assert Keyring([bare(sealing_key(0)), sealing_key(1)]).current is sealing_key(1)


def test_a_key_is_held_once_and_with_its_certificate() -> None:
    key = sealing_key()
    for twins in ([key, bare(key)], [bare(key), key]):
        ring = Keyring(twins)
        assert len(ring) == 1
        assert list(ring) == [key]
        assert key.fingerprint in ring
        assert ring.current is key


def test_any_key_opens_and_the_hinted_one_is_tried_first(tried: list[str]) -> None:
    keys = [sealing_key(number) for number in range(3)]
    ring = Keyring(keys)
    first, second, third = ring.fingerprints
    sealed = envelope.seal(b"value", keys[2].certificate, LABEL)
    assert ring.open(sealed, LABEL).value.reveal() == b"value"
    assert tried == [first, second, third]
    tried.clear()
    assert ring.open(sealed, LABEL, hints=[third]).value.reveal() == b"value"
    assert tried == [third]
    tried.clear()
    assert ring.open(sealed, LABEL, hints=[second]).value.reveal() == b"value"
    assert tried == [second, first, third]
    tried.clear()
    assert ring.open(sealed, LABEL, hints=["SHA256:unknown"]).value.reveal() == b"value"
    assert tried == [first, second, third]
    tried.clear()
    assert ring.open(sealed, LABEL, hints=[None, second, "SHA256:unknown", third, second]) == (
        Value(b"value"),
        third,
    )
    assert tried == [second, third]


def test_a_wrong_key_means_the_next_and_every_other_failure_is_final(tried: list[str]) -> None:
    ring = Keyring([sealing_key(number) for number in range(3)])
    sealed = envelope.seal(b"value", sealing_key(1).certificate, LABEL)
    damaged = sealed[:-1] + bytes([sealed[-1] ^ 1])
    with pytest.raises(EnvelopeError, match="damaged"):
        ring.open(damaged, LABEL)
    assert tried == list(ring.fingerprints[:2])


@pytest.mark.parametrize("count", [0, 1, 3])
def test_no_key_that_opens_is_an_unseal_error_and_no_wrong_key_error(count: int) -> None:
    sealed = envelope.seal(b"value", sealing_key(9).certificate, LABEL)
    with pytest.raises(UnsealError, match="no key could decrypt secret") as caught:
        Keyring([sealing_key(number) for number in range(count)]).open(sealed, LABEL)
    assert not isinstance(caught.value, WrongKeyError)


def stored(key: SealingKey, created: str) -> SealingKey:
    metadata = {"creationTimestamp": created}
    return SealingKey.from_secret(replace(key.to_secret(name="a", namespace="b"), metadata=metadata))


def test_by_creation_the_key_that_was_stored_last_is_current_and_the_first_of_equals() -> None:
    first, second, third = (
        stored(sealing_key(number), f"2026-0{month}-01T00:00:00Z")
        for number, month in ((0, 5), (1, 6), (2, 6))
    )
    assert Keyring([first, second, third], order=by_creation).current is second
    assert Keyring([third, second, first], order=by_creation).current is third
    ring = Keyring([first, second], order=by_creation)
    assert ring.counted(lambda: None).current is second
    assert ring.time_of(second) == datetime(2026, 6, 1, tzinfo=UTC)


def test_of_two_certificates_for_one_key_the_later_counts() -> None:
    old, new = stored(sealing_key(0), "2026-05-01T00:00:00Z"), stored(sealing_key(0), "2026-06-01T00:00:00Z")
    for order in ([old, new], [new, old]):
        ring = Keyring(order, order=by_creation)
        assert len(ring) == 1
        assert ring.current is new


def test_a_key_with_an_unreadable_time_goes_by_its_certificate() -> None:
    key = stored(sealing_key(0), "yesterday")
    assert key.created is None
    assert by_creation(key) == key.not_before


def test_twenty_keys_cost_one_try_with_a_hint_and_each_try_is_counted() -> None:
    keys = [sealing_key(number) for number in range(20)]
    counted: list[None] = []
    ring = Keyring(keys).counted(lambda: counted.append(None))
    sealed = envelope.seal(b"value", keys[19].certificate, LABEL)
    assert ring.open(sealed, LABEL, [keys[19].fingerprint]).key == keys[19].fingerprint
    assert len(counted) == 1
    ring.open(sealed, LABEL)
    assert len(counted) == 21
