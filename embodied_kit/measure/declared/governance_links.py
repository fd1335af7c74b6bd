"""Table `link` of governance.json: treatment of personal information, shares, receipts (rules PR-06, PR-15, PR-20)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from embodied_kit.episode.layout import GOVERNANCE_JSON
from embodied_kit.measure.declared.jsonget import get_bool, get_number, get_objects, get_text, get_texts
from embodied_kit.measure.declared.links import DatasetDocuments, EpisodeSummary, link_row
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonObject

_MODALITY = {
    **dict.fromkeys(
        ("face", "body_gait", "hand_biometric", "home_interior", "document_text", "licence_plate"), "vision"
    ),
    "voice": "acoustic",
}
"""Category of personal information -> modality of the streams that carry it."""
_DONE = ("applied", "reviewed")
_RECEIPT = ("proofId", "contractId", "strategyId", "logHash", "timestamp", "signature")
_WHOLE_PERCENT = 100
_PERCENT_STEP = 1e-6


def governance_links(dataset: DatasetDocuments, episodes: Sequence[EpisodeSummary]) -> Iterator[Row]:
    """Every link of governance.json; none where it cannot be read."""
    governance = dataset.first("governance")
    some = any(item != "none" for item in get_texts(governance, "pi_categories"))
    declared = get_bool(governance, "contains_personal_info")
    if declared is not None and declared != some and "pi_categories" in governance:
        yield link_row("deid_target", GOVERNANCE_JSON, "pi_categories", "missing" if declared else "unexpected")
    if declared:
        yield from _treatments(governance, episodes)
    yield from _shares(governance)
    contract = get_text(governance, "usage_contract_id")
    for index, receipt in enumerate(get_objects(governance, "usage_receipts")):
        named = get_text(receipt, "contractId")
        whole = all(get_text(receipt, name) for name in _RECEIPT)
        state = "malformed" if not whole else "equal" if named == contract else "dangling"
        yield link_row("usage_receipt", GOVERNANCE_JSON, f"usage_receipts[{index}]", state)


def undeclared_pi(name: str, streams: Sequence[Row], dataset: DatasetDocuments | None) -> Iterator[Row]:
    """A row for each stream of an episode that carries personal information where governance.json knows of none.

    Args:
        name: Name of the episode's folder.
        streams: Its rows of the table `stream`.
        dataset: None where the episode is measured alone.
    """
    if dataset is not None and get_bool(dataset.first("governance"), "contains_personal_info") is False:
        for stream in sorted({str(row["stream"]) for row in streams if row.get("present") and row.get("contains_pi")}):
            yield link_row("deid_target", GOVERNANCE_JSON, stream, "unexpected", episode=name)


def _treatments(governance: JsonObject, episodes: Sequence[EpisodeSummary]) -> Iterator[Row]:
    """For each declared category the episodes in which it, or every stream that may carry it, was treated."""
    entries = get_objects(governance, "deid")
    categories = [item for item in get_texts(governance, "pi_categories") if item != "none"]
    streams = {get_text(s, "stream_id") for episode in episodes for s in get_objects(episode.document, "streams")}
    for category in categories:
        needed = [item for item in episodes if _may_carry(category, item)]
        treated = [item for item in needed if _is_treated(category, item, entries)]
        state = "equal" if len(treated) == len(needed) else "different" if treated else "missing"
        counts = {"expected": str(len(needed)), "found": str(len(treated))}
        yield link_row("deid_target", GOVERNANCE_JSON, category, state, **counts)
    for target in sorted({get_text(entry, "target") for entry in entries} - streams - {*categories, *_MODALITY}):
        yield link_row("deid_target", GOVERNANCE_JSON, target, "dangling")


def _may_carry(category: str, episode: EpisodeSummary) -> bool:
    return category not in _MODALITY or bool(_carriers(category, episode))


def _carriers(category: str, episode: EpisodeSummary) -> list[str]:
    streams = get_objects(episode.document, "streams")
    wanted = _MODALITY.get(category)
    return [get_text(item, "stream_id") for item in streams if wanted and get_text(item, "modality") == wanted]


def _is_treated(category: str, episode: EpisodeSummary, entries: Sequence[JsonObject]) -> bool:
    done = {get_text(entry, "target") for entry in entries if _speaks_of(entry, episode.name)}
    carriers = _carriers(category, episode)
    return category in done or (bool(carriers) and done.issuperset(carriers))


def _speaks_of(entry: JsonObject, episode: str) -> bool:
    named = get_texts(entry, "episode_ids")
    return get_text(entry, "status") in _DONE and (not named or episode in named)


def _shares(governance: JsonObject) -> Iterator[Row]:
    entries = get_objects(governance, "contribution")
    if not entries:
        return
    shares = [get_number(entry, "share_percent") for entry in entries]
    known = [share for share in shares if share is not None]
    total = sum(known)
    complete = len(known) == len(shares)
    state = "missing" if not complete else "equal" if abs(total - _WHOLE_PERCENT) <= _PERCENT_STEP else "different"
    found = f"{total:.9g}" if complete else None
    yield link_row("contribution_sum", GOVERNANCE_JSON, "contribution", state, expected="100", found=found)
