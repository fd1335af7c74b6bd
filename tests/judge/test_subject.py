"""What a report says it is of: a dataset by its id, an episode by its scope, a bare file by its path."""

from typing import Any

import pytest
from judge.test_judge import A, Row, dataset, episode, fixture_row, lossy, profile_of, run, skipped

from embodied_kit.model.facts import Facts

DATASET_ID = fixture_row("PV-02")["value"]["dataset_id"]


def test_a_dataset_is_named_by_its_document_whatever_comes_last() -> None:
    units = dataset(), episode(A, stream=[lossy(0)])
    for order in (units, units[::-1]):
        report = run(profile_of("TM-07"), *order)
        assert (report.subject, report.subject_kind) == (DATASET_ID, "dataset")
        assert report.title == {lang: fixture_row("PV-02")["value"][f"title_{lang}"] for lang in ("en", "zh")}


def test_an_episode_is_named_by_its_scope() -> None:
    report = run(profile_of("TM-07"), episode(A, subject="episode", stream=[lossy(0)]))
    assert (report.subject, report.subject_kind) == (A, "episode")


def test_a_bare_file_is_named_by_its_path() -> None:
    container = {**fixture_row("CT-01"), "path": "walk.mcap"}
    report = run(profile_of("CT-01"), episode("bare", subject="bare", container=[container]))
    assert (report.subject, report.subject_kind) == ("walk.mcap", "bare")
    assert run(profile_of("CT-01"), episode("bare", subject="bare")).subject == "unidentified"


@pytest.mark.parametrize("entries", [None, 7, True, "all", {"episode_id": A, "reason": "x"}, [7], []])
def test_a_list_of_exclusions_that_is_none_excludes_nothing(entries: object) -> None:
    assert run(profile_of("TM-07"), with_dataset(excluded=entries), episode(A, stream=[lossy(0.2)])).excluded == {}


def test_only_the_documents_own_text_names_a_dataset() -> None:
    assert run(profile_of("TM-07"), with_dataset(dataset_id=7, title_en=None)).subject == "unidentified"
    copy = {**fixture_row("PV-02"), "embedded_in": "data_000.mcap"}
    other = {**fixture_row("PV-02"), "kind": "governance"}
    assert run(profile_of("TM-07"), with_rows(copy, other)).subject == "unidentified"


def test_a_failed_reading_of_documents_leaves_their_rules_undetermined() -> None:
    error = {"measurer": "documents", "path": "robot.json", "tables": ["document"], "reason": "it broke"}
    report = run(profile_of("DG-10", "TM-07"), episode(A, stream=[lossy(0)], error=[error]))
    assert skipped(report) == [("", "it broke", ("DG-10",))]


def with_dataset(**change: Any) -> Facts:
    document = fixture_row("PV-02")
    return with_rows({**document, "value": {**document["value"], **change}})


def with_rows(*documents: Row) -> Facts:
    unit = dataset()
    return Facts(unit.scope, unit.depth, unit.subject, {**unit.tables, "document": list(documents)})
