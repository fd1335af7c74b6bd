"""A DDS reader and a DDS writer of serialised messages."""

from __future__ import annotations

import ctypes as ct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
import numpy.typing as npt

from embodied_kit.errors import EnvironmentUnfitError, UsageError
from embodied_kit.model.stream import Qos

from . import names
from .native import ANY_STATE, INFINITY_NS, OK, TIMED_OUT, Native, SampleInfo

BATCH: Final = 256
_INFO_LAYOUT: Final[npt.DTypeLike] = np.dtype(SampleInfo)
# A reliable writer waits this long for a slow reader to acknowledge before a publish fails.
_MAX_BLOCKING_NS: Final = 10_000_000_000
_UNLIMITED: Final = -1
_KEEP_LAST, _KEEP_ALL = 0, 1
_CDR_LE: Final = b"\x00\x01\x00\x00"

_new_bytes: Final = ct.pythonapi.PyBytes_FromStringAndSize
_new_bytes.restype, _new_bytes.argtypes = ct.py_object, (ct.c_char_p, ct.c_ssize_t)


class RawReader:
    """Receives a topic's messages, KEEP_ALL without limit: nothing is overwritten, the caller drains.

    Args:
        native: The library.
        participant: Owner.
        topic: DDS topic name.
        type_name: DDS type name.
        qos: Reliability and durability asked for; the rest is taken as every publisher offers it.
        type_hash: Announced, or ROS nodes warn about it.
    """

    def __init__(
        self, native: Native, participant: int, topic: str, type_name: str, *, qos: Qos, type_hash: str | None
    ) -> None:
        self._native = native
        wanted = Qos(reliability=qos.reliability, durability=qos.durability, history="keep_all", depth=0)
        self._topic = native.create_topic(participant, topic, type_name)
        with endpoint_qos(native, wanted, type_hash) as address:
            self.entity = native.call("dds_create_reader", participant, self._topic, address, None)
        self.condition = native.call("dds_create_readcondition", self.entity, ANY_STATE)
        self.guid = native.guid(self.entity)

    def matched(self) -> int:
        """Publishers matched now."""
        return self._native.call("dds_get_matched_publications", self.entity, None, 0)

    def close(self) -> None:
        """Leave the topic; what was not taken is lost."""
        self._native.call("dds_delete", self.entity)
        self._native.call("dds_delete", self._topic)


class Drain:
    """Takes batches of serialised samples out of readers; owns the buffers, so for one thread."""

    def __init__(self, native: Native) -> None:
        self._native = native
        self._serdata = (ct.c_void_p * BATCH)()
        self._infos = (SampleInfo * BATCH)()
        columns = np.frombuffer(memoryview(self._infos), _INFO_LAYOUT)
        self._addresses = np.frombuffer(memoryview(self._serdata), np.uintp)
        self._valid, self._source_ns = columns["valid_data"], columns["source_timestamp"]
        self._handles = columns["publication_handle"]

    def take(self, reader: RawReader) -> tuple[int, list[tuple[bytes, int, int]]]:
        """Number of samples taken (at most `BATCH`), and (CDR, source stamp in ns, publication handle) of the messages.

        The two differ where a writer's departure was among the samples.
        """
        native = self._native
        count = native.call("dds_takecdr", reader.entity, self._serdata, BATCH, self._infos, ANY_STATE)
        rows = zip(
            self._addresses[:count].tolist(),
            self._valid[:count].tolist(),
            self._source_ns[:count].tolist(),
            self._handles[:count].tolist(),
            strict=True,
        )
        size_of, copy, release = native.serdata_size, native.serdata_to_ser, native.serdata_unref
        messages = []
        for serdata, valid, source_ns, handle in rows:
            if valid:
                size = size_of(serdata)
                cdr = _new_bytes(None, size)  # not yet seen by anyone, so it may be filled once
                copy(serdata, 0, size, cdr)
                messages.append((cdr, source_ns, handle))
            release(serdata)
        return count, messages


class RawWriter:
    """Publishes serialised messages on a topic.

    Args:
        native: The library.
        participant: Owner.
        topic: DDS topic name.
        type_name: DDS type name.
        qos: QoS offered.
        type_hash: Announced to the graph; None announces none.
    """

    def __init__(
        self, native: Native, participant: int, topic: str, type_name: str, *, qos: Qos, type_hash: str | None
    ) -> None:
        self._native = native
        self._name = topic
        self._topic = native.create_topic(participant, topic, type_name)
        with endpoint_qos(native, qos, type_hash) as address:
            self.entity = native.call("dds_create_writer", participant, self._topic, address, None)
        self._sertype = native.sertype(self.entity)
        self.guid = native.guid(self.entity)

    def write(self, cdr: bytes, source_ns: int) -> None:
        """Send one message.

        Raises:
            UsageError: Not little-endian CDR, or the writer is closed: either would crash the library.
            EnvironmentUnfitError: A reader has not acknowledged for 10 s, or the library refused.
        """
        if not self._sertype:
            raise UsageError(f"expected an open publisher of {self._name}, got a closed one")
        if len(cdr) <= len(_CDR_LE) or not cdr.startswith(_CDR_LE[:2]):
            raise UsageError(f"expected a little-endian CDR message, got {len(cdr)} bytes that begin {cdr[:4].hex()}")
        code = self._native.write(self.entity, self._sertype, cdr, source_ns)
        if code == TIMED_OUT:
            raise EnvironmentUnfitError(
                f"a subscriber of {self._name} has not acknowledged messages for 10 s",
                remedy="stop the stalled subscriber, or publish best effort",
            )
        if code != OK:
            raise EnvironmentUnfitError(f"publishing on {self._name} failed: {self._native.text_of(code)}")

    def matched(self) -> int:
        """Subscriptions matched now; 0 once closed."""
        if not self._sertype:
            return 0
        return self._native.call("dds_get_matched_subscriptions", self.entity, None, 0)

    def close(self) -> None:
        """Leave the topic; closing twice is harmless."""
        if not self._sertype:
            return
        self._sertype = 0
        self._native.call("dds_delete", self.entity)
        self._native.call("dds_delete", self._topic)


@contextmanager
def endpoint_qos(native: Native, qos: Qos, type_hash: str | None) -> Iterator[int]:
    """Address of a `dds_qos_t` set as rmw sets it, valid inside the block."""
    with native.qos() as policy:
        policy("reliability", int(qos.reliability == "reliable"), _MAX_BLOCKING_NS)
        policy("durability", int(qos.durability == "transient_local"))
        history = _KEEP_LAST if qos.history == "keep_last" else _KEEP_ALL
        depth = max(qos.depth, 1)
        policy("history", history, depth)
        if qos.durability == "transient_local":
            policy("durability_service", 0, history, depth, _UNLIMITED, _UNLIMITED, _UNLIMITED)
        policy("deadline", INFINITY_NS if qos.deadline_ns is None else qos.deadline_ns)
        policy("lifespan", INFINITY_NS if qos.lifespan_ns is None else qos.lifespan_ns)
        announced = names.type_hash_data(type_hash)
        policy("userdata", announced, len(announced))
        yield policy.address
