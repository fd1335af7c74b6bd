"""Links of governance.json: every category in every episode, shares to the whole, receipts of the right contract."""

from typing import Any

from embodied_kit.measure.declared.documents import Document
from embodied_kit.measure.declared.governance_links import governance_links
from embodied_kit.measure.declared.links import DatasetDocuments, EpisodeSummary


def episode(name: str, **streams: str) -> EpisodeSummary:
    listed = [{"stream_id": stream, "modality": modality} for stream, modality in streams.items()]
    return EpisodeSummary(name, {"streams": listed}, 0, 0, "")


EPISODES = (
    episode("a", cam_front="vision", cam_wrist="vision", joints="proprioception"),
    episode("b", cam_front="vision", mic="acoustic"),
)


def links(episodes: tuple[EpisodeSummary, ...] = EPISODES, **governance: Any) -> list[tuple[Any, ...]]:
    document = Document("governance.json", "governance", "", "", governance, "ok", "", "")
    rows = governance_links(DatasetDocuments([document]), episodes)
    return [(row["kind"], row["target"], row["state"], row["expected"], row["found"]) for row in rows]


def treated(target: str, **more: Any) -> dict[str, Any]:
    return {"target": target, "status": "applied", **more}


def face(*deid: dict[str, Any]) -> tuple[Any, ...]:
    found = links(contains_personal_info=True, pi_categories=["face"], deid=list(deid))
    return tuple(row[1:] for row in found)


def test_a_category_is_treated_where_it_or_each_of_its_streams_is() -> None:
    assert face(treated("face")) == (("face", "equal", "2", "2"),)
    assert face(treated("cam_front"), treated("cam_wrist", status="reviewed")) == (("face", "equal", "2", "2"),)
    assert face(treated("cam_front")) == (("face", "different", "2", "1"),)
    assert face(treated("face", episode_ids=["b"])) == (("face", "different", "2", "1"),)
    assert face(treated("face", status="pending")) == (("face", "missing", "2", "0"),)
    assert face() == (("face", "missing", "2", "0"),)


def test_only_episodes_with_such_a_stream_are_asked() -> None:
    rows = links(contains_personal_info=True, pi_categories=["voice", "location", "none"], deid=[treated("mic")])
    assert rows == [
        ("deid_target", "voice", "equal", "1", "1"),
        ("deid_target", "location", "missing", "2", "0"),
    ]


def test_a_target_that_is_nothing_dangles() -> None:
    assert face(treated("face"), treated("cam_back"))[1] == ("cam_back", "dangling", None, None)


def test_without_personal_information_nothing_is_asked() -> None:
    assert links(contains_personal_info=False, pi_categories=["none"]) == []
    assert links() == []


def test_categories_and_the_declaration_agree() -> None:
    found = links(contains_personal_info=True, pi_categories=["none"])
    assert found == [("deid_target", "pi_categories", "missing", None, None)]
    found = links(contains_personal_info=False, pi_categories=["face"])
    assert found == [("deid_target", "pi_categories", "unexpected", None, None)]


def test_shares_sum_to_the_whole_or_do_not() -> None:
    def shares(*percents: float | None) -> tuple[Any, ...]:
        entries = [{"party": "a"} | ({} if item is None else {"share_percent": item}) for item in percents]
        return links(contribution=entries)[0][2:]

    assert shares(33.3, 33.3, 33.4) == ("equal", "100", "100")
    assert shares(60, 30) == ("different", "100", "90")
    assert shares(100, None) == ("missing", "100", None)


def test_receipts_name_the_contract_and_are_whole() -> None:
    whole = dict.fromkeys(("proofId", "strategyId", "logHash", "timestamp", "signature"), "x")
    receipts = [{**whole, "contractId": "C-1"}, {**whole, "contractId": "C-2"}, {"contractId": "C-1"}]
    assert [row[2] for row in links(usage_contract_id="C-1", usage_receipts=receipts)] == [
        "equal",
        "dangling",
        "malformed",
    ]
