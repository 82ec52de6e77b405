"""Semantic versions and constraints on them, as Masterminds/semver 3.4 has them. Knows no packages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import re2
from semver import Version as SemVer

from sealbridge.templates.go.values import FunctionError, Object, Uint64
from sealbridge.templates.limits import Budget

# A version beyond this is none; 3.5 has the same bound.
_MAX_LENGTH: Final = 256
_MAX_NUMBER: Final = (1 << 64) - 1

_EXTRA: Final = rb"(-([0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*))?(\+([0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*))?"
_VERSION: Final = re2.compile(rb"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?" + _EXTRA)
# The bar is no wildcard, but the original lets it stand where an earlier wildcard hides it.
_WANTED: Final = rb"v?([0-9|xX*]+)(\.[0-9|xX*]+)?(\.[0-9|xX*]+)?" + _EXTRA
_OPERATOR: Final = rb"=|!=|>|<|>=|=>|<=|=<|~|~>|\^|"
_RANGE: Final = re2.compile(rb"\s*(%b)\s+-\s+(%b)\s*" % (_WANTED, _WANTED))
_ONE: Final = re2.compile(rb"(%b)\s*(%b)" % (_OPERATOR, _WANTED))
_GROUP: Final = re2.compile(
    rb"\s*(?:%b)\s*%b\s*(?:(?:\s+|,\s*)(?:%b)\s*%b\s*)*" % (_OPERATOR, _WANTED, _OPERATOR, _WANTED)
)
_WILDCARDS: Final = (b"x", b"X", b"*", b"")


def semver(text: bytes) -> Version:
    """The parts of a version; minor and patch may be missing, and a `v` may stand in front.

    {{ (semver "v1.2.3-rc.1+build").Minor }} -> 2
    {{ (semver "1.2.3-rc.1").Prerelease }} -> rc.1
    {{ semver "v1.2" }} -> 1.2.0
    {{ (semver "1.2.3").IncMinor }} -> 1.3.0
    {{ (semver "1.2.3").LessThan (semver "1.10.0") }} -> true
    """
    return Version(_parsed(text), text)


def semver_compare(budget: Budget, constraint: bytes, version: bytes) -> bool:
    """Whether a version satisfies a constraint.

    Constraints are `=`, `!=`, `>`, `<`, `>=`, `<=`, `~` (the same minor version), `^` (the same major
    version), ranges such as `1.2 - 1.4`, and wildcards; all of those with spaces or commas between them
    have to hold, and `||` separates alternatives. A pre-release satisfies only those that name one.

    {{ semverCompare "^1.2.0" "1.9.3" }} -> true
    {{ semverCompare ">=1.2, <1.4 || 2.x" "1.4.0" }} -> false
    {{ semverCompare ">=1.2.0-0" "1.3.0-rc.1" }} -> true
    """
    parsed = _parsed(version)
    # `1.2 - 1.4` is `>= 1.2, <= 1.4`.
    groups = _RANGE.sub(rb">= \1, <= \9 ", constraint).split(b"||")
    alternatives = [_group(budget, group) for group in groups]
    return any(_holds(group, parsed) for group in alternatives)


@dataclass(frozen=True, slots=True)
class VersionValue(Object):
    """semver.Version, which the next versions are."""

    type_name: ClassVar[str] = "semver.Version"
    methods: ClassVar[Mapping[str, tuple[str, str]]] = {
        "IncMajor": ("next_major", ""),
        "IncMinor": ("next_minor", ""),
        "IncPatch": ("next_patch", ""),
        "Major": ("major", ""),
        "Metadata": ("metadata", ""),
        "Minor": ("minor", ""),
        "Patch": ("patch", ""),
        "Prerelease": ("prerelease", ""),
        "SetMetadata": ("with_metadata", "string"),
        "SetPrerelease": ("with_prerelease", "string"),
        "String": ("string", ""),
    }

    version: SemVer
    # As it was written.
    written: bytes

    def string(self) -> bytes:
        """With all three numbers and without the `v`."""
        return str(self.version).encode()

    def plain(self) -> bytes:
        """What JSON makes of it: text."""
        return self.string()

    def copied(self) -> VersionValue:
        """What `deepCopy` makes of it: sprig's cannot see its numbers, and leaves them all at 0."""
        return type(self)(SemVer(0, 0, 0), b"")

    def major(self) -> Uint64:
        """Its first number."""
        return Uint64(self.version.major)

    def minor(self) -> Uint64:
        """Its second number."""
        return Uint64(self.version.minor)

    def patch(self) -> Uint64:
        """Its third number."""
        return Uint64(self.version.patch)

    def prerelease(self) -> bytes:
        """What follows the `-`."""
        return (self.version.prerelease or "").encode()

    def metadata(self) -> bytes:
        """What follows the `+`."""
        return (self.version.build or "").encode()

    def next_major(self) -> VersionValue:
        """The next incompatible version."""
        return self._next(self.version.bump_major())

    def next_minor(self) -> VersionValue:
        """The next version with something new."""
        return self._next(self.version.bump_minor())

    def next_patch(self) -> VersionValue:
        """The next version that repairs something; of a pre-release its release."""
        released = self.version.finalize_version()
        return self._next(released if self.version.prerelease else released.bump_patch())

    def with_prerelease(self, prerelease: bytes) -> VersionValue:
        """With another pre-release, or none. Raises FunctionError."""
        changed = self.version.replace(prerelease=None)
        if prerelease:
            changed = changed.replace(prerelease=_parsed(b"0-" + prerelease, b"0").prerelease)
        return self._next(changed)

    def with_metadata(self, metadata: bytes) -> VersionValue:
        """With other metadata, or none. Raises FunctionError."""
        changed = self.version.replace(build=None)
        if metadata:
            changed = changed.replace(build=_parsed(b"0+" + metadata, b"0").build)
        return self._next(changed)

    def _next(self, version: SemVer) -> VersionValue:
        prefix = b"v" if self.written.startswith(b"v") else b""
        return VersionValue(version, prefix + str(version).encode())


