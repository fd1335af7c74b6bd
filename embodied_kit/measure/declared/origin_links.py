"""Table `link`: where data come from, as several documents say it (rules PV-07, DG-06).

A simulation is asked for less. What is declared as simulated in one document must be so in all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from embodied_kit.episode.layout import DATASET_JSON
from embodied_kit.measure.declared.documents import Document
from embodied_kit.measure.declared.jsonget import get_text, get_texts
from embodied_kit.measure.declared.links import DatasetDocuments, EpisodeSummary, link_row
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonObject

_SIM = "sim"
_WHOLE = ("real", _SIM)
"""Origins of a dataset that hold for each of its episodes; the others may stand beside what they were made of."""
_TRUTH = "simulation_truth"
_BOARDS = ("chessboard", "charuco", "apriltag")


def episode_origin_links(name: str, path: str, document: JsonObject, dataset: DatasetDocuments | None) -> Iterator[Row]:
    """Origin of one episode against that of its dataset, and against how it was acquired.

    Args:
        name: Name of the episode's folder.
        path: Of episode.json.
        document: Its content; empty where it cannot be read.
        dataset: None where the episode is measured alone.
    """
    own, mode = get_text(document, "data_origin"), get_text(document, "acquisition_mode")
    whole = get_text(dataset.first("dataset"), "data_origin") if dataset else ""
    if own and whole:
        state = "equal" if own == whole or whole not in _WHOLE else "different"
        yield link_row("data_origin", path, DATASET_JSON, state, expected=whole, found=own, episode=name)
    if mode == _SIM and own == "real":
        yield link_row("data_origin", path, "acquisition_mode", "different", expected=own, found=mode, episode=name)


def calibration_origin_links(dataset: DatasetDocuments, episodes: Sequence[EpisodeSummary]) -> Iterator[Row]:
    """Each calibration by the simulator's truth, or by a board before a lens, against the origin of the data."""
    whole = get_text(dataset.first("dataset"), "data_origin")
    for document in dataset.all("calibration"):
        method = get_text(document.value, "method")
        if method == _TRUTH:
            state = "equal" if whole == _SIM or _all_simulated(document, episodes) else "different"
            yield link_row("calibration_origin", document.path, "method", state, expected=_SIM, found=whole or None)
        elif method in _BOARDS and whole == _SIM:
            yield link_row("data_origin", document.path, "method", "different", expected=whole, found=method)


def _all_simulated(calibration: Document, episodes: Sequence[EpisodeSummary]) -> bool:
    """Whether every episode of the calibration's robot is simulated; a dataset of others may hold such."""
    robot = get_text(calibration.value, "robot_id")
    own = [item.document for item in episodes if robot in get_texts(item.document, "robot_ids")]
    return bool(own) and all(get_text(document, "data_origin") == _SIM for document in own)
