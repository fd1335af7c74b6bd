"""Latched messages (TRANSIENT_LOCAL), remembered so that each file of each take begins with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from embodied_kit.canonical import sha256_hex
from embodied_kit.model.stream import Endpoint, Sample
from embodied_recorders.transports.base import UNKNOWN_PUBLISHER

_MOST_UNTOLD = 64  # latched messages of one topic whose publishers cannot be told apart


class LatchedMemory:
    """The newest message of each publisher of the latched topics.

    Args:
        topics: The latched topics.
    """

    def __init__(self, topics: Iterable[str]) -> None:
        self._topics = frozenset(topics)
        self._newest: dict[tuple[str, str], Sample] = {}

    def __len__(self) -> int:
        return len(self._newest)

    def see(self, samples: Iterable[Sample]) -> None:
        """Remember what is latched among samples."""
        for sample in samples:
            if sample.topic not in self._topics:
                continue
            if sample.publisher == UNKNOWN_PUBLISHER:
                self._remember_untold(sample)
            else:
                self._newest[sample.topic, sample.publisher] = sample

    def standing(self, endpoints: Iterable[Endpoint]) -> Sequence[Sample]:
        """What still stands, without messages of a publisher that another has replaced."""
        live = {endpoint.publisher: endpoint.topic for endpoint in endpoints}
        served = set(live.values())
        return [s for s in self._newest.values() if not s.publisher or s.publisher in live or s.topic not in served]

    def _remember_untold(self, sample: Sample) -> None:
        """Of a topic's publishers that cannot be told apart (/tf_static over rclpy), none may replace another's."""
        key = (sample.topic, sha256_hex(sample.cdr))
        self._newest.pop(key, None)
        self._newest[key] = sample
        untold = [at for at, one in self._newest.items() if at[0] == sample.topic and not one.publisher]
        for at in untold[:-_MOST_UNTOLD]:
            del self._newest[at]
