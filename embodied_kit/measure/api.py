"""Measure a path: a dataset, one episode of it, a bare MCAP file or a rosbag2 folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from embodied_kit.episode.layout import BAG_METADATA, DATASET_JSON, EPISODE_JSON, EPISODES
from embodied_kit.episode.paths import path_problem
from embodied_kit.errors import UsageError
from embodied_kit.mcap.records import MAGIC
from embodied_kit.measure.bare import measure_bare
from embodied_kit.measure.dataset import measure_episode_folder, measure_whole
from embodied_kit.measure.engines.engine import Engine, SerialEngine
from embodied_kit.measure.kept.cache import Cache
from embodied_kit.measure.places.location import LocalFolder, Location
from embodied_kit.measure.places.s3 import S3Folder, object_entry, s3_path
from embodied_kit.measure.places.walk import Entry, make_entry
from embodied_kit.measure.progress import MeasureProgress, ProgressCallback
from embodied_kit.measure.sample import Sample
from embodied_kit.measure.streams.follower import Follower
from embodied_kit.model.facts import Depth, Facts


def measure_path(
    path: Path,
    *,
    depth: Depth = "full",
    cache: Path | None = None,
    trust_index: bool = False,
    progress: ProgressCallback | None = None,
    engine: Engine | None = None,
    sample: Sample | None = None,
    follower: Follower | None = None,
) -> Iterator[Facts]:
    """Facts of a dataset folder, one episode folder, a bare MCAP file or a rosbag2 folder, on disk or s3://.

    Of a dataset the episodes come first, in order of their ids, then the dataset itself.

    Args:
        path: What to measure.
        depth: How deep: `index` reads summaries only, `signal` every byte, `full` decodes images too.
        cache: Folder of earlier measurements (see `default_cache`); None measures everything.
        trust_index: Whether an unchanged inode, size, mtime and ctime stand for unchanged bytes. Validation may, an
            attestation or its verification must not.
        progress: Told how far it is.
        engine: What carries out the episodes of a dataset (see `make_engine`); None measures one after the other.
        sample: Measure so many episodes of a dataset only; the facts say so.
        follower: Of one episode: has read it while it was recorded; None for none.

    Raises:
        UsageError: The path does not exist or is none of these, or a sample is asked of anything but a dataset.
    """
    kind = subject_of(path)
    if sample is not None and kind != "dataset":
        raise UsageError("expected a dataset to take a sample of, got one episode or bag", remedy="leave out --sample")
    kept, told = Cache(cache, trust_index=trust_index), MeasureProgress(progress)
    if kind == "dataset":
        return measure_whole(folder_at(path), depth, kept, told, engine or SerialEngine(), sample)
    if kind == "episode":
        return measure_episode_folder(folder_at(path), path.resolve().name, depth, kept, told, follower)
    single = _single(path)
    return measure_bare(folder_at(path.parent if single else path), single, depth, kept, told)


def folder_at(path: Path) -> Location:
    """The folder at a path: on disk, or below a key of `s3://bucket/key`."""
    key = s3_path(path)
    return LocalFolder(path) if key is None else S3Folder(key)


def subject_of(path: Path) -> str:
    """`dataset`, `episode` or `bare`.

    Raises:
        UsageError: The path does not exist or is none of these.
    """
    names = folder_at(path).names()
    if kind := _kind_of_names(names) or _kind_of_file(path):
        return kind
    remedy = "give a dataset folder, an episode folder, an .mcap file or a rosbag2 folder"
    key = s3_path(path)
    shown = path if key is None else f"s3://{key}"
    if not names and (key is not None or not path.exists()):
        raise UsageError(f"expected a path that exists, got {shown}", remedy=remedy)
    raise UsageError(f"expected a dataset, an episode, an MCAP file or a bag, got {shown}", remedy=remedy)


def _kind_of_names(names: set[str]) -> str:
    """What a folder is by the names in it; empty for none of these."""
    if DATASET_JSON in names:
        return "dataset"
    if EPISODE_JSON in names:
        return "episode"
    if BAG_METADATA in names or any(name.endswith((".mcap", ".db3")) for name in names):
        return "bare"
    return "dataset" if EPISODES in names else ""


def _kind_of_file(path: Path) -> str:
    """`bare` for a data file, and for any object of a store; empty for anything else."""
    if _single(path) is None:
        return ""
    return "bare" if s3_path(path) is not None or path.suffix in (".mcap", ".db3") or _is_mcap(path) else ""


def _single(path: Path) -> Entry | None:
    """The entry of a file; None for a folder."""
    key = s3_path(path)
    if key is not None:
        return object_entry(key)
    return make_entry(path.name, path.stat().st_size, path_problem(path.name)) if path.is_file() else None


def _is_mcap(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC
