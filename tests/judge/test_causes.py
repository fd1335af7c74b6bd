"""Which finding explains what else could not be judged, which of two is told, and whom a row speaks of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from embodied_kit.model.facts import Facts
from embodied_kit.model.report import Finding, Place
from embodied_validators.judge.skips import causes_of
from embodied_validators.judge.tally import Tally, order
from embodied_validators.judge.view import scope_of, tables_of

EPISODE = "0192f0c1-8a3b-7c1d-9e2f-0123456789ab"
STREAM = Place(episode=EPISODE, stream="cam_front")
FILE = Place(episode=EPISODE, path="episodes/x/data_000.mcap")


def finding(rule_id: str, place: Place, **more: object) -> Finding:
    return Finding(rule_id, "error", "failed", "L1", place, **more)


@pytest.mark.parametrize(
    ("said", "streams", "paths"),
    [
        (finding("CT-07", STREAM), {(EPISODE, "cam_front"): "CT-07"}, {}),
        (finding("TM-07", STREAM), {}, {}),
        (finding("CT-07", Place(episode=EPISODE)), {}, {}),
        (finding("CT-01", FILE), {}, {(EPISODE, FILE.path): "CT-01"}),
        (finding("ST-07", FILE), {}, {}),
        (finding("CT-01", Place(episode=EPISODE)), {}, {}),
        (finding("CT-09", replace(FILE, stream="cam_front")), {}, {}),
        (replace(finding("CT-01", FILE), state="undetermined"), {}, {}),
    ],
)
def test_only_what_leaves_nothing_to_measure_is_a_cause(
    said: Finding, streams: dict[tuple[str, str], str], paths: dict[tuple[str, str], str]
) -> None:
    found = causes_of([said])
    assert (found.streams, found.paths) == (streams, paths)


@pytest.mark.parametrize(
    ("row", "scope"),
    [({"episode": EPISODE}, EPISODE), ({"episode": ""}, "unit"), ({"episode": None}, "unit"), ({"episode": 7}, "unit")],
)
def test_a_row_speaks_of_its_episode_or_of_its_unit(row: dict[str, object], scope: str) -> None:
    assert scope_of(row, Facts(scope="unit", subject="dataset", depth="full", tables={})) == scope


@pytest.mark.parametrize(
    ("tables", "names"), [(["stream", "dim"], ("stream", "dim")), (None, ()), ("stream", ()), (True, ()), (3, ())]
)
def test_an_error_names_tables_in_a_list_alone(tables: object, names: tuple[str, ...]) -> None:
    assert tables_of({"tables": tables}) == names


def test_of_two_findings_of_one_place_and_cause_the_lower_level_is_told_whatever_the_order() -> None:
    low, high = finding("TM-07", STREAM, measure="lost_ratio"), finding("TM-07", STREAM, measure="lost_ratio")
    high = replace(high, level="L3")
    for told in ((low, high), (high, low)):
        tally = Tally()
        for item in told:
            tally.found(item, (0,))
        assert tally.settle().findings == [low]


def test_what_only_passed_settles_too() -> None:
    tally = Tally()
    tally.compared(1)
    settled = tally.settle()
    assert (settled.findings, settled.waived) == ((), ())
    assert len(settled.ranks) == 4


def test_what_failed_is_told_before_what_is_not_known_whatever_the_rule() -> None:
    failed, unknown = finding("TM-07", STREAM), replace(finding("CT-01", STREAM), state="undetermined")
    assert sorted([unknown, failed], key=order) == [failed, unknown]
