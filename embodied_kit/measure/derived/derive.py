"""Derived tables: what needs several streams, or a robot, a calibration or a layer; the recording is not read again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from embodied_kit.canonical import canonical_bytes, sha256_hex
from embodied_kit.measure.declared.given import NOTHING_GIVEN, Given
from embodied_kit.measure.declared.jsonget import get_text
from embodied_kit.measure.derived.tracks import Tracks
from embodied_kit.measure.kept.recording import Recording
from embodied_kit.measure.measured import Tables
from embodied_kit.measure.rows import failed_row
from embodied_kit.model.facts import DEPTHS, Depth, Row
from embodied_kit.model.json import JsonObject


@dataclass(frozen=True)
class DeriveInput:
    """All that a derived table may be made of.

    Attributes:
        episode_id: None for a bare file or bag.
        depth: Of the scan.
        tracks: Numeric columns of the recording.
        streams: Declared streams.
        given: Robots, calibrations and layers: of the dataset's folder where it has them, else the embedded ones.
        span: Start and end of the episode in ns; None where no document says.
        facts: Tables of the scan.
    """

    episode_id: str | None
    depth: Depth
    tracks: Tracks
    streams: tuple[JsonObject, ...] = ()
    given: Given = NOTHING_GIVEN
    span: tuple[int, int] | None = None
    facts: Tables = field(default_factory=dict)

    def by_role(self, role: str) -> list[JsonObject]:
        """Declared streams of one role."""
        return [stream for stream in self.streams if get_text(stream, "role") == role]


@dataclass(frozen=True)
class Deriver:
    """One kind of derived rows and how they are made.

    Attributes:
        name: Of the deriver.
        version: Raised with every change of a number; part of the key.
        needs: Least depth of the scan.
        tables: Tables to which it adds rows.
        run: Its rows by table; must depend on the input alone.
    """

    name: str
    version: int
    needs: Depth
    tables: tuple[str, ...]
    run: Callable[[DeriveInput], Tables]


def derived_key(scan_key: str, given: Given, derivers: Sequence[Deriver]) -> str:
    """Content key of derived tables, sha256 hex.

    Args:
        scan_key: Of the scan; it covers the data files, what they carry, the standard and this tool.
        given: Of the dataset's folder.
        derivers: That will run.
    """
    versions: JsonObject = {item.name: item.version for item in derivers}
    return sha256_hex(canonical_bytes({"scan": scan_key, "given": given.digest(), "derivers": versions}))


def derived_tables(depth: Depth, derivers: Sequence[Deriver]) -> list[str]:
    """Tables to which the derivers of one depth add rows."""
    return list(dict.fromkeys(name for item in _at(depth, derivers) for name in item.tables))


def derive(
    recording: Recording,
    given: Given,
    facts: Tables,
    *,
    episode_id: str | None,
    depth: Depth,
    derivers: Sequence[Deriver],
) -> dict[str, list[Row]]:
    """Rows of all derivers by table; one that fails leaves a row of the table `error` for each of its tables."""
    streams, span = recording.streams, recording.span
    known = DeriveInput(episode_id, depth, recording.tracks, streams, given.over(recording.embedded), span, facts)
    tables: dict[str, list[Row]] = {name: [] for name in derived_tables(depth, derivers)}
    for deriver in _at(depth, derivers):
        try:
            found = deriver.run(known)
        except Exception as error:  # noqa: BLE001 - whatever a measure stumbles over, the rest is measured
            found = {"error": [failed_row(deriver.name, list(deriver.tables), error, episode=episode_id)]}
        for name, rows in found.items():
            tables.setdefault(name, []).extend(rows)
    return tables


def merged(scan: Tables, derived: Tables) -> dict[str, Sequence[Row]]:
    """Tables of a scan with the derived rows added."""
    return {**scan, **{name: [*scan.get(name, ()), *rows] for name, rows in derived.items()}}


def _at(depth: Depth, derivers: Sequence[Deriver]) -> list[Deriver]:
    return [item for item in derivers if DEPTHS.index(item.needs) <= DEPTHS.index(depth)]
