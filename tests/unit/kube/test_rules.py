"""One table of violations: what CEL refuses, and what the reconciler says of them.

What the schema refuses is tried on a real API server.
"""

from __future__ import annotations

from typing import Any

import cel
import pytest
import yaml

from sealbridge.errors import ManifestError
from sealbridge.kube import crds
from sealbridge.kube.rules import RULES
from sealbridge.reconcile.result import Outcome
from sealbridge.sync.model import parse
from tests.passes import Operator
from tests.violations import ALLOWED, VIOLATIONS, Violation, manifest
from tests.worlds import World, fake_store


def rules_of(schema: dict[str, Any]) -> list[tuple[tuple[str, ...], dict[str, str]]]:
    """Every rule in a schema with the path of its part."""
    found = [((), rule) for rule in schema.get("x-kubernetes-validations", ())]
    for name, part in schema.get("properties", {}).items():
        found += [((name, *path), rule) for path, rule in rules_of(part)]
    return found


def written() -> list[tuple[tuple[str, ...], dict[str, str]]]:
    text = crds.files()["cel/externalsecrets.external-secrets.io.yaml"]
    (version, old) = yaml.safe_load(text)["spec"]["versions"]
    rules = rules_of(version["schema"]["openAPIV3Schema"]["properties"]["spec"])
    assert rules == rules_of(old["schema"]["openAPIV3Schema"]["properties"]["spec"])
    return rules


def refused(spec: dict[str, Any]) -> list[str]:
    """The messages of the rules that a spec does not keep, as an API server finds them: part by part."""
    messages = []
    for path, rule in written():
        part: Any = spec
        for name in path:
            part = part.get(name) if isinstance(part, dict) else None
        if part is not None and cel.evaluate(rule["rule"], {"self": part}) is not True:
            messages.append(rule["message"])
    return messages


def test_every_rule_is_written_for_both_versions() -> None:
    assert len(written()) == len(RULES)


@pytest.mark.parametrize("violation", VIOLATIONS, ids=lambda violation: violation.name)
def test_a_rule_refuses_what_it_says_it_refuses(violation: Violation) -> None:
    assert len(refused(manifest(violation.spec)["spec"])) == int(violation.cel)


@pytest.mark.parametrize("spec", ALLOWED)
def test_nobody_refuses_a_near_miss(spec: dict[str, Any]) -> None:
    assert refused(manifest(spec)["spec"]) == []
    parse(manifest(spec))


def test_rules_take_the_place_of_what_the_schema_says_and_nothing_else_changes() -> None:
    files = crds.files()
    plain, explained = (
        yaml.safe_load(files[f"{folder}externalsecrets.external-secrets.io.yaml"]) for folder in ("", "cel/")
    )
    for version, other in zip(plain["spec"]["versions"], explained["spec"]["versions"], strict=True):
        spec, rules = (one["schema"]["openAPIV3Schema"]["properties"]["spec"] for one in (version, other))
        for rule in RULES:
            for part, words in ((spec, ("anyOf", "not")), (rules, ("x-kubernetes-validations",))):
                inner = part
                for name in filter(None, rule.path.split(".")):
                    inner = inner["properties"][name]
                for word in words:
                    inner.pop(word, None)
    assert plain == explained


def test_every_rule_refuses_something() -> None:
    messages = {message for violation in VIOLATIONS for message in refused(manifest(violation.spec)["spec"])}
    assert messages == {rule.message for rule in RULES}


@pytest.mark.parametrize("violation", VIOLATIONS, ids=lambda violation: violation.name)
async def test_the_reconciler_reports_the_violation_as_a_condition(
    world: World, violation: Violation
) -> None:
    world.write("all.yaml", fake_store("fake", {"a": "1"}), manifest(violation.spec))
    operator = Operator(world)

    result = await operator.reconcile()

    assert (result.outcome, result.retry) == (Outcome.FAILED, False)
    ready = await operator.ready()
    assert (ready["status"], ready["reason"]) == ("False", "SecretSyncedError")
    assert violation.says in ready["message"]
    with pytest.raises(ManifestError):
        parse(manifest(violation.spec))
