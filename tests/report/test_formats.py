"""JSON Lines, SARIF, JUnit and Markdown: nothing undecided reads as passed, names are stable, hostile text is inert."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET  # our own output
from dataclasses import replace

import pytest
from report.samples import EPISODES, HOSTILE, bad_report, clean_report, outcomes, rulebook, subject

from embodied_kit.cli.options import REPORT_FORMATS
from embodied_kit.errors import DataError
from embodied_kit.model.outcomes import outcomes_of
from embodied_kit.model.report import Finding, Place, Report
from embodied_kit.model.rule import Level, LimitCheck
from embodied_validators.judge import report_lines
from embodied_validators.report import FORMATS, Request, read_reports, render_jsonl
from embodied_validators.report.fingerprint import fingerprints
from embodied_validators.report.junit import render_junit
from embodied_validators.report.phrases import measured_text
from embodied_validators.report.sarif import MOST_RESULTS, render_sarif
from embodied_validators.report.words import LANGUAGES, Words
from embodied_validators.rulebook import load_rulebook

SARIF_KINDS = {"fail", "open"}


def asked(report: Report | None = None) -> Request:
    return Request(report or bad_report(), rulebook(), subject())


def hostile() -> Request:
    place = Place(EPISODES[0], path=HOSTILE + "|`\n", pointer=HOSTILE, stream=HOSTILE)
    finding = Finding("TM-08", "error", "failed", "L2", place, 3, 1, "max", reason=HOSTILE)
    report = replace(
        bad_report(),
        findings=(finding,),
        outcomes=outcomes(rulebook(), (finding,)),
        excluded={HOSTILE: HOSTILE + "\x00"},
    )
    return Request(report, rulebook(), replace(subject(), name=HOSTILE))


def test_the_command_line_offers_exactly_the_formats() -> None:
    assert tuple(FORMATS) == REPORT_FORMATS


def judged() -> Report:
    """The sample as a judge would order it."""
    ordered = outcomes_of(sorted(bad_report().outcomes, key=lambda outcome: (outcome.scope, outcome.rule_id)))
    levels: dict[str, Level | None] = dict.fromkeys(EPISODES, "L1")
    return replace(bad_report(), outcomes=ordered, levels=levels, title=subject().title or {})


def test_json_lines_can_be_joined_and_shown_again() -> None:
    first = Request(judged(), rulebook(), replace(subject(), report_path=""))
    second = Request(clean_report(), rulebook(), replace(subject(), name="clean", episodes=()))
    data = b"".join(FORMATS["jsonl"](item) for item in (first, second, first))
    again = list(read_reports(data.splitlines(keepends=True)))
    assert [stored.info.name for stored in again] == ["demo_ds", "clean", "demo_ds"]
    assert b"".join(render_jsonl(stored.report, stored.info) for stored in again) == data
    shown = Request(again[0].report, rulebook(), again[0].info)
    for name, render in FORMATS.items():
        same = json.loads if name in {"json", "sarif"} else bytes  # the canonical form orders the names of an object
        assert same(render(shown)) == same(render(first)), name


def test_the_signed_lines_alone_can_be_shown() -> None:
    stored = next(read_reports(report_lines(bad_report()).splitlines()))
    assert stored.info.name == "demo_ds"
    assert [episode.episode_id for episode in stored.info.episodes] == list(EPISODES)
    assert fingerprints(stored.report.findings) == fingerprints(bad_report().findings)


def test_what_is_no_report_is_refused() -> None:
    lines = FORMATS["jsonl"](asked()).splitlines()
    for bad in ([], [b"{}"], lines[1:2], lines[:1], [lines[0].replace(b'"1.0.0"', b'"2.0.0"'), *lines[1:]]):
        with pytest.raises(DataError):
            list(read_reports(bad))


def test_a_fingerprint_is_the_place_and_not_the_number() -> None:
    findings = bad_report().findings
    names = fingerprints(findings)
    assert len(set(names)) == len(findings)
    assert all(re.fullmatch("[0-9a-f]{12}", name) for name in names)
    worse = [replace(finding, measured=9, state="failed", level="L1", spans_n=7) for finding in findings]
    assert fingerprints(worse) == names
    assert fingerprints(findings[::-1]) == names[::-1]
    elsewhere = [replace(finding, place=replace(finding.place, stream="/x")) for finding in findings]
    assert not set(fingerprints(elsewhere)) & set(names)


def sarif(request: Request) -> dict[str, object]:
    log: dict[str, object] = json.loads(FORMATS["sarif"](request))
    return log


@pytest.mark.parametrize("request_", [asked(), asked(clean_report()), hostile()], ids=["bad", "clean", "hostile"])
def test_sarif_keeps_the_rules_of_its_standard(request_: Request) -> None:
    log = sarif(request_)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]  # type: ignore[misc]  # JSON
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert {rule["id"] for rule in rules} >= {outcome.rule_id for outcome in request_.report.outcomes}
    for rule in rules:
        assert rule["shortDescription"]["text"]
        assert rule["help"]["text"]
        assert rule["defaultConfiguration"]["level"] in {"error", "warning", "note"}
    assert len(run["results"]) == len(request_.report.findings)
    for result, finding in zip(run["results"], request_.report.findings, strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == finding.rule_id
        assert result["kind"] in SARIF_KINDS
        assert (result["level"] == "none") == (result["kind"] != "fail")  # 3.27.10
        assert result["message"]["text"]
        (location,) = result["locations"]
        uri = location["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"[\w.~/%-]+", uri)
        assert not uri.startswith("/")
        assert re.fullmatch("[0-9a-f]{12}", result["partialFingerprints"]["embodiedKit/v1"])
    notes = run["invocations"][0]["toolExecutionNotifications"]
    declared = {item["id"] for item in run["tool"]["driver"]["notifications"]}
    assert {note["descriptor"]["id"] for note in notes} <= declared


def test_sarif_says_what_was_undecided_unseen_and_excluded() -> None:
    (run,) = sarif(asked())["runs"]  # type: ignore[misc]  # JSON
    notes = run["invocations"][0]["toolExecutionNotifications"]
    undecided = {note["associatedRule"]["id"] for note in notes if note["descriptor"]["id"] == "undetermined"}
    assert undecided == {"KN-01", "KN-14", "SM-01"}
    unseen = [note for note in notes if note["descriptor"]["id"] == "not-seen"]
    assert len(unseen) == 2
    assert "type is not decoded" in unseen[0]["message"]["text"]
    suppressed = [result for result in run["results"] if "suppressions" in result]
    assert [result["ruleId"] for result in suppressed] == ["TM-07"]
    assert suppressed[0]["suppressions"][0]["justification"] == "camera dropped frames"
    lost = next(result for result in run["results"] if result["ruleId"] == "TM-07")
    names = {item["kind"]: item["fullyQualifiedName"] for item in lost["locations"][0]["logicalLocations"]}
    assert names == {"stream": f"{EPISODES[1]}//cam_front", "episode": EPISODES[1]}
    assert lost["message"]["text"].startswith("TM-07 Lost frames. /cam_front: 7.4 % (limit 5 % at L2), 12.31–12.64 s")


def test_sarif_stays_below_what_code_scanning_takes_and_says_what_is_left_out() -> None:
    data = render_sarif(bad_report(), rulebook(), subject(), "en", most=4)
    (run,) = json.loads(data)["runs"]
    assert len(run["results"]) == 4
    assert MOST_RESULTS < 25_000
    last = run["invocations"][0]["toolExecutionNotifications"][-1]
    assert last["descriptor"]["id"] == "left-out"
    assert last["message"]["text"].startswith(f"{len(bad_report().findings) - 4} more places")


def cases(request: Request) -> dict[tuple[str, str], ET.Element]:
    tree = ET.fromstring(FORMATS["junit"](request))  # noqa: S314  # our own output
    found = {}
    for suite in tree.iter("testsuite"):
        for case in suite.iter("testcase"):
            found[suite.attrib["name"], case.attrib["name"].partition(" ")[0]] = case
        kinds = [child.tag for case in suite for child in case]
        assert int(suite.attrib["tests"]) == len(suite)
        for tag, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert int(suite.attrib[name]) == kinds.count(tag)
    assert int(tree.attrib["tests"]) == len(found)
    return found


def test_junit_passes_only_what_passed() -> None:
    found = cases(asked())
    kinds = {key: [child.tag for child in case] for key, case in found.items()}
    assert kinds[EPISODES[1], "TM-07"] == ["failure"]
    assert kinds[EPISODES[0], "TM-07"] == []
    assert kinds[EPISODES[0], "KN-14"] == ["error"]
    assert kinds[EPISODES[0], "VS-06"] == ["skipped"]  # a warning stops nobody, and did not pass
    assert kinds[EPISODES[3], "TM-07"] == ["skipped"]  # excluded
    assert (EPISODES[1], "SR-10") not in kinds  # asked from L3 on; L2 is at stake
    assert "USB bandwidth" in (found[EPISODES[1], "TM-07"][0].text or "")
    passed = {key for key, tags in kinds.items() if not tags}
    states = {(outcome.scope, outcome.rule_id): outcome.states for outcome in bad_report().outcomes}
    assert all(states[key]["L2"] == "passed" for key in passed)
    assert (EPISODES[1], "SR-10") in cases(replace(asked(), level="L4"))


def test_junit_of_very_many_cases_counts_what_passed() -> None:
    whole, few = (render_junit(bad_report(), rulebook(), subject(), "en", most=most) for most in (10_000, 10))
    assert few.count(b"<testcase") < whole.count(b"<testcase")
    assert few.count(b"<failure") == whole.count(b"<failure") > 0
    assert few.count(b"<error") == whole.count(b"<error") > 0
    assert re.search(rb'name="[0-9]+ rules passed"/>', few)


def test_hostile_text_is_inert() -> None:
    case = cases(hostile())[EPISODES[0], "TM-08"]
    assert HOSTILE.split("<", maxsplit=1)[0] in (case[0].text or "")
    page = FORMATS["markdown"](hostile()).decode()
    outside = re.sub(r"(`+).*?\1", "", page)
    assert "<script>" not in outside.replace("\\<", "")
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 7 for line in page.splitlines() if line.startswith("|"))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_markdown_says_verdict_rules_and_what_was_not_seen(lang: str) -> None:
    page = FORMATS["markdown"](replace(asked(), lang="zh" if lang == "zh" else "en")).decode()
    expected = {
        "en": ("L1-preview reached", "| ❌ FAIL | **TM-07** | Lost frames | L2 |", "7.72 %", "Not seen: 2 places"),
        "zh": ("已达到 L1-preview", "| ❌ 不通过 | **TM-07** | 丢帧率 | L2 |", "7.72 %", "未检查：2 处"),
    }
    for part in expected[lang]:
        assert part in page
    assert "**KN-14**, **SM-01**" in page.replace("、", ", ")
    assert page.count("\n") < 30


def test_words_of_a_vocabulary_are_told_by_their_label() -> None:
    rules = load_rulebook().rules
    checks = [(rule, check) for rule in rules.values() for check in rule.checks if isinstance(check, LimitCheck)]
    rule, check = next((rule, check) for rule, check in checks if (check.table, check.measure) == ("link", "state"))
    finding = Finding(rule.rule_id, "error", "failed", "L2", Place(), "dangling", "equal", "equal", measure="state")
    assert measured_text(finding, Words("zh"), rule) == ("悬空", "应为 一致")
    assert measured_text(finding, Words("en"), rule) == ("Points to nothing", "expected Equal")
    several = replace(finding, required=["equal", "missing"])
    assert measured_text(several, Words("en"), rule)[1] == "one of: Equal, Missing"
    assert measured_text(finding, Words("en")) == ("dangling", "expected equal")
    assert check.comparator == "equal"
