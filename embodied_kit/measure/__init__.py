"""Measuring: bytes to facts. Nothing here knows a rule."""

from embodied_kit.measure.api import measure_dataset, measure_path, subject_of
from embodied_kit.measure.cache import default_cache
from embodied_kit.measure.lines import facts_lines, read_facts
from embodied_kit.measure.progress import ProgressCallback

__all__ = [
    "ProgressCallback",
    "default_cache",
    "facts_lines",
    "measure_dataset",
    "measure_path",
    "read_facts",
    "subject_of",
]
