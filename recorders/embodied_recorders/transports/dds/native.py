"""The C library of the `cyclonedds` package through ctypes: raw CDR in and out, types known by name only.

The package's own Python layer announces XTypes type information, which does not match writers with the true one, and
holds the GIL while it copies; its library has neither limit. Structures are those of Cyclone DDS 11.0 (`dds.h`,
`dds_public_impl.h`, `ddsi_serdata.h`), so the version is pinned and `selftest.py` proves them before first use.
"""

from __future__ import annotations

import ctypes as ct
import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Final, cast

from embodied_kit.errors import EnvironmentUnfitError

INFINITY_NS: Final = 2**63 - 1
ANY_STATE: Final = 0x7F
OK: Final = 0
TIMED_OUT: Final = -10

BUILTIN_PARTICIPANT: Final = 0x7FFF0001
BUILTIN_PUBLICATION: Final = 0x7FFF0003

WANTED_VERSION: Final = "cyclonedds>=11.0.1,<12"
INSTALL: Final = f"pip install '{WANTED_VERSION}', or record with another transport (ros2, zenoh)"

_SDK_DATA: Final = 2
_RESTRICT_DATA_REPRESENTATION: Final = 1 << 7
_XCDR1_ONLY: Final = 1
# One octet member, then return; what follows the first octet of a message is never parsed.
_ONE_OCTET_OPS: Final = (0x01010000, 0, 0)
_ZEROS: Final = bytes(4)
# ddsi_serdata: pointer, two u32, enum, pointer - then the source timestamp (i64, ns) and the status (u32).
_SERDATA_TIMESTAMP_OFFSET: Final = 32
_SERDATA_STATUS_OFFSET: Final = 40


class SampleInfo(ct.Structure):
    """`dds_sample_info_t`."""

    _fields_ = (
        ("sample_state", ct.c_uint32),
        ("view_state", ct.c_uint32),
        ("instance_state", ct.c_uint32),
        ("valid_data", ct.c_bool),
        ("source_timestamp", ct.c_int64),
        ("instance_handle", ct.c_uint64),
        ("publication_handle", ct.c_uint64),
        ("disposed_generation_count", ct.c_uint32),
        ("no_writers_generation_count", ct.c_uint32),
        ("sample_rank", ct.c_uint32),
        ("generation_rank", ct.c_uint32),
        ("absolute_generation_rank", ct.c_uint32),
    )


class BuiltinParticipant(ct.Structure):
    """`dds_builtintopic_participant_t`."""

    _fields_ = (("key", ct.c_uint8 * 16), ("qos", ct.c_void_p))


class BuiltinEndpoint(ct.Structure):
    """`dds_builtintopic_endpoint_t`."""

    _fields_ = (
        ("key", ct.c_uint8 * 16),
        ("participant_key", ct.c_uint8 * 16),
        ("participant_instance_handle", ct.c_uint64),
        ("topic_name", ct.c_char_p),
        ("type_name", ct.c_char_p),
        ("qos", ct.c_void_p),
    )


class _TypeMeta(ct.Structure):
    _fields_ = (("data", ct.c_void_p), ("size", ct.c_uint32))


class _TopicDescriptor(ct.Structure):
    _fields_ = (
        ("size", ct.c_uint32),
        ("align", ct.c_uint32),
        ("flagset", ct.c_uint32),
        ("nkeys", ct.c_uint32),
        ("typename", ct.c_char_p),
        ("keys", ct.c_void_p),
        ("nops", ct.c_uint32),
        ("ops", ct.POINTER(ct.c_uint32)),
        ("meta", ct.c_char_p),
        ("type_information", _TypeMeta),
        ("type_mapping", _TypeMeta),
        ("restrict_data_representation", ct.c_uint32),
    )


class _IoVector(ct.Structure):
    # WSABUF on Windows, struct iovec elsewhere.
    _fields_ = (
        (("length", ct.c_ulong), ("base", ct.c_char_p))
        if sys.platform == "win32"
        else (("base", ct.c_char_p), ("length", ct.c_size_t))
    )


