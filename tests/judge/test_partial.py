"""A sample is never a level: the report says partial, and exit code 3 unless something failed."""

import pytest
from judge.test_judge import A, B, dataset, episode, lossy, profile_of, run

from embodied_validators.judge import exit_code, report_from_lines, report_lines

SAMPLED = {"path": "x", "seen": True, "opened": False, "decoded": False, "sampled": True, "ignored": False}


@pytest.mark.parametrize("in_dataset", [True, False])
def test_a_sample_gives_no_level(in_dataset: bool) -> None:
    there, here = ([], [SAMPLED]) if in_dataset else ([SAMPLED], [])
    profile = profile_of("TM-07", "CT-01")
    units = (episode(A, stream=[lossy(0)]), episode(B, stream=[lossy(0)], coverage=there), dataset(coverage=here))
    report = run(profile, *units)
    assert report.partial
    assert report.level is None
    assert report.levels[A] == "L4", "an episode that was wholly looked at has its own"
    assert report.levels["dataset" if in_dataset else B] is None
    assert (exit_code(report), exit_code(report, "L1")) == (3, 3)
    assert report_from_lines(report_lines(report)).partial
    whole = run(profile, *units[:1], dataset())
    assert (whole.partial, whole.level) == (False, "L4")


def test_what_fails_in_a_sample_has_failed() -> None:
    report = run(profile_of("TM-07"), episode(A, stream=[lossy(0.5)], coverage=[SAMPLED]), dataset())
    assert exit_code(report, "L2") == 1
