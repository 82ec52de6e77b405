"""The env format, checked against a real shell."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealbridge.errors import ManifestError
from sealbridge.local import envfile
from sealbridge.secret import Value

LITERAL = 'a $HOME `id` $(id) "quoted" # \n two ${lines}'
AWKWARD = 'it\'s "quoted" $HOME `id` \\ \\n\n\ttwo lines $(id) # no comment = ünï🔑 \r end '


def values(**items: str) -> dict[str, Value]:
    return {key: Value(text.encode()) for key, text in items.items()}


def test_a_shell_reads_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "app.env"
    path.write_bytes(envfile.dump(values(AWKWARD=AWKWARD, EMPTY="", _x1="plain", LITERAL=LITERAL)))

    script = '. "$0"; printf "%s|%s|%s|%s" "$AWKWARD" "$EMPTY" "$_x1" "$LITERAL"'
    output = subprocess.run(["sh", "-euc", script, str(path)], capture_output=True, check=True).stdout

    assert output.decode() == f"{AWKWARD}||plain|{LITERAL}"


def test_the_text_is_in_order_and_quoted() -> None:
    assert envfile.dump(values(B='a"b', A="$x'")) == b'A="\\$x\'"\nB="a\\"b"\n'


@pytest.mark.parametrize("text", ["pa$$w0rd", "`id`", "${HOME}", 'a "$b"\n# c'])
def test_what_a_shell_would_expand_stands_in_single_quotes(text: str) -> None:
    assert envfile.dump(values(A=text)) == f"A='{text}'\n".encode()


@pytest.mark.parametrize("text", ["$a'b", "`a\\b`", "\\$", "it's", "a\\b"])
def test_what_cannot_stand_in_single_quotes_is_escaped(text: str) -> None:
    assert envfile.dump(values(A=text)).startswith(b'A="')


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True),
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    )
)
def test_what_is_written_is_read_back(items: dict[str, str]) -> None:
    assert envfile.load(envfile.dump(values(**items))) == values(**items)


@pytest.mark.parametrize("key", ["with-dash", "1st", "", "a.b", "é", "a b", "a=b", "a\n"])
def test_a_key_that_is_no_variable_is_named(key: str) -> None:
    with pytest.raises(ManifestError, match="cannot be the name of an environment variable") as caught:
        envfile.dump({key: Value(b"hush-hush")})
    assert f'"{key}"' in caught.value.what
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(("data", "reason"), [(b"hush\0", "zero byte"), (b"hush\xff", "not UTF-8")])
def test_a_value_that_does_not_fit_is_named_and_not_shown(data: bytes, reason: str) -> None:
    with pytest.raises(ManifestError, match=reason) as caught:
        envfile.dump({"KEY": Value(data)})
    assert '"KEY"' in caught.value.what
    assert (
        "hush"
        not in f"{caught.value!r} {caught.value.hint} {caught.value.__cause__} {caught.value.__context__}"
    )


@pytest.mark.parametrize(
    "data", [b"A=b\n", b'A="$x"\n', b"A='a'b'\n", b'A="b"', b'A="b"\nrest\n', b"\xff", b'A="\\n"\n']
)
def test_what_it_has_not_written_it_does_not_read(data: bytes) -> None:
    with pytest.raises(ManifestError, match="not an env file that sealbridge wrote"):
        envfile.load(data)
