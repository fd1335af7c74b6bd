"""Waivers, skipped checks, samples and choices of rules: told in every form and language, never as a pass."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files

import jsonschema
import pytest
from report.samples import EPISODES, bad_report, limited_report, rulebook, subject
from report.test_formats import cases

from embodied_kit.language import Language
from embodied_kit.model.outcomes import outcomes_of
from embodied_kit.model.report import Place, Report, Skipped
from embodied_validators.report import FORMATS, FormatName, Request, read_reports
from embodied_validators.report.conditions import skipped_why, waiver_state
from embodied_validators.report.diff import compare
from embodied_validators.report.fingerprint import fingerprints
from embodied_validators.report.words import Words, reason_text

TOLD: Mapping[Language, tuple[str, ...]] = {
    "en": (
        "Only a sample was looked at, so no level is given.",
        "Only some rules were asked",
        "the file ends before its data do",
        "Lamp in view by intent.",
        "lab lead",
        "2027-01-31",
        "Used, broad",
        "Unused",
        "Refused",
    ),
    "zh": (
        "仅检查了抽样部分，因此不评定级别。",
        "仅检查了部分规则",
        "文件在数据结束前中断",
        "Lamp in view by intent.",
        "lab lead",
        "2027-01-31",
        "已生效，范围过宽",
        "未使用",
        "不予采纳",
    ),
}
READ: tuple[FormatName, ...] = ("text", "html", "markdown", "sarif")


def test_a_waiver_for_a_rule_that_does_not_exist_says_so() -> None:
    (_, unused, _) = limited_report().waivers
    absent = replace(unused, waiver=replace(unused.waiver, rule_id="TM-99"))
    for lang, words in (("en", "Unused: there is no such rule"), ("zh", "未使用：没有这条规则")):
        assert words in waiver_state(absent, Words(lang))
        assert words not in waiver_state(unused, Words(lang))


def asked(lang: Language = "en") -> Request:
    return Request(limited_report(), rulebook(), subject(), lang, width=1000)


@pytest.mark.parametrize("form", READ)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_form_that_people_read_tells_them(form: FormatName, lang: Language) -> None:
    shown = FORMATS[form](asked(lang)).decode()
    for part in TOLD[lang]:
        assert part in shown, part
    assert "reached." not in shown.replace("not reached.", "") or form == "sarif"


def test_the_verdict_of_a_part_names_no_level() -> None:
    first = FORMATS["markdown"](asked()).decode().splitlines()[2]
    assert first.startswith("**No level is given.")


def test_a_level_that_rests_on_waivers_says_so() -> None:
    error = replace(limited_report().waived[0], severity="error")
    report = replace(bad_report(), level="L2", waived=(error,), waivers=limited_report().waivers)
    text = FORMATS["text"](Request(report, rulebook(), subject(), width=200)).decode()
    assert "L2-preview reached, with waivers." in text
    assert "已达到 L2-preview（含豁免）。" in FORMATS["text"](Request(report, rulebook(), subject(), "zh")).decode()
    within = replace(report, excluded={EPISODES[2]: "out"})
    assert "with waivers" not in FORMATS["text"](Request(within, rulebook(), subject(), width=200)).decode()


def test_json_holds_them_and_json_lines_bring_them_back() -> None:
    document = json.loads(FORMATS["json"](asked()))
    schema = json.loads(files("embodied_validators.report").joinpath("report.schema.json").read_bytes())
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(document)) == []
    assert [use["state"] for use in document["waivers"]] == ["used", "unused", "refused"]
    assert [item["rules"] for item in document["skipped"]] == [["KN-14", "SM-01"], ["VS-06"]]
    assert (document["partial"], document["selection"], len(document["waived"])) == (True, "TM,VS", 1)
    (stored,) = read_reports(FORMATS["jsonl"](asked()).splitlines())
    for name in ("waivers", "skipped", "waived", "partial", "selection"):
        assert getattr(stored.report, name) == getattr(limited_report(), name)


def test_a_waived_finding_is_suppressed_in_sarif_and_no_pass_in_junit() -> None:
    (run,) = json.loads(FORMATS["sarif"](asked()))["runs"]
    last = run["results"][-1]
    assert last["ruleId"] == "VS-06"
    assert "Lamp in view" in last["suppressions"][0]["justification"]
    notes = {note["descriptor"]["id"]: note for note in run["invocations"][0]["toolExecutionNotifications"]}
    assert notes.keys() >= {"partial", "skipped", "waiver"}
    assert "KN-14, SM-01" in next(
        note["message"]["text"]
        for note in run["invocations"][0]["toolExecutionNotifications"]
        if note["descriptor"]["id"] == "skipped"
    )


def with_state(report: Report, rule_id: str, state: str) -> Report:
    said = [
        replace(item, states=dict.fromkeys(item.states, state)) if item.rule_id == rule_id else item  # type: ignore[arg-type]  # a state
        for item in report.outcomes
    ]
    return replace(report, outcomes=outcomes_of(said))


def test_a_skipped_rule_is_an_error_in_junit_with_its_reason() -> None:
    report = with_state(replace(limited_report(), findings=()), "KN-14", "undetermined")
    (case,) = list(cases(Request(report, rulebook(), subject()))[EPISODES[0], "KN-14"])
    assert (case.tag, case.attrib["message"]) == ("error", "not checked: the file ends before its data do (see TM-07)")
    waived = with_state(limited_report(), "VS-06", "waived")
    (case,) = list(cases(Request(waived, rulebook(), subject()))[EPISODES[0], "VS-06"])
    assert (case.tag, case.attrib["message"]) == ("skipped", "waived: Lamp in view by intent.")


def test_what_a_waiver_lets_be_is_not_gone() -> None:
    before = bad_report()
    error = before.findings[3]
    after = replace(before, findings=tuple(item for item in before.findings if item != error), waived=(error,))
    found = compare(before, after)
    assert [named.finding for named in found.waived] == [error]
    assert found.waived[0].fingerprint in fingerprints(before.findings)
    assert found.gone == ()
    assert found.tendency == "same"
    assert compare(after, before).tendency == "worse"


def test_a_rule_that_is_skipped_now_leaves_less_known() -> None:
    after = with_state(bad_report(), "CT-07", "undetermined")
    found = compare(bad_report(), after)
    assert found.opened == ("CT-07",)
    assert found.tendency == "undecided"
    assert compare(after, bad_report()).tendency == "same"
    assert compare(bad_report(), replace(bad_report(), partial=True, level=None)).tendency == "undecided"


def test_an_unreadable_document_is_told_in_words_and_its_rule_once() -> None:
    assert reason_text("the document cannot be read: not_utf8", "en") == "the document cannot be read: Not UTF-8"
    assert reason_text("the document cannot be read: not_utf8", "zh") == "文档无法读取：非 UTF-8"
    reason = "the dataset document cannot be judged, see ST-01"
    item = Skipped("ST-01", reason, ("PV-02",), "L1", (Place(path="dataset.json"),), 1)
    assert skipped_why(item, Words("en")) == reason
    assert skipped_why(replace(item, reason="the file is damaged"), Words("en")).endswith("(see ST-01)")
