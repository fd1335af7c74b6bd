"""One fault, one finding: what it made impossible is told once, with its cause, and blocks the level all the same."""

from judge.test_judge import A, B, dataset, episode, fixture_row, lossy, profile_of, run, skipped, states

from embodied_kit.model.report import Report
from embodied_validators.judge import exit_code, report_from_lines, report_lines

DAMAGED = "chunk 3 cannot be read"


def damaged(scope: str) -> Report:
    path = f"episodes/{scope}/data_000.mcap"
    error = {"measurer": "cdr", "path": path, "tables": ["stream", "dim"], "reason": DAMAGED}
    container = {**fixture_row("CT-01"), "path": path, "readable": "truncated"}
    profile = profile_of("CT-01", "TM-07", "TM-08", "SR-04")
    return run(profile, episode(scope, container=[container], error=[error]))


def test_a_damaged_file_is_one_finding_and_names_what_it_left_open() -> None:
    report = damaged(A)
    assert [(item.rule_id, item.state) for item in report.findings] == [("CT-01", "failed")]
    assert skipped(report) == [("CT-01", DAMAGED, ("SR-04", "TM-07", "TM-08"))]
    assert report.skipped[0].level == "L1"
    assert states(report, "TM-07")[A]["L2"] == "undetermined"
    assert report_from_lines(report_lines(report)).skipped == report.skipped


def test_a_stream_that_cannot_be_decoded_is_one_finding() -> None:
    why = {"lost_ratio": "no message could be decoded"}
    bad = lossy(None, stream="arm", undetermined=why, decode_failures=7)
    report = run(profile_of("CT-07", "TM-07"), episode(A, stream=[bad, lossy(None, stream="other")]))
    assert [(item.rule_id, item.place.stream) for item in report.findings] == [("CT-07", "arm"), ("TM-07", "other")]
    assert skipped(report) == [("CT-07", "no message could be decoded", ("TM-07",))]
    assert states(report, "TM-07")[A]["L2"] == "undetermined"


def test_a_missing_document_is_one_finding() -> None:
    missing = {**fixture_row("DG-10"), "parse": "missing", "value": None}
    report = run(profile_of("ST-01", "DG-10", "KN-01"), dataset(document=[missing]), episode(A))
    assert [item.rule_id for item in report.findings] == ["ST-01"]
    assert skipped(report) == [("ST-01", "the robot document cannot be judged, see ST-01", ("DG-10",))]
    assert report.level is None


def test_the_same_in_many_episodes_is_told_once_with_a_count() -> None:
    units = [episode(f"{number:02d}", depth="index", absent=("dim", "frame"), stream=[]) for number in range(30)]
    report = run(profile_of("SR-04", "SR-05", "VS-05"), *units)
    assert [(item.rules, item.places_n, len(item.places)) for item in report.skipped] == [
        (("SR-04", "SR-05"), 30, 20),
        (("VS-05",), 30, 20),
    ]
    assert [place.episode for place in report.skipped[0].places] == [f"{number:02d}" for number in range(20)]
    assert run(profile_of("SR-04", "SR-05", "VS-05"), *reversed(units)).skipped == report.skipped
    assert exit_code(report, "L1") == 3


def test_a_failure_is_not_hidden_by_what_could_not_be_looked_at() -> None:
    error = {"measurer": "cdr", "path": "x", "tables": ["stream"], "reason": DAMAGED}
    report = run(profile_of("TM-07"), episode(B, stream=[lossy(0.5)], error=[error]))
    assert skipped(report) == []
    assert [item.state for item in report.findings] == ["failed"]
