"""A clean take passes every rule of the profile that can be asked of it, at every level that a simulation can reach."""

from __future__ import annotations

from chain.conftest import CLEAN_TAKE
from chain.lab import PROFILE, Run

from embodied_kit.model.facts import DATASET_SCOPE
from embodied_kit.model.rule import LEVELS
from embodied_validators.profiles import load_profile

NOT_ASKED = {
    "CT-09": "the simulated robot's transport gives no sequence numbers",
    "DG-11": "no point clouds",
    "DS-05": "no splits",
    "DS-06": "no stored statistics",
    "DS-11": "one collection",
    **dict.fromkeys(("PR-02", "PR-03", "PR-04", "PR-05", "PR-06", "PR-07", "PR-11"), "no personal information"),
    "PR-08": "no sound",
    **dict.fromkeys(("PR-16", "PR-17", "PR-18"), "no export is intended"),
    "SM-06": "the task succeeds",
    "SM-12": "nobody annotated",
    "SM-13": "no model annotated",
    "SR-12": "no sound",
    "TM-11": "simulated stamps are exact by construction",
    "VS-02": "frames are messages",
}
SPEAKS = {"DS-08": "one task", "DS-14": "nothing was exported"}
"""Warnings that a simulated dataset cannot do without."""
BEYOND_SIMULATION = {
    ("ST-01", "L4", f"/cameras/{camera}/exposure_us")
    for camera in range(3)  # a simulated pinhole exposes in no time
}


def states(run: Run) -> dict[str, dict[str, set[str]]]:
    """Rule -> level -> states over the dataset and the clean take."""
    scopes = {DATASET_SCOPE, run.episode(CLEAN_TAKE)}
    found: dict[str, dict[str, set[str]]] = {}
    for outcome in run.report.outcomes:
        if outcome.scope in scopes:
            for level, state in outcome.states.items():
                found.setdefault(outcome.rule_id, {}).setdefault(level, set()).add(state)
    return found


def test_every_rule_passes_or_has_a_reason_not_to_be_asked(run: Run) -> None:
    found = states(run)
    assert set(found) == {rule.rule_id for rule in load_profile(PROFILE).rules}
    asked = {rule for rule, levels in found.items() if any("passed" in state for state in levels.values())}
    assert set(found) - asked == set(NOT_ASKED) | set(SPEAKS)
    for rule, levels in found.items():
        if rule in SPEAKS:
            continue
        for level in LEVELS[:3]:
            assert levels.get(level, set()) <= {"passed", "not_applicable"}, (rule, level)


def test_it_reaches_l3_and_what_l4_lacks_is_known(run: Run) -> None:
    assert run.report.levels[run.episode(CLEAN_TAKE)] == "L4"
    assert run.report.levels[DATASET_SCOPE] == "L3"
    ours = [finding for finding in run.report.findings if not finding.place.episode]
    errors = {(item.rule_id, item.level, item.place.pointer) for item in ours if item.severity == "error"}
    assert errors == BEYOND_SIMULATION
    assert {item.rule_id for item in ours if item.severity != "error"} == set(SPEAKS)


def test_everything_was_seen(run: Run) -> None:
    assert run.report.coverage["not_seen"] == []
    assert run.report.coverage["ignored"] == run.report.coverage["sampled"] == 0
    assert [row["path"] for unit in run.facts for row in unit.tables["coverage"] if not row["decoded"]] == []
    assert not any(unit.tables["error"] for unit in run.facts)
