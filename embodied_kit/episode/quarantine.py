"""Discarded takes: moved out of the dataset with the reason, never deleted, and back again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from embodied_kit.canonical import parse_json, pretty_bytes
from embodied_kit.episode.dataset import Dataset
from embodied_kit.episode.layout import EPISODES, PRIVATE, sync_folder, write_whole, writing
from embodied_kit.episode.times import rfc3339
from embodied_kit.errors import UsageError

QUARANTINE = f"{PRIVATE}/quarantine"
_REASON_SUFFIX = ".json"  # beside the folder, whose files stay as they were


@dataclass(frozen=True)
class Discarded:
    """One take in quarantine: its id, why, and when (RFC 3339)."""

    episode_id: str
    reason: str
    discarded_at: str


def discard(dataset: Dataset, episode_id: str, reason: str, now_ns: int) -> Path:
    """Move an episode into quarantine.

    Args:
        dataset: An open dataset.
        episode_id: Of an episode folder.
        reason: Why, without personal information.
        now_ns: ns since the Unix epoch.

    Returns:
        Where it lies now.

    Raises:
        UsageError: The dataset is sealed, has no such episode, or the reason is empty.
        EnvironmentUnfitError: It cannot be moved.
    """
    dataset.require_open()
    source = dataset.root / EPISODES / episode_id
    if episode_id not in dataset.episode_ids():
        raise UsageError(
            f"expected an episode of {dataset.root}, got {episode_id!r}",
            remedy=f"embodied-kit dataset ls {dataset.root}",
        )
    if not reason.strip():
        raise UsageError("expected a reason for discarding an episode, got none", remedy="--reason 'gripper slipped'")
    target = dataset.root / QUARANTINE / episode_id
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    entry = {"episode_id": episode_id, "reason": reason, "discarded_at": rfc3339(now_ns)}
    write_whole(_reason_file(target), pretty_bytes(entry))
    _move(source, target)
    dataset.refresh(now_ns)
    return target


def restore(dataset: Dataset, episode_id: str, now_ns: int) -> Path:
    """Bring an episode back from quarantine.

    Args:
        dataset: An open dataset.
        episode_id: Of a take in quarantine; empty for the one discarded last.
        now_ns: ns since the Unix epoch.

    Returns:
        Its episode folder.

    Raises:
        UsageError: The dataset is sealed, or no such take is in quarantine.
        EnvironmentUnfitError: It cannot be moved.
    """
    dataset.require_open()
    entries = quarantined(dataset)
    wanted = [entry for entry in entries if episode_id in {"", entry.episode_id}]
    if not wanted:
        raise UsageError(
            f"expected a discarded episode of {dataset.root}, got {episode_id or 'none'!r}",
            remedy=f"embodied-kit dataset restore {dataset.root} lists them",
        )
    source = dataset.root / QUARANTINE / wanted[-1].episode_id
    target = dataset.root / EPISODES / source.name
    _move(source, target)
    _reason_file(source).unlink(missing_ok=True)
    dataset.refresh(now_ns)
    return target


def quarantined(dataset: Dataset) -> list[Discarded]:
    """Takes in quarantine, the one discarded last at the end."""
    folder = dataset.root / QUARANTINE
    found = [_read(child) for child in sorted(folder.iterdir()) if child.is_dir()] if folder.is_dir() else []
    return sorted(found, key=lambda entry: (entry.discarded_at, entry.episode_id))


def _read(folder: Path) -> Discarded:
    path = _reason_file(folder)
    entry = (parse_json(path.read_bytes()).value if path.is_file() else None) or {}
    return Discarded(folder.name, str(entry.get("reason", "")), str(entry.get("discarded_at", "")))


def _reason_file(folder: Path) -> Path:
    return folder.with_name(folder.name + _REASON_SUFFIX)


def _move(source: Path, target: Path) -> None:
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
        sync_folder(target.parent)
        sync_folder(source.parent)
