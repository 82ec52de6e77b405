from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sealbridge import __version__
from sealbridge_cli import main as command_line
from sealbridge_cli import version
from sealbridge_cli.main import COMMANDS, build_parser
from tests.unit.cli.conftest import PLAIN, Run

SCRIPT = [sys.executable, "-c", "import sys; from sealbridge_cli.main import run; sys.exit(run())"]


def test_help_lists_every_command_and_goes_to_stdout(run: Run) -> None:
    for arguments in (["--help"], ["-h"], ["help"]):
        outcome = run(*arguments)
        assert (outcome.code, outcome.err) == (0, "")
        for name, entry in COMMANDS.items():
            assert re.search(rf"^  {name} +{re.escape(entry.help)}$", outcome.out, re.MULTILINE)


def test_no_command_at_all_shows_the_help_and_is_a_usage_error(run: Run) -> None:
    outcome = run()
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == run("--help").out.rstrip() + "\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_has_an_example_that_parses(name: str) -> None:
    text = build_parser(name).format_help()
    assert re.search(r"^examples?:$", text, re.MULTILINE)
    assert f"  sealbridge {name}" in text or f"sealbridge {name}" in text


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("sael", "did you mean 'seal'?"),
        ("unsela", "did you mean 'unseal'?"),
        ("xyzzy", "sealbridge --help lists"),
    ],
)
def test_an_unknown_command_is_a_usage_error_with_the_closest_one(run: Run, typed: str, meant: str) -> None:
    outcome = run(typed)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: there is no command '{typed}'\nhint: {meant}")


