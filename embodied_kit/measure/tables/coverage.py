"""Tables `coverage` and `error`: what was looked at, and what makes other tables incomplete."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from embodied_kit.measure.derived.track import too_long
from embodied_kit.measure.places.walk import Entry
from embodied_kit.measure.rows import NEEDS_SIGNAL, error_row, make_row
from embodied_kit.measure.streams.episode import Episode
from embodied_kit.measure.streams.scan import FileScan
from embodied_kit.measure.streams.series import Series
from embodied_kit.measure.streams.sound import TOO_MUCH_SOUND
from embodied_kit.model.facts import Depth, Row
from embodied_kit.model.json import JsonValue

CONTENT_TABLES = ["stream", "dim", "frame", "pair", "span", "signature", "text", "audio", "cloud", "kin", "geometry"]
UNREAD = "a data file is missing or is not opened"
_OF_DIMENSIONS = ("dim", "pair", "signature", "span")
_CONTENT = tuple(CONTENT_TABLES)
_Error = tuple[str, str, tuple[str, ...], str]
"""(path, measurer, tables, reason)."""
_READABLE = {
    "truncated": "the file ends before its data do",
    "bad_magic": "the file is no MCAP file",
    "unreadable": "the file cannot be read",
}


def coverage_row(
    path: str,
    episode: str | None,
    *,
    opened: bool,
    decoded: bool,
    sampled: bool = False,
    seen: bool = True,
    reason: str = "",
) -> Row:
    """Row of one file or stream; what was seen and not opened is ignored, and says why."""
    values: dict[str, JsonValue] = {
        "path": path,
        "seen": seen,
        "opened": opened,
        "decoded": decoded,
        "sampled": sampled,
        "ignored": seen and not opened,
        "reason": reason,
    }
    return make_row("coverage", values, episode=episode)


def coverage_rows(episode: Episode) -> list[Row]:
    """A row per data file, and one per stream of it that was not decoded."""
    rows = [_file_row(file, episode) for file in episode.scan.files]
    if episode.depth == "index":
        return rows
    first = episode.scan.files[0].path if episode.scan.files else ""
    for series in episode.scan.series.values():
        reason = _not_decoded(series)
        if reason:
            path = next((file.path for file in episode.scan.files if series.topic in file.topics), first)
            rows.append(
                coverage_row(f"{path}#{series.topic}", episode.episode_id, opened=True, decoded=False, reason=reason)
            )
    unique = {str(row["path"]): row for row in rows}
    return list(unique.values())


def error_rows(episode: Episode) -> list[Row]:
    """Rows of everything that makes a table incomplete."""
    return [
        error_row(path, measurer, list(tables), reason, episode=episode.episode_id)
        for path, measurer, tables, reason in dict.fromkeys(_errors(episode))  # many streams may have one error
    ]


def unread_data(entries: Iterable[Entry], episode: str | None) -> list[Row]:
    """Error rows of data files that are missing or must not be opened."""
    return [
        error_row(
            entry.path,
            "scan",
            ["container", *CONTENT_TABLES],
            UNREAD,
            episode=episode,
        )
        for entry in entries
        if entry.kind == "mcap" and entry.size is None
    ]


def _file_row(file: FileScan, episode: Episode) -> Row:
    info = file.info
    if info is None:
        return coverage_row(file.path, episode.episode_id, opened=False, decoded=False, reason=file.error)
    if episode.depth == "index":
        return coverage_row(file.path, episode.episode_id, opened=True, decoded=False, reason=NEEDS_SIGNAL)
    reason = _READABLE.get(info.readable, "")
    if not reason and info.chunks_seen_n < info.chunks_n:
        reason = "some chunks could not be opened"
    return coverage_row(file.path, episode.episode_id, opened=True, decoded=not reason, reason=reason)


def _not_decoded(series: Series) -> str:
    if series.unsupported_n:
        return "this tool does not decode messages of this encoding"
    if series.frames is not None and series.depth == "full" and series.frames.undecoded_n:
        return series.frames.remedy
    return "no message could be decoded" if series.n and series.failed_n == series.n else ""


def _errors(episode: Episode) -> Iterator[_Error]:
    for file in episode.scan.files:
        yield from _file_errors(file, episode.depth)
    if episode.scan.overflowed:
        yield "", "scan", _CONTENT, "there are more channels than are measured"
    for series in episode.scan.series.values():
        yield from _series_errors(series)


def _file_errors(file: FileScan, depth: Depth) -> Iterator[_Error]:
    """What a data file makes incomplete."""
    if file.info is None:
        yield file.path, "scan", ("container", *CONTENT_TABLES), file.error
        return
    if file.info.readable != "ok":
        yield file.path, "scan", _CONTENT, _READABLE[file.info.readable]
    elif depth != "index" and file.info.chunks_seen_n < file.info.chunks_n:
        yield file.path, "scan", _CONTENT, "some chunks could not be opened"
    if file.info.changed:
        yield file.path, "scan", _CONTENT, "the file changed while it was read"
    if file.embedded_left_out_n:
        yield file.path, "scan", ("document", "link"), "there are more embedded documents than are read"
    if file.info.messages_without_channel_n:
        yield file.path, "scan", _CONTENT, "some messages belong to no channel"


def _series_errors(series: Series) -> Iterator[_Error]:
    """What a stream has more of than is measured."""
    if series.overflowed:
        yield "", "scan", ("stream", "link"), "a transform topic has more frames than are measured"
    if series.names_overflowed:
        yield "", "scan", ("link",), "a stream names more elements than are kept"
    if series.numeric.overflowed:
        yield "", "dim", _OF_DIMENSIONS, "a field has more dimensions than are measured"
    if series.sound is not None and series.sound.overflowed:
        yield "", "audio", ("audio",), TOO_MUCH_SOUND
    if any(too_long(field) for field in series.numeric.fields.values()):
        yield "", "pair", ("pair", "signature"), "a stream is too long to be compared with another"
