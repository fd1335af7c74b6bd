"""Publishers that DDS discovery tells of, through the library's builtin topics."""

from __future__ import annotations

import ctypes as ct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from embodied_kit.model.stream import History, Qos

from . import names
from .native import BUILTIN_PARTICIPANT, BUILTIN_PUBLICATION, INFINITY_NS, BuiltinEndpoint, BuiltinParticipant, Native
from .native import SampleInfo as Info

_Record = TypeVar("_Record", BuiltinEndpoint, BuiltinParticipant)

_BATCH: Final = 64
# First two bytes of a GUID are the vendor; only Cyclone sends the writer's history in discovery.
_CYCLONE_VENDOR: Final = "0110"


@dataclass(frozen=True, slots=True)
class Publication:
    """One DDS writer.

    Attributes:
        guid: 32 hex digits.
        participant: GUID of its participant.
        dds_topic: Name on the wire, e.g. `rt/joint_states`, `rq/set_parametersRequest`.
        dds_type: Type name on the wire.
        type_hash: RIHS01 hash in USER_DATA; None where there is none.
    """

    guid: str
    participant: str
    dds_topic: str
    dds_type: str
    type_hash: str | None
    qos: Qos


class Graph:
    """What discovery has told so far; `refresh` takes in what is new. For one thread.

    Attributes:
        guid_of_handle: GUID of each writer ever seen by its publication handle, for a reader's hot loop.

    Args:
        native: The library.
        participant: Our participant, which must outlive the graph and frees its readers.
    """

    def __init__(self, native: Native, participant: int) -> None:
        self._native = native
        self._publication_reader = native.call("dds_create_reader", participant, BUILTIN_PUBLICATION, None, None)
        self._participant_reader = native.call("dds_create_reader", participant, BUILTIN_PARTICIPANT, None, None)
        self._present: dict[int, Publication] = {}
        # Kept after departure: samples of a writer that has left may still wait to be taken.
        self.guid_of_handle: dict[int, str] = {}
        self._participants: dict[int, str] = {}

    def refresh(self) -> None:
        """Take in arrivals and departures since the last call."""
        for info, endpoint in self._taken(self._publication_reader, BuiltinEndpoint):
            if info.valid_data:
                publication = _publication(self._native, endpoint)
                self._present[info.instance_handle] = publication
                self.guid_of_handle[info.instance_handle] = publication.guid
            else:
                self._present.pop(info.instance_handle, None)
        for info, participant in self._taken(self._participant_reader, BuiltinParticipant):
            if info.valid_data:
                self._participants[info.instance_handle] = bytes(participant.key).hex()
            else:
                self._participants.pop(info.instance_handle, None)

    def publications(self) -> Sequence[Publication]:
        """Every writer present, ours and those of services too, as of the last refresh."""
        return list(self._present.values())

    def participants(self) -> frozenset[str]:
        """GUIDs of the participants present, as of the last refresh."""
        return frozenset(self._participants.values())

    def publisher(self, handle: int) -> str:
        """GUID of the writer with this publication handle; empty where discovery never told of it."""
        if handle not in self.guid_of_handle:
            self.refresh()
        return self.guid_of_handle.get(handle, "")

    def _taken(self, reader: int, kind: type[_Record]) -> Iterator[tuple[Info, _Record]]:
        """Samples of a builtin topic; each is valid until the next is asked for."""
        infos = (Info * _BATCH)()
        while True:
            loans = (ct.c_void_p * _BATCH)()
            count = self._native.call("dds_take", reader, loans, infos, _BATCH, _BATCH)
            try:
                for index in range(count):
                    address = loans[index]
                    if address:
                        yield infos[index], kind.from_address(address)
            finally:
                if count:
                    self._native.call("dds_return_loan", reader, loans, count)
            if count < _BATCH:
                return


def _publication(native: Native, endpoint: BuiltinEndpoint) -> Publication:
    guid = bytes(endpoint.key).hex()
    return Publication(
        guid=guid,
        participant=bytes(endpoint.participant_key).hex(),
        dds_topic=endpoint.topic_name.decode("utf-8", "replace"),
        dds_type=endpoint.type_name.decode("utf-8", "replace"),
        type_hash=names.type_hash_of(native.user_data(endpoint.qos)),
        qos=_qos(native, endpoint.qos, history_known=guid.startswith(_CYCLONE_VENDOR)),
    )


def _qos(native: Native, qos: int, *, history_known: bool) -> Qos:
    """QoS of a discovered endpoint in ROS words; defaults of the DDS specification where it announced none."""
    reliable, _ = native.query("dds_qget_reliability", qos, ct.c_int32, ct.c_int64) or (0, 0)
    (durability,) = native.query("dds_qget_durability", qos, ct.c_int32) or (0,)
    kind, depth = native.query("dds_qget_history", qos, ct.c_int32, ct.c_int32) or (0, 1)
    (deadline_ns,) = native.query("dds_qget_deadline", qos, ct.c_int64) or (INFINITY_NS,)
    (lifespan_ns,) = native.query("dds_qget_lifespan", qos, ct.c_int64) or (INFINITY_NS,)
    history: History = "unknown" if not history_known else "keep_all" if kind else "keep_last"
    return Qos(
        reliability="reliable" if reliable else "best_effort",
        durability="transient_local" if durability else "volatile",
        history=history,
        depth=depth if history == "keep_last" else 0,
        deadline_ns=None if deadline_ns == INFINITY_NS else deadline_ns,
        lifespan_ns=None if lifespan_ns == INFINITY_NS else lifespan_ns,
    )
