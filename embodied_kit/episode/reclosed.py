"""closing.json of a take that nobody closed: from its messages, and what its journal says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from embodied_kit.episode.content import ChannelCount, Content
from embodied_kit.episode.document import SCHEMA_VERSION, UNKNOWN_LOSS
from embodied_kit.episode.span import Span
from embodied_kit.model.json import JsonObject, JsonValue


@dataclass
class Said:
    """What a journal says of a take; ns since the Unix epoch.

    Attributes:
        start_ns, end_ns: Of the span, where said.
        result: Outcome and what else was said of the take: fields of closing.json.
        closing: The closing document, where the recorder came as far as that.
        interventions: Start and end; None where it had not ended.
    """

    start_ns: int | None = None
    end_ns: int | None = None
    stop_reason: str = ""
    result: JsonObject = field(default_factory=dict)
    closing: JsonObject | None = None
    events: list[JsonObject] = field(default_factory=list)
    interventions: list[tuple[int, int | None]] = field(default_factory=list)

    @classmethod
    def of(cls, lines: Iterable[JsonObject]) -> Said:
        """Read the lines of a journal."""
        said = cls()
        for line in lines:
            said.hear(str(line.get("kind")), {name: value for name, value in line.items() if name != "kind"})
        return said

    def hear(self, kind: str, fields: JsonObject) -> None:
        """Take in one line."""
        if kind == "opened":
            self.start_ns = _ns(fields, "start_ns")
        elif kind == "stopped":
            self.end_ns, self.stop_reason = _ns(fields, "end_ns"), str(fields.get("stop_reason", ""))
        elif kind == "said":
            self.result = fields
        elif kind == "event":
            self.events.append(fields)
        elif kind == "intervention":
            self._intervene(_ns(fields, "time_ns") or 0, on=fields.get("on") is True)
        elif kind == "closing":
            closing = fields.get("closing")
            self.closing = closing if isinstance(closing, Mapping) else None

    def _intervene(self, time_ns: int, *, on: bool) -> None:
        if on:
            self.interventions.append((time_ns, None))
        elif self.interventions:
            self.interventions[-1] = (self.interventions[-1][0], max(time_ns, self.interventions[-1][0]))


@dataclass(frozen=True)
class Loss:
    """What is known to be lost.

    Attributes:
        cut_bytes: Behind the last whole record of the files.
        damaged_n: Messages of chunks whose CRC does not hold.
        missing_n: Messages that the recorder had counted and the files lack; None where it did not come to say.
    """

    cut_bytes: int
    damaged_n: int
    missing_n: int | None

    def sentence(self) -> str:
        """In plain words."""
        missing = (
            "what was received within about 1 s before may be missing"
            if self.missing_n is None
            else f"{self.missing_n} messages missing"
        )
        return (
            "the recorder ended without closing the take; "
            f"cut: {self.cut_bytes} bytes, {self.damaged_n} damaged messages; {missing}"
        )


def loss_of(parts: Sequence[Content], said: Said) -> Loss:
    """What the data files of a take lack, as far as that can be known."""
    cut_bytes = sum(part.info.size - part.info.truncated_at for part in parts if part.info.truncated_at is not None)
    missing_n = None
    if said.closing is not None:
        received_n = sum(int(str(entry.get("received_n", 0))) for entry in _entries(said.closing.get("streams")))
        missing_n = max(received_n - sum(part.messages_n for part in parts), 0)
    return Loss(cut_bytes, sum(part.damaged_n for part in parts), missing_n)


def reclosed(episode_id: str, capture: JsonObject, parts: Sequence[Content], said: Said) -> JsonObject:
    """Compose the closing document.

    Args:
        episode_id: Of the take.
        capture: Its capture document.
        parts: Its data files, with at least one message in all.
        said: What the journal says.
    """
    spans = [part.log_span for part in parts if part.log_span is not None]
    first_ns, last_ns = min(start for start, _ in spans), max(end for _, end in spans)
    loss = loss_of(parts, said)
    span = _span(said, first_ns, last_ns, whole=loss.missing_n == 0)
    closing = said.closing or {}
    clocks = capture.get("clocks")
    base: JsonObject = {
        "schema_version": SCHEMA_VERSION,
        "episode_id": episode_id,
        "outcome": "unknown",
        **said.result,
        "stop_reason": said.stop_reason or "recovered",
        "transport_counters": {},
        "clocks": clocks if clocks is not None else [],
        "intervention_segments": _interventions(said, span.end_ns),
        **{name: value for name, value in closing.items() if name not in {"pre_roll_s", "post_roll_s"}},
    }
    event = {"time_ns": str(last_ns), "name": "recovered", "text": loss.sentence()}
    return {
        **base,
        **span.document(),
        "streams": _streams(capture, parts, _entries(closing.get("streams"))),
        "events": [*(_entries(closing["events"]) if "events" in closing else said.events), event],
        "files_n": len(parts),
    }


def _span(said: Said, first_ns: int, last_ns: int, *, whole: bool) -> Span:
    """As it was said, but no longer than there are messages, unless nothing is missing."""
    closing = said.closing or {}
    start_ns = _ns(closing, "start_ns") or said.start_ns or first_ns
    end_ns = _ns(closing, "end_ns") or said.end_ns or last_ns
    if not whole:
        start_ns = start_ns if start_ns <= last_ns else first_ns
        end_ns = min(end_ns, last_ns)
    return Span(start_ns, max(end_ns, start_ns), first_ns, last_ns)


def _interventions(said: Said, end_ns: int) -> list[JsonObject]:
    spans = [(start, end_ns if end is None else min(end, end_ns)) for start, end in said.interventions]
    return [{"start_ns": str(start), "end_ns": str(end)} for start, end in spans if start <= end]


def _streams(capture: JsonObject, parts: Sequence[Content], ledger: Sequence[JsonObject]) -> list[JsonObject]:
    """`streams[]`: what the files hold, and the losses of the recorder's own ledger where it came to write one."""
    counts: dict[tuple[str, str], list[ChannelCount]] = {}
    for part in parts:
        for count in part.channels:
            if count.messages_n:
                counts.setdefault((count.channel.topic, count.channel.publisher), []).append(count)
    told = {(str(entry.get("topic")), str(entry.get("publisher", ""))): entry for entry in ledger}
    contract = capture.get("contract")
    result: list[JsonObject] = []
    for stream in _entries(contract.get("streams") if isinstance(contract, Mapping) else None):
        topic = str(stream.get("topic"))
        keys = [key for key in dict.fromkeys((*counts, *told)) if key[0] == topic] or [(topic, "")]
        result += [_entry(stream, key[1], counts.get(key, ()), told.get(key, {})) for key in keys]
    return result


def _entry(stream: JsonObject, publisher: str, counts: Sequence[ChannelCount], told: JsonObject) -> JsonObject:
    entry: dict[str, JsonValue] = {**told, "stream_id": stream.get("stream_id"), "topic": stream.get("topic")}
    if publisher:
        entry["publisher"] = publisher
    entry["received_n"] = sum(count.messages_n for count in counts)
    if counts:
        entry["first_receive_ns"] = str(counts[0].first_log_ns)
        entry["first_source_ns"] = str(counts[0].first_source_ns)
        entry["last_source_ns"] = str(counts[-1].last_source_ns)
    numbered = [count for count in counts if count.channel.sequence_source == "publisher"]
    seen: dict[str, JsonValue] = (
        {"publisher_sequence": sum(count.sequence_lost_n for count in numbered)} if numbered else {}
    )
    loss = told.get("loss")
    entry["loss"] = {**UNKNOWN_LOSS, **seen, **(loss if isinstance(loss, Mapping) else {})}
    return entry


def _ns(fields: JsonObject, name: str) -> int | None:
    text = str(fields.get(name, ""))
    return int(text) if text.isdecimal() else None


def _entries(value: JsonValue) -> list[JsonObject]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    return [entry for entry in value if isinstance(entry, Mapping)]
