from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sealbridge.lifecycle.backup_place import version_names

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_names_of_versions_sort_by_time_also_within_a_second() -> None:
    names = [*version_names(AT), *version_names(AT + timedelta(seconds=1))]
    assert names == sorted(names)
    assert len(set(names)) == len(names)
    assert names[0] == "sealing-keys-20261122T120000Z.age"
