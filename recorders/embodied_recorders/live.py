"""How the streams of a contract do right now: rate, age, gap, bytes, and the newest image of each camera."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from embodied_kit.model.contract import Contract
from embodied_kit.model.stream import Endpoint, Sample, Stream
from embodied_recorders.control import Band, StreamState, Texts
from embodied_recorders.survey import by_topic

WINDOW_S = 2.0
_IMAGE_MODALITY = "vision"
ABSENT: Texts = {"en": "no publisher", "zh": "没有发布者"}
SILENT: Texts = {"en": "no message", "zh": "没有消息"}
NOTHING_WRONG: Texts = {}


@dataclass
class _Live:
    """Running counts of one stream; times in s of a monotonic clock."""

    stream: Stream
    arrivals: deque[tuple[float, int]] = field(default_factory=deque)
    n: int = 0
    bytes_n: int = 0
    last_s: float | None = None
    max_gap_s: float | None = None
    newest: bytes | None = None
    publishers_n: int = 0

    def add(self, samples: Sequence[Sample], now_s: float) -> None:
        if self.last_s is not None:
            self.max_gap_s = max(self.max_gap_s or 0.0, now_s - self.last_s)
        self.n += len(samples)
        self.bytes_n += sum(len(sample.cdr) for sample in samples)
        self.last_s = now_s
        self.arrivals.append((now_s, len(samples)))
        if self.stream.modality == _IMAGE_MODALITY:
            self.newest = samples[-1].cdr

    def begin(self) -> None:
        self.n = self.bytes_n = 0
        self.max_gap_s = None

    def rate_hz(self, now_s: float) -> float | None:
        while self.arrivals and self.arrivals[0][0] < now_s - WINDOW_S:
            self.arrivals.popleft()
        n = sum(count for _, count in self.arrivals)
        span_s = now_s - self.arrivals[0][0] if self.arrivals else 0.0
        return n / max(span_s, WINDOW_S / 2) if n > 1 else None


class LiveStreams:
    """Live counts of every stream of a contract.

    Args:
        contract: What is recorded.
    """

    def __init__(self, contract: Contract) -> None:
        self._live = {stream.topic: _Live(stream) for stream in contract.streams}
        self._by_id = {live.stream.stream_id: live for live in self._live.values()}

    def add(self, samples: Sequence[Sample], now_s: float) -> None:
        """Count samples that have just arrived, at `now_s` of a monotonic clock."""
        groups: dict[str, list[Sample]] = {}
        for sample in samples:
            groups.setdefault(sample.topic, []).append(sample)
        for topic, group in groups.items():
            if topic in self._live:
                self._live[topic].add(group, now_s)

    def see(self, endpoints: Sequence[Endpoint]) -> None:
        """Note which publishers there are."""
        found = by_topic(endpoints)
        for topic, live in self._live.items():
            live.publishers_n = len(found.get(topic, ()))

    def begin(self) -> None:
        """A take begins: counts are of it."""
        for live in self._live.values():
            live.begin()

    def states(self, now_s: float) -> tuple[StreamState, ...]:
        """Every stream, in the order of the contract."""
        return tuple(_state(live, now_s) for live in self._live.values())

    def blocking(self, now_s: float) -> tuple[Texts, ...]:
        """Why a take cannot begin: required streams that are absent or silent, language -> text."""
        return tuple(
            {language: f"{state.topic}: {text}" for language, text in state.problem.items()}
            for state in self.states(now_s)
            if state.required and state.band in {"absent", "silent"}
        )

    def image(self, stream_id: str) -> bytes | None:
        """Newest message (CDR) of an image stream; None where none came."""
        live = self._by_id.get(stream_id)
        return live.newest if live else None


def _state(live: _Live, now_s: float) -> StreamState:
    stream = live.stream
    rate, age = live.rate_hz(now_s), None if live.last_s is None else now_s - live.last_s
    band, problem = _band(live, rate, age)
    return StreamState(
        stream.stream_id,
        stream.topic,
        stream.modality,
        stream.required,
        stream.nominal_rate_hz,
        live.publishers_n,
        n=live.n,
        bytes_n=live.bytes_n,
        rate_hz=rate,
        age_s=age,
        max_gap_s=live.max_gap_s,
        band=band,
        problem=problem,
    )


def _band(live: _Live, rate_hz: float | None, age_s: float | None) -> tuple[Band, Texts]:
    stream = live.stream
    if not live.publishers_n:
        return "absent", ABSENT
    if stream.cadence == "latched":
        return ("silent", SILENT) if age_s is None else ("ok", NOTHING_WRONG)
    if stream.cadence != "periodic" or not stream.nominal_rate_hz:
        return "ok", NOTHING_WRONG
    longest_s = max(1.0, 3 / stream.nominal_rate_hz)
    if age_s is None or age_s > longest_s:
        return "silent", SILENT
    error = abs((rate_hz or 0.0) / stream.nominal_rate_hz - 1)
    if error <= stream.rate_tolerance:
        return "ok", NOTHING_WRONG
    text: Texts = {
        "en": f"{rate_hz or 0.0:.3g} Hz, contract says {stream.nominal_rate_hz:.3g} Hz",
        "zh": f"实测 {rate_hz or 0.0:.3g} Hz，约定 {stream.nominal_rate_hz:.3g} Hz",
    }
    return ("warn" if error <= 2 * stream.rate_tolerance else "bad"), text
