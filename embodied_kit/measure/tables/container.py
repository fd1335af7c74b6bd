"""Table `container`: what each MCAP file says of itself, held against what it holds (rules CT-01 to CT-06)."""

from __future__ import annotations

from embodied_kit.mcap.container import Agreement, ContainerInfo, Crc
from embodied_kit.measure.rows import make_row
from embodied_kit.measure.streams.episode import Episode
from embodied_kit.measure.streams.scan import FileScan
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonValue


def container_rows(episode: Episode) -> list[Row]:
    """One row a data file."""
    return [container_row(file, episode) for file in episode.scan.files]


def container_row(file: FileScan, episode: Episode) -> Row:
    """Row of one data file; a file that was not opened has one too."""
    if file.info is None:
        reason = "the file could not be opened"
        values: dict[str, JsonValue] = {"path": file.path, "readable": "unreadable"}
        return make_row("container", values, episode=episode.episode_id, reasons=dict.fromkeys(_UNKNOWN, reason))
    reasons = {
        "truncated_at": "the file is whole",
        "declared_messages_n": "the file has no statistics",
        "statistics_ok": "the file has no statistics",
        "messages_with_times_ratio": "the file has no message",
        "unindexed_n": "the file was not read to the end",
        "index_orphans_n": "the file was not read to the end",
        "problems_n": "a part of the file is larger than this tool holds",
    }
    row_values = _values(file, file.info)
    return make_row("container", row_values, episode=episode.episode_id, reasons=reasons, depth=episode.depth)


def _values(file: FileScan, info: ContainerInfo) -> dict[str, JsonValue]:
    opcodes = sorted((*info.unknown_opcodes, *info.private_opcodes))
    messages = info.messages_n or 0
    return {
        "path": file.path,
        "readable": info.readable,
        "truncated_at": info.truncated_at,
        "chunk_crc": _known(info.chunk_crc),
        "crc_bad_n": info.bad_crc_n,
        "other_crc": _joint([info.data_end_crc, info.summary_crc, info.attachment_crc]),
        "chunks_n": info.chunks_n,
        "chunks_without_crc_n": info.chunks_without_crc_n,
        "messages_n": info.messages_n,
        "declared_messages_n": info.messages_declared_n,
        "statistics_ok": _agreement(info),
        "unindexed_n": _unindexed(info),
        "index_orphans_n": info.dangling_entries_n,
        "unknown_opcodes": [f"0x{opcode:02x}" for opcode, _ in opcodes],
        "unknown_opcodes_n": sum(count for _, count in opcodes),
        "channels_n": info.channels_n,
        "channels_without_schema_n": len(info.channels_without_schema),
        "problems_n": info.violations_n,
        "profile": info.profile,
        "library": info.library,
        "compression": ",".join(sorted(name for name in info.compressions if name)),
        "zero_log_times_n": file.zero_log_n,
        "zero_publish_times_n": file.zero_publish_n,
        "messages_with_times_ratio": 1 - file.zero_any_n / messages if messages else None,
    }


def _unindexed(info: ContainerInfo) -> int | None:
    """Messages that no MessageIndex lists: in indexed chunks, outside chunks, and all where no chunk has an index."""
    if info.message_index == "absent":
        return info.messages_n
    if info.unindexed_messages_n is None or info.loose_messages_n is None:
        return None
    return info.unindexed_messages_n + info.loose_messages_n


def _known(crc: Crc) -> str | None:
    return None if crc == "unknown" else crc


def _joint(states: list[Crc]) -> str | None:
    """One state for several checksums: a bad one decides, then an absent one; `none` and unknown ones say nothing."""
    told = {state for state in states if state not in ("unknown", "none")}
    return next((state for state in ("bad", "partial", "absent", "ok") if state in told), None)


def _agreement(info: ContainerInfo) -> bool | None:
    """Whether statistics and summary agree with the content; a summary without them is no disagreement."""
    states: list[Agreement] = [info.statistics, info.chunk_index, info.attachment_index, info.summary_repeats]
    if "bad" in states or info.chunk_times == "bad":
        return False
    return None if info.statistics in ("absent", "unknown") else True


_UNKNOWN = (
    *("truncated_at", "chunk_crc", "crc_bad_n", "other_crc", "chunks_n", "chunks_without_crc_n", "messages_n"),
    *("declared_messages_n", "statistics_ok", "unindexed_n", "index_orphans_n", "unknown_opcodes", "channels_n"),
    *("unknown_opcodes_n", "channels_without_schema_n", "problems_n", "messages_with_times_ratio"),
)
