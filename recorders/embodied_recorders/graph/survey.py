"""Looking at a live graph for a moment: which topics, from whom, how often."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from embodied_kit.model.stream import Cadence, Endpoint, Sample
from embodied_recorders.transports.base import Transport, TypeNotSourcedError, matching_qos

Take: TypeAlias = Callable[[float], Sequence[Sample]]
_NS_PER_S = 1e9
_TAKE_S = 0.02
_PERIODIC_MAX_SPREAD = 0.3  # interquartile range of the intervals over their median; a timer stays far below
_PERIODIC_MIN_SAMPLES = 5
_SCHEDULER_NS = 1e6  # a busy machine delays a send by about this much, which is the whole period at 1 kHz


@dataclass
class Arrivals:
    """Messages of one publisher on one topic: source stamps in ns, bytes, and the last one."""

    stamps_ns: list[int] = field(default_factory=list)
    bytes_n: int = 0
    newest: Sample | None = None

    def add(self, sample: Sample) -> None:
        """One more."""
        self.stamps_ns.append(sample.source_ns)
        self.bytes_n += len(sample.cdr)
        self.newest = sample


@dataclass(frozen=True)
class TopicSurvey:
    """One topic as it was seen.

    Attributes:
        ros_type: Type of its publishers; where they disagree, the types joined by `|`.
        type_hash: RIHS01 hash, None where none was announced or they disagree.
        endpoints: Its publishers.
        n: Messages that arrived while looking.
        rate_hz: Of the busiest publisher, mean messages per s; None below two messages.
        cadence: periodic, latched or on_change, as far as the moment shows.
        refusal: Why it could not be received; None where it could.
    """

    topic: str
    ros_type: str
    type_hash: str | None
    endpoints: tuple[Endpoint, ...]
    n: int
    rate_hz: float | None
    cadence: Cadence
    refusal: TypeNotSourcedError | None = None

    @property
    def agreed(self) -> bool:
        """Whether all its publishers publish one type."""
        return "|" not in self.ros_type


def wait_for_topics(
    transport: Transport, topics: Collection[str], timeout_s: float
) -> Mapping[str, Sequence[Endpoint]]:
    """Publishers by topic, as soon as every named topic has one, else at the timeout."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = by_topic(transport.endpoints())
        if set(topics) <= found.keys() or time.monotonic() > deadline:
            return found
        time.sleep(_TAKE_S)


def by_topic(endpoints: Iterable[Endpoint]) -> dict[str, list[Endpoint]]:
    """Endpoints grouped by topic."""
    groups: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints:
        groups.setdefault(endpoint.topic, []).append(endpoint)
    return groups


def observe(take: Take, window_s: float) -> dict[str, dict[str, Arrivals]]:
    """What `take` yields during a window, by topic and publisher."""
    seen: dict[str, dict[str, Arrivals]] = {}
    deadline = time.monotonic() + window_s
    while time.monotonic() < deadline:
        for sample in take(_TAKE_S):
            seen.setdefault(sample.topic, {}).setdefault(sample.publisher, Arrivals()).add(sample)
    return seen


def survey(transport: Transport, *, discovery_s: float, window_s: float) -> tuple[TopicSurvey, ...]:
    """Subscribe to everything in the graph for a window and describe it, in order of topic."""
    time.sleep(discovery_s)
    found = by_topic(transport.endpoints())
    usable = {topic: group for topic, group in found.items() if len({e.ros_type for e in group}) == 1}
    refusals: dict[str, TypeNotSourcedError] = {}
    for topic, group in usable.items():
        qos = matching_qos([endpoint.qos for endpoint in group])
        try:
            transport.subscribe(topic, group[0].ros_type, qos=qos, type_hash=_common_hash(group))
        except TypeNotSourcedError as error:
            refusals[topic] = error
    seen = observe(transport.take, window_s)
    for topic in usable.keys() - refusals.keys():
        transport.unsubscribe(topic)
    described = [
        describe(topic, found[topic], {name: one.stamps_ns for name, one in seen.get(topic, {}).items()})
        for topic in sorted(found)
    ]
    return tuple(replace(one, refusal=refusals.get(one.topic)) for one in described)


def describe(topic: str, endpoints: Sequence[Endpoint], stamps_ns: Mapping[str, Sequence[int]]) -> TopicSurvey:
    """What the publishers of a topic and the stamps of their messages tell; the busiest one gives rate and cadence."""
    busiest = max(stamps_ns.values(), key=len, default=[])
    return TopicSurvey(
        topic=topic,
        ros_type="|".join(sorted({endpoint.ros_type for endpoint in endpoints})),
        type_hash=_common_hash(endpoints),
        endpoints=tuple(endpoints),
        n=sum(map(len, stamps_ns.values())),
        rate_hz=rate_hz(busiest),
        cadence=_cadence(endpoints, busiest),
    )


def rate_hz(stamps_ns: Sequence[int]) -> float | None:
    """Messages per s from the first stamp to the last, 4 significant digits; None below two messages."""
    stamps = np.asarray(stamps_ns, np.int64)
    span_ns = float(stamps.max() - stamps.min()) if stamps.size else 0.0
    return float(f"{_NS_PER_S * (stamps.size - 1) / span_ns:.4g}") if span_ns > 0 else None


def _cadence(endpoints: Sequence[Endpoint], stamps_ns: Sequence[int]) -> Cadence:
    latched = all(endpoint.qos.durability == "transient_local" for endpoint in endpoints)
    if latched and len(stamps_ns) <= 1:
        return "latched"
    if len(stamps_ns) < _PERIODIC_MIN_SAMPLES:
        return "on_change"
    intervals = np.diff(np.sort(np.asarray(stamps_ns, np.int64)))
    low, median, high = np.percentile(intervals, [25, 50, 75])
    steady = high - low <= max(_PERIODIC_MAX_SPREAD * median, _SCHEDULER_NS)
    return "periodic" if median > 0 and steady else "on_change"


def _common_hash(endpoints: Sequence[Endpoint]) -> str | None:
    hashes = {endpoint.type_hash for endpoint in endpoints}
    return hashes.pop() if len(hashes) == 1 else None
