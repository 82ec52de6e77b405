from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sealbridge.errors import Conflict, KeyFileError
from sealbridge.lifecycle.creation import Place
from sealbridge.lifecycle.policy import KeyPolicy
from sealbridge.lifecycle.renewal import due_at, is_cut_off, replace_current_key
from sealbridge.sealing.keyring import Keyring, by_creation
from sealbridge.sealing.keys import SealingKey
from sealbridge.secret import Secret
from tests.sealing_keys import MADE, sealing_key
from tests.unit.lifecycle.test_creation import Shelf, stored
from tests.worlds import ManualClock

DAY = timedelta(days=1)
POLICY = KeyPolicy(bits=2048)
PLACE = Place("a", "kube-system")


async def renew(
    shelf: Shelf,
    *,
    replacing: str,
    policy: KeyPolicy = POLICY,
    insist: bool = False,
    at: datetime | None = None,
) -> SealingKey:
    clock = ManualClock()
    clock.at = at or clock.at
    return await replace_current_key(shelf, PLACE, policy, clock, replacing=replacing, insist=insist)


def made(begin: datetime, *, days: int = 3650) -> SealingKey:
    return SealingKey.generate(at=begin, bits=2048, valid_days=days)


@pytest.mark.parametrize(
    ("renew_after", "days", "due"),
    [
        (30 * DAY, 3650, MADE + 30 * DAY),
        (30 * DAY, 10, MADE + 10 * DAY),
        (timedelta(0), 10, None),
        (timedelta.max, 10, MADE + 10 * DAY),
    ],
)
def test_a_key_is_due_after_its_time_or_when_its_certificate_ends(
    renew_after: timedelta, days: int, due: datetime | None
) -> None:
    ring = Keyring([made(MADE, days=days)])
    assert due_at(ring, replace(POLICY, renew_after=renew_after)) == due


def test_by_creation_the_time_of_a_key_is_when_it_was_stored() -> None:
    metadata = {"creationTimestamp": "2026-03-01T00:00:00Z"}
    key = SealingKey.from_secret(replace(stored(sealing_key()), metadata=metadata))
    later = datetime(2026, 3, 1, tzinfo=UTC)
    assert due_at(Keyring([key], order=by_creation), POLICY) == later + 30 * DAY
    cutoff = replace(POLICY, cutoff=MADE + DAY)
    assert is_cut_off(Keyring([key]), cutoff)
    assert not is_cut_off(Keyring([key], order=by_creation), cutoff)


def test_without_a_cutoff_or_at_it_a_key_stays() -> None:
    assert not is_cut_off(Keyring([sealing_key()]), POLICY)
    assert not is_cut_off(Keyring([sealing_key()]), replace(POLICY, cutoff=MADE))


def test_without_a_current_key_nothing_is_due() -> None:
    with pytest.raises(KeyFileError):
        due_at(Keyring([]), POLICY)


@pytest.mark.parametrize("count", [1, 2, 5])
async def test_many_at_once_make_one_successor_and_all_get_it(count: int) -> None:
    old = sealing_key()
    shelf = Shelf(stored(old))
    keys = await asyncio.gather(*(renew(shelf, replacing=old.fingerprint) for _ in range(count)))
    assert len(shelf.created) == 1
    assert len({key.fingerprint for key in keys}) == 1
    assert keys[0].fingerprint != old.fingerprint


async def test_who_comes_late_takes_the_successor_that_is_there() -> None:
    old = sealing_key()
    shelf = Shelf(stored(old))
    first = await renew(shelf, replacing=old.fingerprint)
    assert (await renew(shelf, replacing=old.fingerprint)).fingerprint == first.fingerprint
    assert len(shelf.created) == 1
    second = await renew(shelf, replacing=first.fingerprint)
    assert second.fingerprint not in {old.fingerprint, first.fingerprint}


async def test_a_successor_is_newer_also_within_the_same_second_and_when_the_clock_went_back() -> None:
    for at in (MADE, MADE - timedelta(hours=3)):
        old = sealing_key()
        shelf = Shelf(stored(old))
        key = await renew(shelf, replacing=old.fingerprint, at=at, insist=True)
        assert key.not_before == MADE + timedelta(seconds=1)


async def test_a_key_from_far_in_the_future_does_not_draw_the_next_there() -> None:
    far = made(datetime(2099, 1, 1, tzinfo=UTC))
    shelf = Shelf(stored(far))
    await renew(shelf, replacing=far.fingerprint)
    (name,) = shelf.created
    assert SealingKey.from_secret(shelf.secrets[name]).not_before == ManualClock().now()
    # It is not current, so no second one is made, unless somebody insists.
    assert (await renew(shelf, replacing=far.fingerprint)).fingerprint == far.fingerprint
    assert len(shelf.created) == 1
    await renew(shelf, replacing=far.fingerprint, insist=True)
    assert len(shelf.created) == 2


async def test_a_successor_that_was_retired_leaves_its_name_and_another_is_made() -> None:
    old = sealing_key()
    shelf = Shelf(stored(old))
    await renew(shelf, replacing=old.fingerprint)
    (name,) = shelf.created
    shelf.secrets[name] = replace(shelf.secrets[name], labels={})
    fresh = await renew(shelf, replacing=old.fingerprint)
    assert len(shelf.created) == 2
    assert fresh.fingerprint != SealingKey.from_secret(shelf.secrets[name]).fingerprint


async def test_a_store_that_fails_leaves_the_old_key_current() -> None:
    class Full(Shelf):
        async def create_secret(self, secret: Secret) -> Secret:
            raise Conflict("taken")

    old = sealing_key()
    with pytest.raises(KeyFileError, match="no name is left"):
        await renew(Full(stored(old)), replacing=old.fingerprint)


async def test_labels_and_annotations_go_along_and_cannot_take_the_label_that_makes_a_key() -> None:
    old = sealing_key()
    shelf = Shelf(stored(old))
    label = next(iter(stored(old).labels))
    policy = replace(POLICY, labels={"a": "b", label: "off"}, annotations={"c": "d"}, prefix="mine-")
    await renew(shelf, replacing=old.fingerprint, policy=policy)
    (name,) = shelf.created
    assert name.startswith("mine-")
    assert shelf.secrets[name].labels == {"a": "b", label: "active"}
    assert shelf.secrets[name].annotations == {"c": "d"}
