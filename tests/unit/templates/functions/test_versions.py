"""Semantic versions and constraints."""

from __future__ import annotations

import itertools

import pytest

from sealbridge.templates.functions.versions import semver, semver_compare
from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.limits import BoundExceeded, Budget, Limits


def test_a_version_has_parts() -> None:
    version = semver(b"v1.2.3-rc.1+build")
    assert (version.major(), version.minor(), version.patch()) == (1, 2, 3)
    assert (version.prerelease(), version.metadata()) == (b"rc.1", b"build")
    assert (version.string(), version.original()) == (b"1.2.3-rc.1+build", b"v1.2.3-rc.1+build")
    assert version.plain() == version.string()


def test_next_versions_and_their_parts() -> None:
    version = semver(b"v1.2.3-rc.1+b")
    following = (version.next_major(), version.next_minor(), version.next_patch())
    assert [entry.string() for entry in following] == [b"2.0.0", b"1.3.0", b"1.2.3"]
    assert version.next_patch().next_patch().string() == b"1.2.4"
    assert version.next_major().written == b"v2.0.0"
    assert version.with_prerelease(b"a").with_metadata(b"").string() == b"1.2.3-a"
    assert version.with_prerelease(b"").with_metadata(b"c").string() == b"1.2.3+c"
    with pytest.raises(FunctionError):
        version.with_prerelease(b"a_b")
    with pytest.raises(FunctionError):
        version.with_metadata(b"a..b")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"secret",
        b"1.2.3.4",
        b"V1",
        b"1.2.3-01",
        b"1.2.3-",
        b"1.x",
        b"99999999999999999999",
        b"1" * 300,
        b"\xff",
    ],
)
def test_what_is_no_version_is_an_error_without_it(text: bytes) -> None:
    with pytest.raises(FunctionError) as failure:
        semver(text)
    assert "secret" not in str(failure.value)
    with pytest.raises(FunctionError):
        semver_compare(Budget(), b"*", text)


def test_versions_are_in_order() -> None:
    order = [
        b"1.0.0-alpha",
        b"1.0.0-alpha.1",
        b"1.0.0-beta.2",
        b"1.0.0-beta.11",
        b"1.0.0",
        b"1.2.0",
        b"1.10.0",
    ]
    versions = [semver(text) for text in order]
    for lower, higher in itertools.pairwise(versions):
        assert (lower.compare(higher), higher.compare(lower)) == (-1, 1)
        assert lower.less(higher)
        assert lower.less_or_equal(higher)
        assert higher.greater(lower)
        assert higher.greater_or_equal(lower)
        assert not lower.equal(higher)
    assert semver(b"1.2.3+a").equal(semver(b"v1.2.3+b"))


@pytest.mark.parametrize(
    ("constraint", "inside", "outside"),
    [
        (b"1.2.3", b"1.2.3", b"1.2.4"),
        (b"!=1.2", b"1.3.0", b"1.2.9"),
        (b"!=1", b"2.0.0", b"1.9.0"),
        (b">1.2", b"1.3.0", b"1.2.9"),
        (b">1", b"2.0.0", b"1.9.9"),
        (b"<=1.2", b"1.2.9", b"1.3.0"),
        (b"<=1", b"1.9.9", b"2.0.0"),
        (b"<1.2.3", b"1.2.2", b"1.2.3"),
        (b"=>1.2", b"1.2.0", b"1.1.9"),
        (b"~1.2.3", b"1.2.9", b"1.3.0"),
        (b"~>1", b"1.9.0", b"2.0.0"),
        (b"^1.2", b"1.9.0", b"2.0.0"),
        (b"^0.2.3", b"0.2.9", b"0.3.0"),
        (b"^0.0.3", b"0.0.3", b"0.0.4"),
        (b"1.x", b"1.9.0", b"2.0.0"),
        (b"*", b"1.0.0", b"1.0.0-rc.1"),
        (b"1.2 - 1.4", b"1.4.9", b"1.5.0"),
        (b"1.2 - 1.4 !=1.3", b"1.2.0", b"1.3.0"),
        (b">=1.2, <1.4 || 3.x", b"3.1.0", b"1.4.0"),
        (b">=1.0-0 <2", b"1.5.0-rc.1", b"2.0.0"),
    ],
)
def test_a_constraint_takes_some_versions_and_no_others(
    constraint: bytes, inside: bytes, outside: bytes
) -> None:
    assert semver_compare(Budget(), constraint, inside) is True
    assert semver_compare(Budget(), constraint, outside) is False


@pytest.mark.parametrize(
    "constraint", [b"", b"secret", b"||1", b">1<2", b"==1", b"1 - 2 - 3", b"1x", b"1.2.3.4"]
)
def test_what_is_no_constraint_is_an_error_without_it(constraint: bytes) -> None:
    with pytest.raises(FunctionError) as failure:
        semver_compare(Budget(), constraint, b"1.0.0")
    assert "secret" not in str(failure.value)


def test_many_constraints_are_accounted_for() -> None:
    with pytest.raises(BoundExceeded):
        semver_compare(Budget(Limits(steps=100)), b"1 " * 200, b"1.0.0")