@dataclass(frozen=True, slots=True)
class Version(VersionValue):
    """*semver.Version, which `semver` gives: Go has more methods on the pointer."""

    kind: ClassVar[str] = "ptr"
    type_name: ClassVar[str] = "*semver.Version"
    methods: ClassVar[Mapping[str, tuple[str, str]]] = {
        **VersionValue.methods,
        "Compare": ("compare", "version"),
        "Equal": ("equal", "version"),
        "GreaterThan": ("greater", "version"),
        "GreaterThanEqual": ("greater_or_equal", "version"),
        "LessThan": ("less", "version"),
        "LessThanEqual": ("less_or_equal", "version"),
        "Original": ("original", ""),
    }

    def original(self) -> bytes:
        """As it was written."""
        return self.written

    def compare(self, other: Version) -> int:
        """-1 below another version, 1 above it, else 0; metadata do not count."""
        return self.version.compare(other.version)

    def equal(self, other: Version) -> bool:
        """Whether both are the same."""
        return self.compare(other) == 0

    def less(self, other: Version) -> bool:
        """Whether it is below another one."""
        return self.compare(other) < 0

    def less_or_equal(self, other: Version) -> bool:
        """Whether it is not above another one."""
        return self.compare(other) <= 0

    def greater(self, other: Version) -> bool:
        """Whether it is above another one."""
        return self.compare(other) > 0

    def greater_or_equal(self, other: Version) -> bool:
        """Whether it is not below another one."""
        return self.compare(other) >= 0


@dataclass(frozen=True, slots=True)
class _Constraint:
    """One operator and its version, with 0 for every part that is missing or a wildcard."""

    operator: bytes
    version: SemVer
    any_major: bool = False
    any_minor: bool = False
    any_patch: bool = False

    @property
    def partial(self) -> bool:
        return self.any_major or self.any_minor or self.any_patch


def _parsed(text: bytes, zero: bytes = b"") -> SemVer:
    """A version. Raises FunctionError; `zero` is what the caller put in front, and is not counted."""
    match = _VERSION.fullmatch(text) if len(text) - len(zero) <= _MAX_LENGTH else None
    if match is None:
        raise FunctionError("not a semantic version")
    major, minor, patch, _, prerelease, _, metadata = match.groups()
    numbers = [int(number or b"0") for number in (major, minor, patch)]
    if max(numbers) > _MAX_NUMBER:
        raise FunctionError("a number of the version does not fit into 64 bits")
    for identifier in (prerelease or b"").split(b"."):
        if identifier.isdigit() and identifier != b"0" and identifier.startswith(b"0"):
            raise FunctionError("a number of the pre-release starts with 0")
    return SemVer(
        major=numbers[0],
        minor=numbers[1],
        patch=numbers[2],
        prerelease=prerelease.decode() if prerelease else None,
        build=metadata.decode() if metadata else None,
    )


