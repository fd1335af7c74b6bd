from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files

import jsonschema
from report.samples import EPISODES, bad_report, clean_report, rulebook, subject

from embodied_kit.canonical import parse_json
from embodied_kit.model.outcomes import outcomes_of
from embodied_kit.model.report import Outcome
from embodied_validators.report import FORMATS, Request, render_json
from embodied_validators.report.fingerprint import fingerprints


def schema() -> dict[str, object]:
    found: dict[str, object] = json.loads(
        files("embodied_validators.report").joinpath("report.schema.json").read_bytes()
    )
    return found


def test_it_satisfies_its_own_schema_and_strict_json() -> None:
    validator = jsonschema.Draft202012Validator(schema())
    validator.check_schema(schema())
    for report in (bad_report(), clean_report()):
        data = render_json(report, rulebook(), subject())
        assert parse_json(data).problem == ""
        assert list(validator.iter_errors(json.loads(data))) == []


def test_the_schema_refuses_a_wrong_document() -> None:
    document = json.loads(render_json(bad_report(), rulebook(), subject()))
    document["findings"][0]["place"]["start_ns"] = 12
    assert list(jsonschema.Draft202012Validator(schema()).iter_errors(document))


def test_groups_and_findings_say_the_same() -> None:
    document = json.loads(render_json(bad_report(), rulebook(), subject()))
    assert [item["fingerprint"] for item in document["findings"]] == list(fingerprints(bad_report().findings))
    lost = document["groups"][0]
    assert (lost["rule_id"], lost["findings_n"], lost["spans_n"]) == ("TM-07", 3, 3)
    assert lost["worst"]["measured"] == 0.0772
    assert lost["worst"]["place"]["start_ns"] == str(bad_report().findings[2].place.start_ns)
    excluded = [item for item in document["findings"] if item["excluded"]]
    assert [item["place"]["episode"] for item in excluded] == [EPISODES[3]]
    assert document["verdict"]["failed"] == ["TM-07", "TM-08"]
    assert document["verdict"]["tally"]["L2"] == {
        "failed": 2,
        "undetermined": 3,
        "warned": 1,
        "waived": 0,
        "passed": 3,
        "not_applicable": 0,
    }


def test_outcomes_stay_few_whatever_the_number_of_episodes() -> None:
    report = bad_report()
    scopes = [f"episode-{n}" for n in range(300)]
    many = outcomes_of(Outcome("CT-07", scope, "error", {"L1": "passed", "L2": "passed"}, 2) for scope in scopes)
    document = json.loads(render_json(replace(report, outcomes=many), rulebook(), subject()))
    assert document["outcomes"] == [
        {
            "rule_id": "CT-07",
            "severity": "error",
            "states": {"L1": "passed", "L2": "passed"},
            "scopes_n": 300,
            "checked": 600,
        }
    ]


def test_every_format_is_one_row() -> None:
    asked = Request(bad_report(), rulebook(), subject(), lang="zh")
    starts = {name: render(asked)[:20] for name, render in FORMATS.items()}
    assert starts["text"].startswith(b"demo_ds")
    assert starts["json"].startswith(b'{\n  "record"')
    assert starts["html"].startswith(b"<!doctype html>")
