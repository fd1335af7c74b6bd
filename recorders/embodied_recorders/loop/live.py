"""How the streams of a contract do right now: rate, age, gap, bytes, loss, and the newest image of each camera."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from embodied_kit.episode.datafile import QueueCount
from embodied_kit.language import Texts
from embodied_kit.measure.images.access import Access, access
from embodied_kit.measure.images.encoding import VIDEO_CODECS, read_coding
from embodied_kit.messages.coded import PICTURE_TYPES, coded_picture
from embodied_kit.model.contract import Contract
from embodied_kit.model.stream import Sample, Stream
from embodied_recorders.graph.watch import GraphView
from embodied_recorders.loop.control import Band, StreamState
from embodied_recorders.take.ledger import StreamTotals

WINDOW_S = 2.0
_MOST_PERIODS = 5  # a slow stream is looked at longer than the window
_REPEATS_WARN, _REPEATS_BAD = 0.1, 0.5  # share of the last messages that bring nothing new
_ALONE = (Access.ALONE, Access.OPEN)
_IMAGE_MODALITY = "vision"
ABSENT: Texts = {"en": "no publisher", "zh": "没有发布者"}
SILENT: Texts = {"en": "no message", "zh": "没有消息"}
REPEATS: Texts = {
    "en": "{share:.0%} of the last messages repeat a stamp or picture",
    "zh": "最近消息中 {share:.0%} 的时间戳或画面重复",
}
OFF_RATE: Texts = {
    "en": "{found:.3g} Hz, contract says {wanted:.3g} Hz",
    "zh": "实测 {found:.3g} Hz，约定 {wanted:.3g} Hz",
}
NOTHING_WRONG: Texts = {}


@dataclass
class _Live:
    """Running counts of one stream; times in s of a monotonic clock.

    Attributes:
        arrivals: When and how many, by publisher, of the last seconds.
        repeats: When, how many repeated and how many came, since the counts began.
    """

    stream: Stream
    arrivals: dict[str, deque[tuple[float, int]]] = field(default_factory=dict)
    repeats: deque[tuple[float, int, int]] = field(default_factory=deque)
    n: int = 0
    bytes_n: int = 0
    last_s: float | None = None
    max_gap_s: float | None = None
    newest: bytes | None = None
    publishers_n: int = 0
    unfit: Texts = field(default_factory=dict)
    totals: StreamTotals = field(default_factory=StreamTotals)
    queue: QueueCount = field(default_factory=QueueCount)

    def add(self, publisher: str, samples: Sequence[Sample], now_s: float) -> None:
        if self.last_s is not None:
            self.max_gap_s = max(self.max_gap_s or 0.0, now_s - self.last_s)
        self.n += len(samples)
        self.bytes_n += sum(len(sample.cdr) for sample in samples)
        self.last_s = now_s
        self.arrivals.setdefault(publisher, deque()).append((now_s, len(samples)))
        if self.stream.ros_type in PICTURE_TYPES:
            self.newest = _newest_picture(self.stream.ros_type, samples) or self.newest

    def begin(self) -> None:
        self.n = self.bytes_n = 0
        self.max_gap_s = None

    def see(self, publishers: Sequence[str], unfit: Texts) -> None:
        self.publishers_n, self.unfit = len(publishers), unfit
        for gone in [one for one in self.arrivals if one and one not in publishers]:
            del self.arrivals[gone]

    def rate_hz(self, now_s: float) -> float | None:
        """Of the slowest publisher; where nobody tells them apart, the mean of all."""
        rates = [_rate_hz(arrivals, now_s - self._window_s()) for arrivals in self.arrivals.values()]
        known = [rate for rate in rates if rate is not None]
        if not known:
            return None
        return known[0] / max(self.publishers_n, 1) if list(self.arrivals) == [""] else min(known)

    def repeat_share(self, now_s: float) -> float:
        """Share of the last messages that bring nothing new, by stamp or picture."""
        while len(self.repeats) > 1 and self.repeats[0][0] < now_s - self._window_s():
            self.repeats.popleft()
        if len(self.repeats) < 2:  # a difference needs two
            return 0.0
        (_, before, _), (_, after, _) = self.repeats[0], self.repeats[-1]
        came = self.repeats[-1][2] - self.repeats[0][2]
        return (after - before) / came if came > _MOST_PERIODS else 0.0

    def count(self, totals: StreamTotals, queue: QueueCount, now_s: float) -> None:
        self.totals, self.queue = totals, queue
        pictures = totals.duplicate_n if self.stream.modality == _IMAGE_MODALITY else 0
        if self.repeats and totals.received_n < self.repeats[-1][2]:  # counts began anew
            self.repeats.clear()
        self.repeats.append((now_s, max(totals.stale_n, pictures), totals.received_n))

    def _window_s(self) -> float:
        rate_hz = self.stream.nominal_rate_hz
        return max(WINDOW_S, _MOST_PERIODS / rate_hz) if rate_hz else WINDOW_S


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
        groups: dict[tuple[str, str], list[Sample]] = {}
        for sample in samples:
            groups.setdefault((sample.topic, sample.publisher), []).append(sample)
        for (topic, publisher), group in groups.items():
            if topic in self._live:
                self._live[topic].add(publisher, group, now_s)

    def see(self, view: GraphView) -> None:
        """Note which publishers there are, and what is wrong with them."""
        for topic, live in self._live.items():
            live.see(view.publishers.get(topic, ()), view.problems.get(topic, NOTHING_WRONG))

    def count(
        self, totals: Mapping[str, StreamTotals], queues: Mapping[tuple[str, str], QueueCount], now_s: float
    ) -> None:
        """Note what is known to be lost or repeated, by topic, and what the queue did to each topic and publisher."""
        for topic, live in self._live.items():
            mine = [count for (queued, _), count in queues.items() if queued == topic]
            queue = QueueCount(
                dropped_n=sum(count.dropped_n for count in mine),
                high_water_bytes=sum(count.high_water_bytes for count in mine),
            )
            live.count(totals.get(topic, StreamTotals()), queue, now_s)

    def begin(self) -> None:
        """A take begins: counts are of it."""
        for live in self._live.values():
            live.begin()

    def states(self, now_s: float) -> tuple[StreamState, ...]:
        """Every stream, in the order of the contract."""
        return tuple(_state(live, now_s) for live in self._live.values())

    def blocking(self, now_s: float) -> tuple[Texts, ...]:
        """Why a take cannot begin: required streams that are absent, silent or unfit, language -> text."""
        return tuple(
            _named(state)
            for state in self.states(now_s)
            if state.required and (state.band in {"absent", "silent"} or self._live[state.topic].unfit)
        )

    def unfit(self, now_s: float) -> tuple[Texts, ...]:
        """What is wrong with publishers of streams that do not keep a take from beginning, language -> text."""
        return tuple(_named(s) for s in self.states(now_s) if not s.required and self._live[s.topic].unfit)

    def image(self, stream_id: str) -> bytes | None:
        """Newest message (CDR) of an image stream, of a video the newest key frame; None where none came."""
        live = self._by_id.get(stream_id)
        return live.newest if live else None


def _newest_picture(ros_type: str, samples: Sequence[Sample]) -> bytes | None:
    """Newest message that can be shown alone; of a video that is a key frame, known by its headers."""
    for sample in reversed(samples):
        coded = coded_picture(ros_type, sample.cdr)
        codec = read_coding(coded.coding).codec if coded else ""
        if coded is None or codec not in VIDEO_CODECS or access(codec, bytes(coded.data)) in _ALONE:
            return sample.cdr
    return None


def _rate_hz(arrivals: deque[tuple[float, int]], since_s: float) -> float | None:
    """Between the first batch since a moment and the last; None where there are fewer than two."""
    while arrivals and arrivals[0][0] < since_s:
        arrivals.popleft()
    if len(arrivals) < 2 or arrivals[-1][0] <= arrivals[0][0]:  # a rate needs two
        return None
    n = sum(count for _, count in arrivals) - arrivals[0][1]
    return n / (arrivals[-1][0] - arrivals[0][0])


def _named(state: StreamState) -> Texts:
    return {language: f"{state.topic}: {text}" for language, text in state.problem.items()}


def _state(live: _Live, now_s: float) -> StreamState:
    stream = live.stream
    rate, age = live.rate_hz(now_s), None if live.last_s is None else now_s - live.last_s
    band, problem = _band(live, rate, age, now_s)
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
        lost_n=live.totals.lost_n,
        queue_dropped_n=live.queue.dropped_n,
        queue_high_bytes=live.queue.high_water_bytes,
        stale_n=live.totals.stale_n,
        duplicate_n=live.totals.duplicate_n,
        band=band,
        problem=problem,
        missing_n=live.totals.missing_n,
        ros_type=stream.ros_type,
    )


def _band(live: _Live, rate_hz: float | None, age_s: float | None, now_s: float) -> tuple[Band, Texts]:
    stream = live.stream
    if not live.publishers_n:
        return "absent", ABSENT
    if live.unfit:
        return "bad", live.unfit
    if stream.cadence == "latched":
        return ("silent", SILENT) if age_s is None else ("ok", NOTHING_WRONG)
    if stream.cadence != "periodic" or not stream.nominal_rate_hz:
        return "ok", NOTHING_WRONG
    longest_s = max(1.0, 3 / stream.nominal_rate_hz)
    if age_s is None or age_s > longest_s:
        return "silent", SILENT
    error = abs((rate_hz or 0.0) / stream.nominal_rate_hz - 1)
    share = live.repeat_share(now_s)
    if error > stream.rate_tolerance:
        text = _filled(OFF_RATE, found=rate_hz or 0.0, wanted=stream.nominal_rate_hz)
        return ("warn" if error <= 2 * stream.rate_tolerance and share < _REPEATS_BAD else "bad"), text
    if share < _REPEATS_WARN:
        return "ok", NOTHING_WRONG
    return ("warn" if share < _REPEATS_BAD else "bad"), _filled(REPEATS, share=share)


def _filled(texts: Texts, **values: float) -> Texts:
    return {language: template.format(**values) for language, template in texts.items()}