def _group(budget: Budget, text: bytes) -> list[_Constraint]:
    """Constraints that have to hold together. Raises FunctionError."""
    if not _GROUP.fullmatch(text):
        raise FunctionError("not a constraint on versions")
    constraints = []
    for match in _ONE.finditer(text):
        budget.step()
        constraints.append(_constraint(*match.groups(default=b"")))
    return constraints


def _constraint(
    operator: bytes, written: bytes, major: bytes, minor: bytes, patch: bytes, extra: bytes, *_: bytes
) -> _Constraint:
    if major in _WILDCARDS:
        return _Constraint(operator, _parsed(b"0.0.0" + extra, b"0.0.0"), any_major=True)
    if minor[1:] in _WILDCARDS:
        return _Constraint(operator, _parsed(major + extra), any_minor=True)
    if patch[1:] in _WILDCARDS:
        return _Constraint(operator, _parsed(major + minor + extra), any_patch=True)
    return _Constraint(operator, _parsed(written))


def _holds(group: list[_Constraint], version: SemVer) -> bool:
    if version.prerelease and not any(constraint.version.prerelease for constraint in group):
        return False
    return all(_CHECKS[constraint.operator](version, constraint) for constraint in group)


def _first(version: SemVer, count: int) -> tuple[int, ...]:
    return (version.major, version.minor, version.patch)[:count]


def _equal(version: SemVer, wanted: _Constraint) -> bool:
    return _tilde(version, wanted) if wanted.partial else version.compare(wanted.version) == 0


def _not_equal(version: SemVer, wanted: _Constraint) -> bool:
    floor = wanted.version
    if wanted.any_minor:
        return version.major != floor.major
    if wanted.any_patch:
        return _first(version, 2) != _first(floor, 2) or version.prerelease != floor.prerelease
    return version.compare(floor) != 0


def _greater(version: SemVer, wanted: _Constraint) -> bool:
    # Above 1.2 is 1.3, and nothing that starts with 1.2.
    if wanted.any_minor:
        return version.major > wanted.version.major
    if wanted.any_patch:
        return _first(version, 2) > _first(wanted.version, 2)
    return version.compare(wanted.version) > 0


def _less(version: SemVer, wanted: _Constraint) -> bool:
    return version.compare(wanted.version) < 0


def _greater_or_equal(version: SemVer, wanted: _Constraint) -> bool:
    return version.compare(wanted.version) >= 0


def _less_or_equal(version: SemVer, wanted: _Constraint) -> bool:
    # Up to 1.2 includes everything that starts with 1.2.
    if wanted.any_minor:
        return version.major <= wanted.version.major
    if wanted.partial:
        return _first(version, 2) <= _first(wanted.version, 2)
    return version.compare(wanted.version) <= 0


def _tilde(version: SemVer, wanted: _Constraint) -> bool:
    floor = wanted.version
    if version.compare(floor) < 0:
        return False
    if _first(floor, 3) == (0, 0, 0) and not (wanted.any_minor or wanted.any_patch):
        return True
    return version.major == floor.major if wanted.any_minor else _first(version, 2) == _first(floor, 2)


def _caret(version: SemVer, wanted: _Constraint) -> bool:
    floor = wanted.version
    if version.compare(floor) < 0:
        return False
    # The first number that is not 0 has to stay.
    if floor.major or wanted.any_minor:
        return version.major == floor.major
    if floor.minor or wanted.any_patch:
        return _first(version, 2) == _first(floor, 2)
    return _first(version, 3) == _first(floor, 3)


_CHECKS: Final[dict[bytes, Callable[[SemVer, _Constraint], bool]]] = {
    b"": _equal,
    b"=": _equal,
    b"!=": _not_equal,
    b">": _greater,
    b"<": _less,
    b">=": _greater_or_equal,
    b"=>": _greater_or_equal,
    b"<=": _less_or_equal,
    b"=<": _less_or_equal,
    b"~": _tilde,
    b"~>": _tilde,
    b"^": _caret,
}