_entity, _handle, _pointer = ct.c_int32, ct.c_uint64, ct.c_void_p
_SIGNATURES: Final[Mapping[str, tuple[object, tuple[object, ...]]]] = {
    "dds_create_participant": (_entity, (ct.c_uint32, _pointer, _pointer)),
    "dds_create_domain": (_entity, (ct.c_uint32, ct.c_char_p)),
    "dds_create_topic": (_entity, (_entity, _pointer, ct.c_char_p, _pointer, _pointer)),
    "dds_create_reader": (_entity, (_entity, _entity, _pointer, _pointer)),
    "dds_create_writer": (_entity, (_entity, _entity, _pointer, _pointer)),
    "dds_create_readcondition": (_entity, (_entity, ct.c_uint32)),
    "dds_create_waitset": (_entity, (_entity,)),
    "dds_waitset_attach": (ct.c_int32, (_entity, _entity, ct.c_ssize_t)),
    "dds_waitset_detach": (ct.c_int32, (_entity, _entity)),
    "dds_waitset_wait": (ct.c_int32, (_entity, _pointer, ct.c_size_t, ct.c_int64)),
    "dds_delete": (ct.c_int32, (_entity,)),
    "dds_get_guid": (ct.c_int32, (_entity, _pointer)),
    "dds_get_matched_publications": (ct.c_int32, (_entity, _pointer, ct.c_size_t)),
    "dds_get_matched_subscriptions": (ct.c_int32, (_entity, _pointer, ct.c_size_t)),
    "dds_take": (ct.c_int32, (_entity, _pointer, _pointer, ct.c_size_t, ct.c_uint32)),
    "dds_return_loan": (ct.c_int32, (_entity, _pointer, ct.c_int32)),
    "dds_takecdr": (ct.c_int32, (_entity, _pointer, ct.c_uint32, _pointer, ct.c_uint32)),
    "dds_get_entity_sertype": (ct.c_int32, (_entity, _pointer)),
    "dds_forwardcdr": (ct.c_int32, (_entity, _pointer)),
    "ddsi_serdata_from_ser_iov": (_pointer, (_pointer, ct.c_int, ct.c_size_t, _pointer, ct.c_size_t)),
    "dds_strretcode": (ct.c_char_p, (ct.c_int32,)),
    "dds_free": (None, (_pointer,)),
    "dds_create_qos": (_pointer, ()),
    "dds_delete_qos": (None, (_pointer,)),
    "dds_qset_userdata": (None, (_pointer, ct.c_char_p, ct.c_size_t)),
    "dds_qset_reliability": (None, (_pointer, ct.c_int, ct.c_int64)),
    "dds_qset_durability": (None, (_pointer, ct.c_int)),
    "dds_qset_durability_service": (
        None,
        (_pointer, ct.c_int64, ct.c_int, ct.c_int32, ct.c_int32, ct.c_int32, ct.c_int32),
    ),
    "dds_qset_history": (None, (_pointer, ct.c_int, ct.c_int32)),
    "dds_qset_deadline": (None, (_pointer, ct.c_int64)),
    "dds_qset_lifespan": (None, (_pointer, ct.c_int64)),
    "dds_qget_userdata": (ct.c_bool, (_pointer, _pointer, _pointer)),
    "dds_qget_reliability": (ct.c_bool, (_pointer, _pointer, _pointer)),
    "dds_qget_durability": (ct.c_bool, (_pointer, _pointer)),
    "dds_qget_history": (ct.c_bool, (_pointer, _pointer, _pointer)),
    "dds_qget_deadline": (ct.c_bool, (_pointer, _pointer)),
    "dds_qget_lifespan": (ct.c_bool, (_pointer, _pointer)),
}
# Called once a sample and quick: keeping the GIL costs less than giving it away and queueing for it again.
_SIGNATURES_KEEPING_GIL: Final[Mapping[str, tuple[object, tuple[object, ...]]]] = {
    "ddsi_serdata_size": (ct.c_uint32, (_pointer,)),
    "ddsi_serdata_to_ser": (None, (_pointer, ct.c_size_t, ct.c_size_t, ct.c_char_p)),
    "ddsi_serdata_unref": (None, (_pointer,)),
}


