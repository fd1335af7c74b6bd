"""How `measure` and `validate` measure a path: engine, sample, cache, progress."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from embodied_kit.cli.progress import progress_bar
from embodied_kit.cli.texts import Texts
from embodied_kit.measure import Sample, default_cache, make_engine, measure_path
from embodied_kit.measure.kept.eviction import max_cache_bytes, trim
from embodied_kit.model.engine import EngineName
from embodied_kit.model.facts import Depth, Facts


@dataclass(frozen=True)
class Measuring:
    """Engine, processes and sample; what the options of `measuring_options` say.

    Attributes:
        engine: Name of the engine.
        jobs: Processes at most; None for all cores.
        sample: Episodes at most; None for all.
        seed: Of the sample.
    """

    engine: EngineName = "serial"
    jobs: int | None = None
    sample: int | None = None
    seed: int = 0


def measured_each(path: Path, depth: Depth, texts: Texts, how: Measuring, *, trust_index: bool) -> Iterator[Facts]:
    """Facts of a dataset, episode, MCAP or bag as they are measured, with a progress bar on a terminal.

    Args:
        path: What to measure.
        depth: How deep.
        texts: Language of the bar.
        how: Engine and sample.
        trust_index: Whether unchanged files may be known by inode and times; never for an attestation.
    """
    cache, max_bytes = default_cache(), max_cache_bytes()
    with progress_bar(texts("measuring", "测量")) as tick:
        yield from measure_path(
            path,
            depth=depth,
            cache=cache,
            trust_index=trust_index,
            progress=lambda _files, done, total: tick(done, total),
            engine=make_engine(how.engine, how.jobs),
            sample=None if how.sample is None else Sample(how.sample, how.seed),
        )
    trim(cache, max_bytes)
