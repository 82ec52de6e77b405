"""printf: verbs, flags, widths, indexes, complaints and bounds, as Go's fmt has them."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest

from sealbridge.templates.go.values import (
    Int32,
    Int64,
    Ints,
    Lists,
    NilList,
    NilStrings,
    Number,
    StringMap,
    Strings,
    Uint8,
    Uint32,
    Uint64,
)
from sealbridge.templates.go.verbs import sprintf
from sealbridge.templates.limits import BoundExceeded, Budget, Limits
from tests.unit.templates.go.test_printing import Pair, Pointer, Version

_INF, _NAN = math.inf, math.nan


class Span(Number):
    """An integer that says itself what it is, as a duration does."""

    kind = "int64"
    type_name = "time.Duration"

    def string(self) -> bytes:
        return b"1m30s"


def printed(form: str | bytes, *values: Any) -> bytes:
    return sprintf(form.encode() if isinstance(form, str) else form, values, Budget())


@pytest.mark.parametrize(
    ("form", "values", "text"),
    [
        ("plain %% text", (), "plain % text"),
        ("%v %v %v %v", (b"a", 1, 1.5, True), "a 1 1.5 true"),
        ("%v|%s", (None, b""), "<nil>|"),
        ("%d %b %o %O %x %X", (42, 5, 8, 8, 255, 255), "42 101 10 0o10 ff FF"),
        ("%d %x", (-(2**63), -255), "-9223372036854775808 -ff"),
        ("%c%c%c", (65, 0x4E16, -1), "A世\ufffd"),
        ("%q %q %+q", (65, 10, 0x4E16), r"'A' '\n' '\u4e16'"),
        ("%U %#U %U", (65, 0x1F600, -1), "U+0041 U+1F600 '😀' U+FFFFFFFFFFFFFFFF"),
        (
            "%e %f %F %g %G %E",
            (1.5, 1.5, 1.5, 1.5, 1e100, 0.0),
            "1.500000e+00 1.500000 1.500000 1.5 1E+100 0.000000E+00",
        ),
        ("%x %X %b", (1.5, 1.5, 1.0), "0x1.8p+00 0X1.8P+00 4503599627370496p-52"),
        ("%s %q %x %X", (b"hi", b'"', b"hi", b"\xff"), r'hi "\"" 6869 FF'),
        ("%t %t", (True, False), "true false"),
        ("%T %T %T %T %T", (b"", 1, Int64(1), [], None), "string int int64 []interface {} <nil>"),
        ("%T %T", (Strings(), StringMap()), "[]string map[string]string"),
        ("%v %d %s", ([1, [b"a"]], [1, 2], [b"a", b"b"]), "[1 [a]] [1 2] [a b]"),
        ("%v %x", ({b"b": 1, b"a": [None]}, {b"k": b"v"}), "map[a:[<nil>] b:1] map[6b:76]"),
        ("%v %d %s", (Span(90), Span(90), Span(90)), "1m30s 90 1m30s"),
        ("%q %x", (Span(90), Version()), '"1m30s" 7631'),
        ("%v %+v", (Pair(b"c", 1), Pair(b"c", 1)), "{c 1} {Cert:c Key:1}"),
        ("%v %+v", (Pointer(b"c", 1), Pointer(None, 1)), "&{c 1} &{Cert:<nil> Key:1}"),
        ("%d", ([Span(1), None],), "[1 <nil>]"),
        ("%p %#p", ([1], {}), "0xc000010000 c000010000"),
        ("%v %d", ([Pointer(1, 2)], [Pointer(1, 2)]), "[0xc000010000] [824633786368]"),
    ],
)
def test_verbs(form: str, values: tuple[Any, ...], text: str) -> None:
    assert printed(form, *values) == text.encode()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b'a"b', r'"a\"b"'),
        (None, "<nil>"),
        (1, "1"),
        (1e6, "1e+06"),
        (Uint8(65), "0x41"),
        (Uint32(255), "0xff"),
        (Uint64(2**64 - 1), "0xffffffffffffffff"),
        (Int32(-1), "-1"),
        (Span(90), "90"),
        ([1, b"a", None], '[]interface {}{1, "a", interface {}(nil)}'),
        (Strings([b"a", b"b"]), '[]string{"a", "b"}'),
        (NilStrings(), "[]string(nil)"),
        (NilList(), "[]interface {}(nil)"),
        (Ints([1]), "[]int{1}"),
        (Lists([[1], []]), "[][]interface {}{[]interface {}{1}, []interface {}{}}"),
        ({b"b": 1, b"a": {}}, 'map[string]interface {}{"a":map[string]interface {}{}, "b":1}'),
        (StringMap({b"a": b"b"}), 'map[string]string{"a":"b"}'),
        (Pair(b"c", None), 'test.Pair{Cert:"c", Key:interface {}(nil)}'),
        (Pointer(1, 2), "&test.Pair{Cert:1, Key:2}"),
        ([Pointer(1, 2)], "[]interface {}{(*test.Pair)(0xc000010000)}"),
    ],
)
def test_source_form(value: Any, text: str) -> None:
    assert printed("%#v", value) == text.encode()


@pytest.mark.parametrize(
    ("form", "values", "text"),
    [
        ("[%5d|%-5d|%05d|%-05d|%+d|% d]", (42, 42, -42, 42, 42, 42), "[   42|42   |-0042|42   |+42| 42]"),
        ("[%.3d|%6.3d|%06.3d|%.0d|%3.0d|%.d]", (7, 7, 7, 0, 0, 0), "[007|   007|   007||   |]"),
        ("[%#x|%#X|%#o|%#b|%#o|%#08x]", (255, 255, 8, 5, 0, 255), "[0xff|0XFF|010|0b101|0|0x000000ff]"),
        ("[%5s|%-5s|%05s|%.2s|%5.1s]", (b"abc",) * 5, "[  abc|abc  |00abc|ab|    a]"),
        ("[%4s|%.1s|%-3s|]", ("世界".encode(), "世界".encode(), b"\xc3\xa9"), "[  世界|世|é  |]"),
        (
            "[%#x|% x|%# X|%.1x|%6x|%-6x|%6x]",
            (b"hi",) * 6 + (b"",),
            "[0x6869|68 69|0X68 0X69|68|  6869|6869  |      ]",
        ),
        ("[%#q|%#q|%+q|%6q]", (b"raw", b"`", "é".encode(), b"a"), '[`raw`|"`"|"\\u00e9"|   "a"]'),
        (
            "[%8.3f|%-8.3f|%08.3f|%+.1f|% .1f|%.0f]",
            (3.14159, 3.14159, -3.14159, 1.0, 1.0, 2.5),
            "[   3.142|3.142   |-003.142|+1.0| 1.0|2]",
        ),
        (
            "[%#g|%#.3g|%#.0f|%#.0e|%#x|%#v]",
            (1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
            "[1.00000|1.00|1.|1.e+00|0x1.0000p+00|1]",
        ),
        (
            "[%5v|%05v|%+v|% v|%-6v|%6v]",
            (_INF, -_INF, _NAN, _NAN, _NAN, _INF),
            "[ +Inf| -Inf|NaN| NaN|NaN   |  +Inf]",
        ),
        (
            "[%6t|%-6t|%5v|%3c|%-3c|%8U]",
            (True, False, None, 65, 65, 65),
            "[  true|false |<nil>|  A|A  |  U+0041]",
        ),
        ("[%3d|%6.1f]", ([1, 22], [1.0, 2.0]), "[[  1  22]|[   1.0    2.0]]"),
        ("[%*d|%-*d|%.*f|%*.*f|%*d]", (4, 1, 4, 1, 2, 1.0, 6, 1, 1.0, -4, 1), "[   1|1   |1.00|   1.0|1   ]"),
        ("%[2]d %[1]d %d", (1, 2), "2 1 2"),
        ("%[3]*.[2]*[1]f", (12.0, 2, 6), " 12.00"),
        ("%.[2]*[1]f", (1.5, 0), "2"),
        ("%6T|%.3T|%.1T", (b"", 1, None), "string|int|<nil>"),
    ],
)
def test_flags_widths_and_indexes(form: str, values: tuple[Any, ...], text: str) -> None:
    assert printed(form, *values) == text.encode()


@pytest.mark.parametrize(
    ("form", "values", "text"),
    [
        ("%d", (b"x",), "%!d(string=x)"),
        ("%s|%t|%f", (1, 2, 3), "%!s(int=1)|%!t(int=2)|%!f(int=3)"),
        ("%d %s", (1.5, True), "%!d(float64=1.5) %!s(bool=true)"),
        ("%d", (None,), "%!d(<nil>)"),
        ("%d", ([b"a", None, 1],), "[%!d(string=a) <nil> 1]"),
        ("%d", ({b"k": 1.5},), "map[%!d(string=k):%!d(float64=1.5)]"),
        ("%t", (Span(90),), "%!t(time.Duration=90)"),
        ("%d", (Version(),), "{}"),
        ("%5d|%#d", (b"x", 1.0), "%!d(string=    x)|%!d(float64=1.00000)"),
        ("%w|%w", (b"x", [1]), "%!w(string=x)|%!w([]interface {}=[1])"),
        ("%p", (1,), "%!p(int=1)"),
        ("%q", ([Pointer(1, 2)],), "[%!q(*test.Pair=&{1 2})]"),
        ("%d %d", (1,), "1 %!d(MISSING)"),
        ("text", (1, None, b"a"), "text%!(EXTRA int=1, <nil>, string=a)"),
        ("%[1]d", (1, 2), "1"),
        ("%[3]d %[0]d %[x]d %[]d", (1, 2), "%!d(BADINDEX) %!d(BADINDEX) %!d(BADINDEX) %!d(BADINDEX)"),
        ("%[1]2d|%[1].2d", (1,), "%!d(BADINDEX)|%!d(BADINDEX)"),
        ("%[1", (1,), "%!(NOVERB)"),
        ("%*d", (b"x", 1), "%!(BADWIDTH)1"),
        ("%*d", (1_000_001, 1), "%!(BADWIDTH)1"),
        ("%.*d", (-1, 1), "%!(BADPREC)1"),
        ("%.*d", (Uint64(2**64 - 1), 1), "%!(BADPREC)1"),
        ("%*", (), "%!(BADWIDTH)%!(NOVERB)"),
        ("100%", (), "100%!(NOVERB)"),
        ("%-", (1,), "%!(NOVERB)%!(EXTRA int=1)"),
        ("%.", (1,), "%!.(int=1)"),
        ("%99999999d", (1,), "%!(NOVERB)%!(EXTRA int=1)"),
        ("%z %!", (1, 2), "%!z(int=1) %!!(int=2)"),
        ("%é", (1,), "%!é(int=1)"),
    ],
)
def test_complaints(form: str, values: tuple[Any, ...], text: str) -> None:
    assert printed(form, *values) == text.encode()


def test_bytes_that_are_no_text_pass_through() -> None:
    assert printed(b"\xff%s\xc3", b"\xfe") == b"\xff\xfe\xc3"
    assert printed(b"%5s|%.1s", b"\xff", b"\xff\xfe") == b"    \xff|\xff"
    assert printed(b"%\xff", 1) == "%!\ufffd(int=1)".encode()


def test_widths_are_accounted_for() -> None:
    with pytest.raises(BoundExceeded, match="beyond 100 bytes"):
        sprintf(b"%101d", [1], Budget(Limits(size=100)))
    with pytest.raises(BoundExceeded, match="together grow beyond 150"):
        sprintf(b"%80d%80d", [1, 2], Budget(Limits(total=150)))
    assert len(printed("%1000000d", 1)) == 1_000_000


def test_text_does_not_outgrow_a_value() -> None:
    with pytest.raises(BoundExceeded, match="more than 10 bytes"):
        sprintf(b"%.11d", [1], Budget(Limits(size=10)))
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(BoundExceeded, match="nested"):
        printed("%v", endless)


def test_long_forms_and_lists_take_steps() -> None:
    with pytest.raises(BoundExceeded, match="more than 50 steps"):
        sprintf(b"%%" * 51, [], Budget(Limits(steps=50)))
    with pytest.raises(BoundExceeded, match="more than 50 steps"):
        sprintf(b"%v", [[1] * 51], Budget(Limits(steps=50)))


def test_precision_beyond_all_digits_costs_nothing() -> None:
    started = time.process_time()
    assert printed("%.1000000g", [0.5] * 2000) == b"[" + b" ".join([b"0.5"] * 2000) + b"]"
    assert time.process_time() - started < 2


@pytest.mark.parametrize("form", ["%[", "%[1", "%[%"])
def test_brackets_that_never_close_take_no_time_to_speak_of(form: str) -> None:
    started = time.process_time()
    assert printed(form * 100_000)
    assert time.process_time() - started < 2