class Native:
    """Typed calls into libddsc; entities are the library's integer handles.

    Args:
        library: Path of the shared library.

    Raises:
        EnvironmentUnfitError: The library cannot be loaded or lacks a function; from any call, that it failed.
    """

    def __init__(self, library: Path) -> None:
        try:
            self._functions: Mapping[str, Callable[..., int]] = {
                **_bind(ct.CDLL(str(library)), _SIGNATURES),
                **_bind(ct.PyDLL(str(library)), _SIGNATURES_KEEPING_GIL),
            }
        except (OSError, AttributeError) as error:
            raise EnvironmentUnfitError(f"the DDS library does not load: {error}", remedy=INSTALL) from error
        self.serdata_size = self._functions["ddsi_serdata_size"]
        self.serdata_to_ser = self._functions["ddsi_serdata_to_ser"]
        self.serdata_unref = self._functions["ddsi_serdata_unref"]

    def call(self, function: str, *arguments: object) -> int:
        """Result of a C function whose negative results are errors."""
        result = self._functions[function](*arguments)
        if result < 0:
            raise EnvironmentUnfitError(f"DDS call {function} failed: {self.text_of(result)}")
        return result

    def text_of(self, code: int) -> str:
        """The library's own words for a return code."""
        return cast("bytes", self._functions["dds_strretcode"](code)).decode()

    @contextmanager
    def qos(self) -> Iterator[QosSetter]:
        """A QoS under construction: call it with the name of a policy and its values; see `QosSetter`."""
        setter = QosSetter(self._functions)
        try:
            yield setter
        finally:
            setter.free()

    def query(self, getter: str, qos: int, *types: type[ct.c_int32 | ct.c_int64]) -> tuple[int, ...] | None:
        """Values that a `dds_qget_*` function writes, None where the policy is not set."""
        values = [kind() for kind in types]
        found = self._functions[getter](qos, *(ct.byref(value) for value in values))
        return tuple(value.value for value in values) if found else None

    def user_data(self, qos: int) -> bytes:
        """USER_DATA of a QoS; empty where it is not set."""
        data, size = ct.c_void_p(), ct.c_size_t()
        if not self._functions["dds_qget_userdata"](qos, ct.byref(data), ct.byref(size)) or not data.value:
            return b""
        value = ct.string_at(data.value, size.value)
        self._functions["dds_free"](data)
        return value

    def guid(self, entity: int) -> str:
        """GUID of an entity, 32 hex digits."""
        key = (ct.c_uint8 * 16)()
        self.call("dds_get_guid", entity, ct.byref(key))
        return bytes(key).hex()

    def create_topic(self, participant: int, dds_topic: str, dds_type: str) -> int:
        """A keyless topic of a type known by name only, without type information, XCDR1."""
        descriptor = _TopicDescriptor(
            size=1,
            align=1,
            flagset=_RESTRICT_DATA_REPRESENTATION,
            typename=dds_type.encode(),
            nops=len(_ONE_OCTET_OPS),
            ops=(ct.c_uint32 * len(_ONE_OCTET_OPS))(*_ONE_OCTET_OPS),
            meta=b"",
            restrict_data_representation=_XCDR1_ONLY,
        )
        return self.call("dds_create_topic", participant, ct.byref(descriptor), dds_topic.encode(), None, None)

    def sertype(self, writer: int) -> int:
        """Address of the writer's serialisation type, valid as long as the writer."""
        address = ct.c_void_p()
        self.call("dds_get_entity_sertype", writer, ct.byref(address))
        if not address.value:
            raise EnvironmentUnfitError("DDS gave no serialisation type for a writer", remedy=INSTALL)
        return address.value

    def write(self, writer: int, sertype: int, cdr: bytes, source_ns: int) -> int:
        """Write one serialised message with its source stamp; 0, or the library's (negative) return code.

        `dds_writecdr` would stamp the present; `dds_forwardcdr` keeps what the serdata holds, and consumes it.
        The wire pads payloads to 4 bytes; with zeros, as rmw does, or the library would send whatever lies there.
        """
        padding = -len(cdr) % 4
        vectors = (_IoVector * 2)()
        vectors[0].base, vectors[0].length = cdr, len(cdr)
        vectors[1].base, vectors[1].length = _ZEROS, padding
        serdata = self._functions["ddsi_serdata_from_ser_iov"](
            sertype, _SDK_DATA, 2 if padding else 1, vectors, len(cdr) + padding
        )
        if not serdata:
            raise EnvironmentUnfitError(f"expected a little-endian CDR message, DDS refused {len(cdr)} bytes")
        ct.c_int64.from_address(serdata + _SERDATA_TIMESTAMP_OFFSET).value = source_ns
        ct.c_uint32.from_address(serdata + _SERDATA_STATUS_OFFSET).value = 0
        return self._functions["dds_forwardcdr"](writer, serdata)


class QosSetter:
    """A `dds_qos_t` being filled: `setter("reliability", 1, 0)` is `dds_qset_reliability(qos, 1, 0)`."""

    def __init__(self, functions: Mapping[str, Callable[..., int]]) -> None:
        self._functions = functions
        self.address = functions["dds_create_qos"]()

    def __call__(self, policy: str, *values: object) -> None:
        """Set one policy."""
        self._functions[f"dds_qset_{policy}"](self.address, *values)

    def free(self) -> None:
        """Free it; entities made with it keep their own copy."""
        self._functions["dds_delete_qos"](self.address)


def _bind(
    library: ct.CDLL, signatures: Mapping[str, tuple[object, tuple[object, ...]]]
) -> dict[str, Callable[..., int]]:
    """Functions of a library with their C signatures attached."""
    bound: dict[str, Callable[..., int]] = {}
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
        bound[name] = function
    return bound


def library_path() -> Path:
    """Path of the libddsc inside the installed `cyclonedds` wheel; the package itself is not imported (0.3 s).

    Raises:
        EnvironmentUnfitError: Not installed, another version, or a build without its own library.
    """
    try:
        wheel = metadata.distribution("cyclonedds")
    except metadata.PackageNotFoundError:
        raise EnvironmentUnfitError("the transport dds needs the package cyclonedds", remedy=INSTALL) from None
    version = wheel.version.split(".")
    if not (version[0] == "11" and version[1:3] != ["0", "0"]):
        raise EnvironmentUnfitError(f"expected {WANTED_VERSION}, got {wheel.version}", remedy=INSTALL)
    for file in wheel.files or ():
        if file.parent.name in {"cyclonedds.libs", ".dylibs"} and file.name.removeprefix("lib").startswith("ddsc"):
            return Path(str(wheel.locate_file(file)))
    raise EnvironmentUnfitError("expected a cyclonedds wheel with its own library, got a source build", remedy=INSTALL)


@functools.cache
def load() -> Native:
    """The library, loaded once a process.

    Raises:
        EnvironmentUnfitError: See `library_path` and `Native`.
    """
    return Native(library_path())
