"""Options: refused where they cannot be, carried to another process whole; documents valid."""

from __future__ import annotations

import pytest

from embodied_kit.errors import UsageError
from embodied_kit.spec import check, standard
from embodied_recorders.sim import FailTake, SimOptions, describe, parse_fail_take, parse_fault, urdf
from embodied_recorders.sim.options import from_json, to_json


def test_options_cross_to_another_process_unchanged() -> None:
    options = SimOptions(
        seed=3,
        takes=2,
        faults=(parse_fault("drop_frames:0.1@2"), parse_fault("nan")),
        fail_takes=(parse_fail_take("2:drop"), parse_fail_take("4")),
        fail_rate=0.25,
        log="somewhere/with spaces.jsonl",
    )
    assert from_json(to_json(options)) == options


@pytest.mark.parametrize(
    "wrong",
    [{"seed": -1}, {"takes": 0}, {"duration_s": 0.0}, {"gap_s": 0.0}, {"fail_rate": 1.5}, {"lead_s": float("nan")}],
)
def test_numbers_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="expected"):
        SimOptions(**wrong)


@pytest.mark.parametrize("text", ["", "0", "-1", "x", "2:", "2:explode", "\u0662"])
def test_takes_that_cannot_fail_so_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected"):
        parse_fail_take(text)


def test_failures_come_as_asked_for_and_at_their_rate() -> None:
    options = SimOptions(seed=8, fail_takes=(FailTake(2, "miss"), FailTake(3)), fail_rate=0.3)
    assert options.failure(2) == "miss"
    assert options.failure(3) is not None
    failed = [take for take in range(100, 1100) if options.failure(take)]
    assert 250 < len(failed) < 350
    assert [SimOptions(seed=8).failure(take) for take in range(1, 50)] == [None] * 49
    assert failed == [take for take in range(100, 1100) if options.failure(take)]


@pytest.mark.parametrize("kind", ["robot", "calibration", "contract"])
def test_the_documents_are_valid(kind: str) -> None:
    assert check(kind, describe()[kind], standard().document_schema(kind, "authoring")) == []


def test_robot_and_contract_have_all_that_level_3_asks() -> None:
    for kind in ("robot", "contract"):
        assert check(kind, describe()[kind], standard().level_schema(kind, "L3")) == []


def test_the_urdf_is_the_same_each_time() -> None:
    assert urdf() == urdf()
    assert urdf().startswith("<?xml")
