"""Publishers and subscriptions that liveliness tokens tell of."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import zenoh
from zenoh.handlers import Callback

from .tokens import Entity, EntityKind, all_tokens, entity_of


class Graph:
    """Who is there now. Its tokens come on zenoh's threads; it may be asked from any.

    Args:
        session: The session, which must outlive the graph and ends it.
        domain_id: ROS domain.
    """

    def __init__(self, session: zenoh.Session, domain_id: int) -> None:
        self._lock = threading.Lock()
        self._entities: dict[str, Entity] = {}
        heard = Callback(self._hear, indirect=False)
        self._subscriber = session.liveliness().declare_subscriber(all_tokens(domain_id), heard, history=True)

    def entities(self, kind: EntityKind) -> Sequence[Entity]:
        """Every publisher or every subscription of topics, our own included."""
        with self._lock:
            return [entity for entity in self._entities.values() if entity.kind == kind]

    def matching(self, kind: EntityKind, topic: str, ros_type: str) -> int:
        """Number of publishers or subscriptions of a topic and type."""
        return sum((one.topic, one.ros_type) == (topic, ros_type) for one in self.entities(kind))

    def _hear(self, sample: zenoh.Sample) -> None:
        token = str(sample.key_expr)
        entity = entity_of(token)
        with self._lock:
            if sample.kind == zenoh.SampleKind.DELETE:
                self._entities.pop(token, None)
            elif entity is not None:
                self._entities[token] = entity
