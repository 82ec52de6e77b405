"""Flags are read as pflag reads them, and variables before them."""

from __future__ import annotations

import pytest

from sealbridge_cli.kubeseal.flags import FLAGS, FlagError, HelpWanted, parse, usage
from tests.unit.cli.conftest import Run


@pytest.mark.parametrize(
    "arguments",
    [
        ["--format=yaml"],
        ["--format", "yaml"],
        ["-oyaml"],
        ["-o=yaml"],
        ["-o", "yaml"],
        ["-o", "json", "-oyaml"],
        ["positional", "--format=yaml", "another"],
        ["--format=yaml", "--", "--format=json"],
    ],
)
def test_every_way_to_write_a_value(arguments: list[str]) -> None:
    assert parse(arguments, {}).text("format") == "yaml"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--raw"], True),
        (["--raw=true"], True),
        (["--raw=T"], True),
        (["--raw=1"], True),
        (["--raw", "false"], True),
        (["--raw=false"], False),
        (["--raw=0"], False),
        (["--raw", "--raw=F"], False),
        ([], False),
    ],
)
def test_switches_take_a_value_behind_an_equals_sign_alone(arguments: list[str], expected: bool) -> None:
    assert parse(arguments, {}).on("raw") is expected


def test_lists_are_repeated_or_parted_by_commas() -> None:
    flags = parse(["--from-file=a,b", "--from-file", "k=c", "--recovery-private-key", '"x,y",z'], {})
    assert flags.list("from-file") == ["a", "b", "k=c"]
    assert flags.list("recovery-private-key") == ["x,y", "z"]


@pytest.mark.parametrize("prefix", ["", "ns/", "namespace/", "namespaces/"])
def test_a_namespace_may_carry_its_kind(prefix: str) -> None:
    assert parse(["-n", f"{prefix}shop"], {}).text("namespace") == "shop"


def test_the_old_name_of_re_encrypt_is_taken_with_a_word() -> None:
    flags = parse(["--rotate"], {})
    assert flags.on("re-encrypt")
    assert flags.deprecated == ["Flag --rotate has been deprecated, please use --re-encrypt instead"]


def test_flags_of_the_log_are_taken() -> None:
    parse(["-v", "5", "-v=9", "-v3", "--v=2", "--logtostderr", "--stderrthreshold=2", "--vmodule", "x=1"], {})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--nothing"], "unknown flag: --nothing"),
        (["--nothing=1"], "unknown flag: --nothing"),
        (["-zoyaml"], "unknown shorthand flag: 'z' in -zoyaml"),
        (["--name"], "flag needs an argument: --name"),
        (["-n"], "flag needs an argument: 'n' in -n"),
        (["--=x"], "bad flag syntax: --=x"),
        (
            ["--raw=maybe"],
            'invalid argument "maybe" for "--raw" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
        ),
        (
            ["-v", "loud"],
            'invalid argument "loud" for "-v, --v" flag: strconv.ParseInt: parsing "loud": invalid syntax',
        ),
        (
            ["--scope=wide"],
            (
                'invalid argument "wide" for "--scope" flag: '
                "must be one of: strict, namespace-wide, cluster-wide"
            ),
        ),
    ],
)
def test_what_cannot_be_understood_is_told_in_pflags_words(arguments: list[str], message: str) -> None:
    with pytest.raises(FlagError) as caught:
        parse(arguments, {})
    assert str(caught.value) == message


@pytest.mark.parametrize("argument", ["-h", "--help"])
def test_help_is_asked_for(argument: str) -> None:
    with pytest.raises(HelpWanted):
        parse([argument], {})


def test_variables_are_read_first_and_bad_ones_passed_over() -> None:
    environment = {
        "SEALED_SECRETS_FORMAT": "yaml",
        "SEALED_SECRETS_CONTROLLER_NAMESPACE": "flux-system",
        "SEALED_SECRETS_RAW": "maybe",
        "SEALED_SECRETS_SCOPE": "nonsense",
        "SEALED_SECRETS_ALLOW_EMPTY_DATA": "1",
        "SEALED_SECRETS_FROM_FILE": "a",
        "SEALED_SECRETS_V": "nonsense",
    }
    flags = parse(["--controller-namespace=mine", "--from-file=b"], environment)
    assert flags.text("format") == "yaml"
    assert flags.text("controller-namespace") == "mine"
    assert not flags.on("raw")
    assert flags.text("scope") == ""
    assert flags.on("allow-empty-data")
    assert flags.list("from-file") == ["a", "b"]
    assert "controller-namespace" in flags.given
    assert "controller-name" not in flags.given


def test_tokens_are_not_in_the_repr() -> None:
    assert "hunter2" not in repr(parse(["--token=hunter2"], {}))


def test_usage_goes_to_stdout_and_the_complaint_to_stderr(kubeseal: Run) -> None:
    outcome = kubeseal("--nothing")
    assert (outcome.code, outcome.out, outcome.err) == (2, usage(), "unknown flag: --nothing\n")
    outcome = kubeseal("-h")
    assert (outcome.code, outcome.out, outcome.err) == (0, usage(), "")
    for flag in FLAGS:
        assert flag.deprecated or f"--{flag.name}" in outcome.out


def test_the_version_is_that_of_the_kubeseal_it_behaves_like(kubeseal: Run) -> None:
    outcome = kubeseal("--version", "--validate")
    assert (outcome.code, outcome.out) == (0, "kubeseal version: 0.38.4\n")
