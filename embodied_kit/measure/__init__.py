"""Measuring: bytes to facts. Nothing here knows a rule."""

from embodied_kit.measure.api import folder_at, measure_path, subject_of
from embodied_kit.measure.engines.engine import make_engine
from embodied_kit.measure.kept.cache import default_cache
from embodied_kit.measure.kept.lines import facts_lines, read_facts, read_units, spooled_lines
from embodied_kit.measure.progress import ProgressCallback
from embodied_kit.measure.sample import Sample

__all__ = [
    "ProgressCallback",
    "Sample",
    "default_cache",
    "facts_lines",
    "folder_at",
    "make_engine",
    "measure_path",
    "read_facts",
    "read_units",
    "spooled_lines",
    "subject_of",
]
