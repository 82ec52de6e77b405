"""`sealbridge template render`: what is printed, and what goes wrong in words."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from tests.canary import Canary
from tests.unit.cli.conftest import Run

VALUES = "user: bob\ncount: 1000000\nlist: [a, b]\n"


def test_a_template_is_rendered_over_values(run: Run, tmp_path: Path) -> None:
    (tmp_path / "t.tmpl").write_text("{{ .user | upper }}: {{ join `,` .list }} {{ .none }}")
    (tmp_path / "values.yaml").write_text(VALUES)
    outcome = run("template", "render", "-f", "t.tmpl", "--values", "values.yaml")
    assert (outcome.code, outcome.out, outcome.err) == (0, "BOB: a,b <no value>", "")


def test_numbers_are_those_of_json(run: Run, tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text(VALUES)
    outcome = run(
        "template", "render", "-f", "-", "--values", "values.yaml", stdin="{{ .count }} {{ typeOf .count }}"
    )
    assert outcome.out == "1e+06 float64"


def test_without_values_the_map_is_empty(run: Run) -> None:
    assert run("template", "render", "-f", "-", stdin="{{ . }}{{ len . }}").out == "map[]0"


def test_an_empty_file_of_values_is_an_empty_map(run: Run, tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("# none yet\n")
    assert run("template", "render", "-f", "-", "--values", "values.yaml", stdin="{{ len . }}").out == "0"


def test_a_secret_gives_its_items_as_a_template_of_a_secret_gets_them(run: Run, tmp_path: Path) -> None:
    binary = base64.b64encode(b"\xff\x00").decode()
    (tmp_path / "secret.yaml").write_text(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n"
        f"data: {{blob: {binary}}}\nstringData: {{password: hunter2}}\n"
    )
    source = '{{ .password }} {{ typeOf . }} {{ len .blob }}{{ index . "none" }}'
    outcome = run("template", "render", "-f", "-", "--values", "secret.yaml", stdin=source)
    assert outcome.out == "hunter2 map[string]string 2"


def test_values_may_come_from_stdin_when_the_template_does_not(run: Run, tmp_path: Path) -> None:
    (tmp_path / "t.tmpl").write_text("{{ .user }}")
    assert run("template", "render", "-f", "t.tmpl", "--values", "-", stdin=VALUES).out == "bob"
    outcome = run("template", "render", "-f", "t.tmpl", "--values", "-", stdin=f"{VALUES}---\n{VALUES}")
    assert outcome.err.startswith("error: stdin: it holds 2 documents")
    outcome = run("template", "render", "-f", "-", "--values", "-", stdin=VALUES)
    assert outcome.code == 2
    assert outcome.err.startswith("error: the template and its values cannot both come from stdin\nhint: ")


def test_what_is_written_is_for_its_owner_only(run: Run, tmp_path: Path) -> None:
    outcome = run("template", "render", "-f", "-", "-w", "out.bin", stdin='{{ "\\xff" }}x')
    assert (outcome.code, outcome.out) == (0, "")
    assert (tmp_path / "out.bin").read_bytes() == b"\xffx"
    assert stat.S_IMODE((tmp_path / "out.bin").stat().st_mode) == 0o600


def test_other_delimiters(run: Run) -> None:
    outcome = run("template", "render", "--delimiters", "<<", ">>", "-f", "-", stdin="{{ x }} << 1 >>")
    assert outcome.out == "{{ x }} 1"


@pytest.mark.parametrize(
    ("source", "arguments", "error"),
    [
        ("a\n{{ .x | nosuch }}", (), "error: stdin:2:9: there is no function `nosuch`\n"),
        (
            "{{ .x }}",
            ("--missing", "error"),
            "error: stdin:1:4: there is no key `x`, in `.x`\nhint: there are none\n",
        ),
        ("{{ fail `stop` }}", (), "error: stdin:1:4: stop, in `fail `stop``\n"),
        ("", ("--values", "none.yaml"), "error: none.yaml: cannot read it: no such file or directory\n"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_printed(
    run: Run, source: str, arguments: tuple[str, ...], error: str
) -> None:
    outcome = run("template", "render", "-f", "-", *arguments, stdin=source)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith(error)


def test_nothing_is_written_when_it_fails(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("before")
    assert run("template", "render", "-f", "-", "-w", "out", stdin="text {{ fail `x` }}").code == 1
    assert (tmp_path / "out").read_text() == "before"


def test_values_of_several_documents_are_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("a: x\n---\nb: y\n")
    outcome = run("template", "render", "-f", "-", "--values", "values.yaml")
    assert outcome.err.startswith("error: values.yaml: it holds 2 documents, where one map is expected\n")


def test_a_template_that_is_not_there_or_too_large(run: Run, tmp_path: Path) -> None:
    assert (
        "none.tmpl: cannot read the template: no such file"
        in run("template", "render", "-f", "none.tmpl").err
    )
    (tmp_path / "huge").write_bytes(b"x" * ((4 << 20) + 1))
    assert "huge: the template is larger than 4 MiB" in run("template", "render", "-f", "huge").err


def test_a_command_is_asked_for(run: Run) -> None:
    outcome = run("template")
    assert outcome.code == 2
    assert "hint: sealbridge template render -f FILE" in outcome.err


def test_no_value_is_told_with_an_error(run: Run, tmp_path: Path, canary: Canary) -> None:
    value = canary("values file")
    canary.output(tmp_path / "values.yaml").write_text(f"a: {value}\n")
    outcome = run("template", "render", "-f", "-", "--values", "values.yaml", stdin="{{ .a }}{{ fail .a }}")
    assert outcome.code == 1
    assert "the template fails on purpose" in outcome.err
    assert value not in outcome.err + outcome.out