@pytest.mark.parametrize(
    "arguments",
    [
        ["seal", "--wrong"],
        ["seal", "--scope", "wide"],
        ["seal", "--ce", "x"],
        ["unseal"],
        ["keys"],
        ["keys", "init"],
        ["keys", "init", "--dir", "x", "--size", "big"],
        ["keys", "init", "--dir", "x", "--size", "1024"],
        ["keys", "init", "--dir", "x", "--valid-days", "0"],
        ["keys", "init", "--dir", "x", "-n", "Not.One"],
        ["seal", "-n", "a.b"],
        ["seal", "-w", ""],
        ["unseal", "--key", "x", "-n", "ns/a"],
        ["sync", "--source", "x", "--output", "y", "-n", "../../x"],
        ["completion", "fish"],
        ["version", "extra"],
        ["cert", "--pem", "-o", "json"],
    ],
)
def test_wrong_usage_is_an_error_line_a_hint_line_and_exit_code_2(run: Run, arguments: list[str]) -> None:
    outcome = run(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    error, hint = outcome.err.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: sealbridge ")


def test_the_version_is_printed(run: Run) -> None:
    for arguments in (["version"], ["--version"], ["-V"]):
        assert run(*arguments) == (0, f"sealbridge {__version__}\n", "")


@pytest.mark.parametrize(
    "command",
    [
        ["kubeseal", "--raw", "-n", "a", "--name", "\udcff"],
        ["kubeseal", "--raw", "-n", "a", "--name", "b", "--scope", "namespace-wide", "-n", "\udcff"],
        ["seal", "--name", "a", "-n", "b", "--from-literal", "a=b", "--label", "a=\udcff"],
        ["seal", "--name", "a", "-n", "b", "--from-literal", "a=b", "--type", "\udcff"],
    ],
)
def test_bytes_that_are_no_text_are_refused_where_text_is_needed(
    run: Run, cert: str, command: list[str]
) -> None:
    outcome = run(*command, "--cert", cert)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "error: the command line has bytes that are not UTF-8\n"


def test_a_defect_of_ours_shows_neither_traceback_nor_text(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(args: object) -> int:
        raise KeyError("correct horse")

    monkeypatch.setattr(version, "run", broken)
    outcome = run("version")
    assert outcome.code == 1
    assert re.match(r"error: internal error: KeyError in test_main\.py, line \d+\nhint: ", outcome.err)
    monkeypatch.setenv("SEALBRIDGE_DEBUG", "1")
    debugged = run("version")
    assert "in broken" in debugged.err
    assert "horse" not in (outcome.err + debugged.err).replace('raise KeyError("correct horse")', "")


def test_the_system_refusing_something_is_an_error_with_the_file(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(args: object) -> int:
        raise PermissionError(13, "Permission denied", "/some/file")

    monkeypatch.setattr(version, "run", refused)
    assert run("version") == (1, "", "error: /some/file: permission denied\n")


def test_debugging_shows_where_an_error_was_raised(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALBRIDGE_DEBUG", "1")
    outcome = run("seal")
    assert outcome.code == 2
    assert "traceback:" in outcome.err
    assert "UsageError: no sealing certificate is given" in outcome.err


def test_an_interrupt_ends_it_quietly(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(args: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(version, "run", interrupted)
    assert run("version") == (130, "", "interrupted\n")


def test_an_interrupt_while_it_reads_stdin_leaves_no_traceback(cert: str) -> None:
    process = subprocess.Popen(
        [*SCRIPT, "seal", "--cert", cert],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )
    assert process.stdin is not None
    # More than a pipe holds: that this returns means that it is reading.
    process.stdin.write(b"# comment\n" * 20_000)
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (130, b"", b"interrupted\n")


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path, cert: str) -> None:
    many = tmp_path / "many.yaml"
    many.write_text("---\n".join(PLAIN for _ in range(400)))
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as gone:
        ended = subprocess.run(
            [*SCRIPT, "seal", "--cert", cert, "-f", str(many)],
            stdout=gone,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (1, b"")


@pytest.mark.parametrize("arguments", [["--help"], ["seal", "--help"], ["version"]])
def test_output_that_nobody_can_take_is_an_error_and_no_traceback(arguments: list[str]) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        ended = subprocess.run([*SCRIPT, *arguments], stdout=full, stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stderr) == (1, b"error: no space left on device\n")


def test_the_name_of_stdout_appends_where_the_shell_appends(tmp_path: Path, cert: str) -> None:
    together = tmp_path / "together.yaml"
    together.write_text("first\n")
    with together.open("ab") as stream:
        command = [*SCRIPT, "seal", "--cert", cert, "-w", "/dev/stdout"]
        subprocess.run(command, input=PLAIN.encode(), stdout=stream, check=True)
    assert together.read_text().startswith("first\n---\n")


@pytest.mark.parametrize("arguments", [["--help"], ["seal", "--help"], ["version"]])
def test_no_stdout_at_all_is_an_error(arguments: list[str]) -> None:
    ended = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *SCRIPT, *arguments], stderr=subprocess.PIPE, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(b"error: there is no stdout to write to\nhint: ")


def test_words_are_printed_under_a_locale_that_cannot_hold_them(tmp_path: Path) -> None:
    ended = subprocess.run(
        [*SCRIPT, "sé\x1b[2Jal"],
        capture_output=True,
        check=False,
        env={**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert ended.returncode == 2
    assert b"\x1b" not in ended.stderr
    assert ended.stderr.startswith(b"error: there is no command 's\\")
    assert b"\\x1b[2Jal'\nhint: " in ended.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_scripts_know_every_command_and_its_options(run: Run, shell: str) -> None:
    outcome = run("completion", shell)
    assert outcome.code == 0, outcome.err
    for name in COMMANDS:
        assert name in outcome.out
    assert "--scope" in outcome.out or "scope" in outcome.out


def test_the_shell_completes_commands_options_and_files(run: Run, tmp_path: Path) -> None:
    (tmp_path / "completion.bash").write_text(run("completion", "bash").out)
    (tmp_path / "secret-file.yaml").write_text("")

    def completed(line: str) -> list[str]:
        words = line.split(" ")
        script = (
            "source completion.bash; COMP_WORDS=(" + " ".join(f"'{word}'" for word in words) + "); "
            f"COMP_CWORD={len(words) - 1}; _shtab_sealbridge; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        )
        ended = subprocess.run(
            ["bash", "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path
        )
        return ended.stdout.split()

    assert completed("sealbridge uns") == ["unseal"]
    assert completed("sealbridge seal --sc") == ["--scope"]
    assert completed("sealbridge seal --scope n") == ["namespace-wide"]
    assert completed("sealbridge seal -f secret-") == ["secret-file.yaml"]
    assert completed("sealbridge keys ini") == ["init"]


def test_completion_without_its_package_says_what_to_install(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    outcome = run("completion", "bash")
    assert outcome.code == 1
    assert "hint: pip install 'sealbridge[completion]'" in outcome.err


def test_sealing_imports_nothing_that_it_does_not_use(tmp_path: Path, cert: str) -> None:
    plain = tmp_path / "plain.yaml"
    plain.write_text(PLAIN)
    check = (
        "import sys; from sealbridge_cli.main import main; code = main(sys.argv[1:]); "
        "sys.stderr.write('\\n'.join(sys.modules)); sys.exit(code)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", check, "seal", "--cert", cert, "-f", str(plain)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "kind: SealedSecret" in ended.stdout
    loaded = set(ended.stderr.splitlines())
    assert "sealbridge.sealing.envelope" in loaded
    unwanted = {
        "aiohttp", "asyncio", "click", "cryptography.hazmat.primitives.serialization", "cryptography.x509",
        "email", "http.client", "json", "kopf", "kubernetes", "logging", "msgspec", "pathlib", "rich",
        "sealbridge.reconcile", "sealbridge.sealing.keys", "sealbridge.stores", "sealbridge.templates",
        "secrets", "socket", "ssl", "subprocess", "tempfile", "traceback", "urllib.request",
    }  # fmt: skip
    assert not loaded & unwanted


def test_every_command_is_a_module_with_both_functions() -> None:
    for name in COMMANDS:
        module = command_line._load(name)
        assert callable(module.configure)
        assert callable(module.run)
