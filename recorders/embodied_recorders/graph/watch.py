"""The graph while a session runs: late streams are subscribed to, and who comes, goes or does not fit is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from embodied_kit.language import Texts
from embodied_kit.model.contract import Contract
from embodied_kit.model.stream import Endpoint, Qos, Stream
from embodied_recorders.graph.fitness import (
    NOT_SOURCED,
    declared_hashes,
    endpoints_problem,
    filled,
    unmatched,
)
from embodied_recorders.graph.survey import by_topic
from embodied_recorders.transports.base import Transport, TypeNotSourcedError, matching_qos

_PATIENCE_LOOKS = 2  # a publisher shows up in the graph a moment before it is matched
_SHORT_ID = 16


@dataclass(frozen=True)
class GraphChange:
    """What happened since the last look: a slug, and the topic with the beginning of the publisher's id."""

    name: str
    text: str


@dataclass(frozen=True)
class GraphView:
    """The contract's streams in the graph.

    Attributes:
        publishers: Ids of the publishers, by topic.
        problems: What is wrong with a topic's publishers, by topic, language -> text.
        changes: Since the last look; none at the first.
    """

    publishers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    problems: Mapping[str, Texts] = field(default_factory=dict)
    changes: Sequence[GraphChange] = ()


@dataclass
class GraphWatch:
    """Keeps a contract's streams subscribed to.

    Attributes:
        contract: What is wanted.
        transport: Open; streams that are subscribed to already stay so.
    """

    contract: Contract
    transport: Transport
    _asked: dict[str, Qos] = field(default_factory=dict)
    _known: dict[str, Endpoint] | None = None
    _left: Counter[str] = field(default_factory=Counter)
    _unmatched_looks: Counter[str] = field(default_factory=Counter)
    _problems: dict[str, Texts] = field(default_factory=dict)
    _told: dict[str, Texts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._streams = {stream.topic: stream for stream in self.contract.streams}
        self._hashes = declared_hashes(self.contract)

    def look(self, *, recording: bool) -> GraphView:
        """See who is there now.

        Args:
            recording: A take runs, so that no subscription may be opened anew for the sake of a newcomer.
        """
        endpoints = [one for one in self.transport.endpoints() if one.topic in self._streams]
        found = by_topic(endpoints)
        problems: dict[str, Texts] = {}
        for topic, stream in self._streams.items():
            problem = self._problem(stream, found.get(topic, ()), recording=recording)
            if problem is not None:
                problems[topic] = problem
        changes = [*self._comings_and_goings(endpoints), *self._news(problems)]
        self._problems = problems
        publishers = {topic: [one.publisher for one in group] for topic, group in found.items()}
        return GraphView(publishers, problems, changes)

    def _problem(self, stream: Stream, group: Sequence[Endpoint], *, recording: bool) -> Texts | None:
        fit = [one for one in group if one.ros_type == stream.ros_type]
        if fit:
            try:
                self._keep_subscribed(stream, fit, recording=recording)
            except TypeNotSourcedError as error:
                return filled(NOT_SOURCED, found=error.message)
        problem = endpoints_problem(stream, group, self._hashes.get(stream.topic))
        if problem is not None or not fit:
            return problem
        return self._unmatched(stream.topic, fit)

    def _keep_subscribed(self, stream: Stream, fit: Sequence[Endpoint], *, recording: bool) -> None:
        wanted = matching_qos([one.qos for one in fit])
        asked = self._asked.get(stream.topic)
        if asked is not None:
            if recording or not self._is_unmatched(stream.topic, fit) or wanted == asked:
                return
            self.transport.unsubscribe(stream.topic)  # between takes nothing is lost by asking for less
        self.transport.subscribe(stream.topic, stream.ros_type, qos=wanted, type_hash=fit[0].type_hash)
        self._asked[stream.topic] = wanted

    def _is_unmatched(self, topic: str, fit: Sequence[Endpoint]) -> bool:
        return self.transport.matched(topic) < len(fit)

    def _unmatched(self, topic: str, fit: Sequence[Endpoint]) -> Texts | None:
        if not self._is_unmatched(topic, fit):
            self._unmatched_looks[topic] = 0
            return None
        self._unmatched_looks[topic] += 1
        matched_n = self.transport.matched(topic)
        if matched_n and self._unmatched_looks[topic] < _PATIENCE_LOOKS:
            return self._problems.get(topic)
        return unmatched(self._asked[topic], fit, matched_n)

    def _news(self, problems: Mapping[str, Texts]) -> list[GraphChange]:
        """Problems that stand for the second time and were not told."""
        news = [
            GraphChange("stream_unfit", f"{topic}: {text['en']}")
            for topic, text in problems.items()
            if self._problems.get(topic) == text != self._told.get(topic)
        ]
        self._told = {topic: text for topic, text in problems.items() if self._problems.get(topic) == text}
        return news

    def _comings_and_goings(self, endpoints: Sequence[Endpoint]) -> list[GraphChange]:
        now, before = {one.publisher: one for one in endpoints}, self._known
        self._known = now
        if before is None:
            return []
        gone = [one for publisher, one in before.items() if publisher not in now]
        come = [one for publisher, one in now.items() if publisher not in before]
        changes = [_change("publisher_left", one) for one in gone]
        self._left.update(one.topic for one in gone)
        for one in come:
            returned = self._left[one.topic] > 0
            self._left[one.topic] -= returned
            changes.append(_change("publisher_returned" if returned else "publisher_joined", one))
        return changes


def _change(name: str, endpoint: Endpoint) -> GraphChange:
    return GraphChange(name, f"{endpoint.topic} {endpoint.publisher[:_SHORT_ID]}")
