"""Messages as plain dicts and numpy arrays <-> CDR bytes, one message at a time, for simulators, commands and tests.

Whole columns of a recording are decoded elsewhere; this is the convenient way, not the fast one.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Mapping, Sized
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar, cast

import numpy as np

from embodied_kit.errors import DataError
from embodied_kit.messages.definitions import distro_store, parse_fields

if TYPE_CHECKING:
    from rosbags.interfaces.typing import FieldDesc
    from rosbags.typesys.store import Typestore

Message: TypeAlias = Mapping[str, object]
_Converter: TypeAlias = Callable[[object], object]

_Values = TypeVar("_Values", bound=Sized)

_NUMBERS: Final = "bool int8 uint8 int16 uint16 int32 uint32 int64 uint64 float32 float64"
_DTYPES: Final[Mapping[str, np.dtype[np.generic]]] = {
    "byte": np.dtype("uint8"),
    "char": np.dtype("uint8"),
    **{name: np.dtype(name) for name in _NUMBERS.split()},
}


class Codec:
    """Serialises one message type.

    A field that a message leaves out is zero, empty or false (defaults that a .msg gives are not known here). Arrays of
    numbers may be lists, arrays of any numeric dtype, or bytes; decoded ones are numpy arrays of the exact dtype.

    Args:
        ros_type: Full type name, e.g. `sensor_msgs/msg/JointState`.
        text: ros2msg text of the type; None takes it from the distribution. It is compiled, so it must be trusted.
        distro: Distribution whose types are used.

    Raises:
        DataError: The type is not known or its text cannot be parsed.
    """

    def __init__(self, ros_type: str, text: str | None = None, *, distro: str = "jazzy") -> None:
        self.ros_type = ros_type
        self._store = distro_store(distro) if text is None else _store_of(ros_type, text)
        if ros_type not in self._store.fielddefs:
            raise DataError(f"expected a type of {distro}, got {ros_type!r}", remedy="give the definition's text")
        self._build = _message_converter(self._store, ros_type)

    def encode(self, message: Message) -> bytes:
        """CDR of a message, little-endian, with its 4-byte encapsulation header.

        Raises:
            DataError: A field does not exist or holds a value of another kind, length or range.
        """
        built = self._build(message)
        try:
            return bytes(self._store.serialize_cdr(built, self.ros_type, little_endian=True))
        except (struct.error, UnicodeEncodeError) as error:
            raise DataError(f"expected values that fit {self.ros_type}: {error}") from error

    def decode(self, cdr: bytes | memoryview) -> dict[str, object]:
        """Fields of a serialised message.

        Raises:
            DataError: The bytes are no message of this type.
        """
        from rosbags.serde import SerdeError  # noqa: PLC0415 - 0.1 s that few commands need

        try:
            message = self._store.deserialize_cdr(cdr, self.ros_type)
        except (SerdeError, IndexError) as error:
            raise DataError(f"expected CDR of {self.ros_type}, got {len(cdr)} bytes: {error}") from error
        return _as_dict(self._store, self.ros_type, message)


@functools.lru_cache(maxsize=64)
def codec(ros_type: str, distro: str = "jazzy") -> Codec:
    """The codec of a type of a distribution, made once."""
    return Codec(ros_type, distro=distro)


def _store_of(ros_type: str, text: str) -> Typestore:
    from rosbags.typesys import Stores, TypesysError, get_typestore  # noqa: PLC0415 - see Codec.decode

    store = get_typestore(Stores.EMPTY)
    try:
        store.register(parse_fields(ros_type, text))
    except TypesysError as error:
        raise DataError(f"the definition of {ros_type} is not usable: {error}") from error
    return store


def _message_converter(store: Typestore, ros_type: str) -> _Converter:
    """Converter from a dict to the message class of a type, compiled once."""
    from rosbags.typesys.base import normalize_fieldname  # noqa: PLC0415 - see Codec.decode

    if ros_type not in store.fielddefs:
        raise DataError(f"the definition lacks the type {ros_type!r}")
    make = store.types[ros_type]
    fields = {
        name: (normalize_fieldname(name), _field_converter(store, f"{ros_type}.{name}", description))
        for name, description in store.fielddefs[ros_type][1]
    }

    def convert(message: object) -> object:
        message = {} if message is None else message
        if not isinstance(message, Mapping):
            raise DataError(f"expected the fields of {ros_type}, got {type(message).__name__}")
        if unknown := message.keys() - fields.keys():
            raise DataError(f"{ros_type} has no field {', '.join(sorted(map(str, unknown)))}")
        return make(**{argument: cast("int", field(message.get(name))) for name, (argument, field) in fields.items()})

    return convert


def _field_converter(store: Typestore, where: str, description: FieldDesc) -> _Converter:
    """Converter of one field's value; None is the field's default."""
    kind, detail = description[0].name, description[1]
    if kind == "NAME":
        return _message_converter(store, cast("str", detail))
    if kind == "BASE":
        return _scalar_converter(where, cast("tuple[str, int]", detail)[0])
    element, length = cast("tuple[FieldDesc, int]", detail)
    fixed = length if kind == "ARRAY" else None
    if element[0].name == "BASE" and (name := cast("tuple[str, int]", element[1])[0]) != "string":
        return _array_converter(where, _DTYPES[name], fixed)
    return _list_converter(where, _field_converter(store, where, element), fixed)


def _scalar_converter(where: str, name: str) -> _Converter:
    kind: type[str | bool | float | int] = {"string": str, "bool": bool, "float32": float, "float64": float}.get(
        name, int
    )
    default = kind()
    accepted = (
        (str,) if kind is str else (bool, int, np.integer, np.bool_) if kind is not float else (int, float, np.number)
    )

    def convert(value: object) -> object:
        if value is None:
            return default
        if not isinstance(value, accepted):
            raise DataError(f"expected {name} in {where}, got {type(value).__name__}")
        return kind(cast("int", value))

    return convert


def _array_converter(where: str, dtype: np.dtype[np.generic], fixed: int | None) -> _Converter:
    def convert(value: object) -> object:
        if value is None:
            return np.zeros(fixed or 0, dtype)
        if isinstance(value, bytes | bytearray | memoryview):
            value = np.frombuffer(value, np.uint8)
        try:
            array = np.asarray(value, dtype).reshape(-1)
        except (TypeError, ValueError, OverflowError) as error:
            raise DataError(f"expected numbers of {dtype} in {where}: {error}") from error
        return _of_length(where, array, fixed)

    return convert


def _list_converter(where: str, element: _Converter, fixed: int | None) -> _Converter:
    def convert(value: object) -> object:
        if value is None:
            return [element(None) for _ in range(fixed or 0)]
        if not isinstance(value, list | tuple):
            raise DataError(f"expected a list in {where}, got {type(value).__name__}")
        return _of_length(where, [element(one) for one in value], fixed)

    return convert


def _of_length(where: str, values: _Values, fixed: int | None) -> _Values:
    if fixed is not None and len(values) != fixed:
        raise DataError(f"expected {fixed} values in {where}, got {len(values)}")
    return values


def _as_dict(store: Typestore, ros_type: str, message: object) -> dict[str, object]:
    """A decoded message object as a dict; nested messages too."""
    from rosbags.typesys.base import normalize_fieldname  # noqa: PLC0415 - see Codec.decode

    return {
        name: _plain(store, description, getattr(message, normalize_fieldname(name)))
        for name, description in store.fielddefs[ros_type][1]
    }


def _plain(store: Typestore, description: FieldDesc, value: object) -> object:
    kind, detail = description[0].name, description[1]
    if kind == "NAME":
        return _as_dict(store, cast("str", detail), value)
    if kind == "BASE" or not isinstance(value, list):
        return value
    return [_plain(store, cast("tuple[FieldDesc, int]", detail)[0], one) for one in value]
