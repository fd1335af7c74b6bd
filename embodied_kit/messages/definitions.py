"""ROS 2 message definitions without ROS: the text a recording must carry, proven by its type hash.

A definition is believed only if its RIHS01 hash equals the one on the wire. Where the wire tells none (Humble and
older), a folder of the lab or the named distribution is trusted, or a text on which all that is known here agrees.

Beside the distributions of `rosbags`, `shipped/` holds the fields of packages that robots often add, one folder for
each way in which a name is used: two different packages are called `audio_common_msgs`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast

from embodied_kit.errors import DataError

if TYPE_CHECKING:
    from rosbags.interfaces.typing import Typesdict
    from rosbags.typesys.store import Typestore

DISTROS: Final = ("jazzy", "humble", "kilted", "lyrical", "iron", "galactic", "foxy", "eloquent", "dashing")
SHIPPED: Final = ("common", "typed_audio")
SEPARATOR: Final = "=" * 80
_PRIMITIVES: Final = frozenset(
    {
        *("bool", "byte", "char", "string", "wstring", "float32", "float64"),
        *("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"),
    }
)
_TYPE_OF_LINE: Final = re.compile(r"^\s*([A-Za-z][A-Za-z0-9_/]*)(?:<=\d+)?(?:\[[^\]]*\])?\s+[A-Za-z]\w*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Definition:
    """The definition of one message type.

    Attributes:
        ros_type: Full type name, e.g. `sensor_msgs/msg/JointState`.
        text: MCAP `ros2msg` text: the type, then each type it uses after a line of 80 `=` and `MSG: pkg/Type`.
        type_hash: RIHS01 hash of `text`.
        source: `lab`, `rosbags:<distro>` or `shipped`.
    """

    ros_type: str
    text: str
    type_hash: str
    source: str


class TypeStore:
    """Finds definitions: the lab's own .msg folders first, then the distributions that `rosbags` carries, then ours.

    Args:
        folders: Folders that hold `<package>/msg/<Type>.msg` at any depth (a ROS workspace's `src` or `share`).
    """

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self._lab = {ros_type: path for folder in reversed(folders) for ros_type, path in _files(folder).items()}
        self._found: dict[tuple[str, str | None, str | None], Definition | None] = {}

    def definition(self, ros_type: str, type_hash: str | None, distro: str | None = None) -> Definition | None:
        """Definition of a type, or None where none is known that can be believed.

        Args:
            ros_type: Full type name, e.g. `sensor_msgs/msg/JointState`.
            type_hash: Hash that the publisher announced; None where it announced none.
            distro: Distribution of the robot, e.g. `humble`; asked first.
        """
        key = (ros_type, type_hash, distro)
        if key not in self._found:
            candidates = self._candidates(ros_type, distro)
            self._found[key] = _matching(candidates, type_hash) if type_hash else _trusted(candidates, distro)
        return self._found[key]

    def _candidates(self, ros_type: str, distro: str | None) -> Iterator[Definition]:
        """Definitions that exist under this name, best first; those that cannot be parsed are left out."""
        order = sorted(DISTROS, key=lambda name: name != distro)
        if ros_type in self._lab:
            yield from _assembled(ros_type, {**_shipped_files("common"), **self._lab}, order, "lab")
        for name in order:
            if (text := _store_text(ros_type, name)) is not None:
                yield Definition(ros_type, text, _store_hash(ros_type, name), f"rosbags:{name}")
        for use in SHIPPED:
            if ros_type in _shipped_files(use):
                yield from _assembled(ros_type, _shipped_files(use), order[:1], "shipped")


def _assembled(ros_type: str, files: Mapping[str, Path], distros: Sequence[str], source: str) -> Iterator[Definition]:
    """A type of these files; what it uses beyond them is taken from each distribution in turn."""
    for distro in distros:
        text = _whole_text(ros_type, files, distro)
        if text is not None and (digest := _hash_or_none(ros_type, text)):
            yield Definition(ros_type, text, digest, source)


def _whole_text(ros_type: str, files: Mapping[str, Path], distro: str) -> str | None:
    """Text of a type with the types it uses; None where one of those is not known."""
    parts: dict[str, str] = {}
    wanted = [ros_type]
    while wanted:
        name = wanted.pop(0)
        if name in parts:
            continue
        text = _own_text(name, files, distro)
        if text is None:
            return None
        parts[name] = text
        wanted.extend(_dependencies(text, name.partition("/")[0]))
    first, *rest = parts.items()
    return first[1] + "".join(f"{SEPARATOR}\nMSG: {_short(name)}\n{text}" for name, text in rest)


def _own_text(ros_type: str, files: Mapping[str, Path], distro: str) -> str | None:
    path = files.get(ros_type)
    if path is None:
        text = _store_text(ros_type, distro)
        return None if text is None else text.partition(SEPARATOR)[0]
    text = path.read_text(encoding="utf-8").replace("\r\n", "\n")
    return text if text.endswith("\n") or not text else text + "\n"


def _files(folder: Path) -> dict[str, Path]:
    """Type -> file of each `<package>/msg/<Type>.msg` at any depth."""
    found = sorted(path for path in folder.rglob("*.msg") if path.parent.name == "msg")
    return {f"{path.parent.parent.name}/msg/{path.stem}": path for path in found}


@functools.cache
def _shipped_files(use: str) -> Mapping[str, Path]:
    return MappingProxyType(_files(Path(__file__).with_name("shipped") / use))


def type_hash(ros_type: str, text: str) -> str:
    """RIHS01 hash (REP-2016) of a type from its ros2msg text.

    Raises:
        DataError: The text cannot be parsed, uses `wstring`, or lacks a type that it uses.
    """
    return hash_of_fields(ros_type, parse_fields(ros_type, text))


def parse_fields(ros_type: str, text: str) -> Typesdict:
    """Fields of a type and of each type in its ros2msg text, as `rosbags` describes them; nothing is executed.

    Raises:
        DataError: The text cannot be parsed.
    """
    from rosbags.typesys import TypesysError, get_types_from_msg  # noqa: PLC0415 - 0.1 s that few commands need

    try:
        return get_types_from_msg(text, ros_type)
    except (TypesysError, ValueError) as error:
        raise DataError(
            f"expected a ros2msg definition of {ros_type}, got text that does not parse: {error}"
        ) from error


def hash_of_fields(ros_type: str, fields: Typesdict) -> str:
    """RIHS01 hash of a type among described ones.

    Raises:
        DataError: A type that it uses is missing or not supported.
    """
    from rosbags.typesys import Stores, get_typestore  # noqa: PLC0415 - see parse_fields

    store = get_typestore(Stores.EMPTY)  # knows Time and Duration, which many texts leave out
    store.fielddefs.update(cast("Typesdict", _char_as_uint8(fields)))
    try:
        return store.hash_rihs01(ros_type)
    except KeyError as error:
        raise DataError(f"the definition of {ros_type} lacks or does not support {error.args[0]!r}") from error


def distro_store(distro: str) -> Typestore:
    """The `rosbags` types of one distribution, loaded once (0.1 s for the first).

    Raises:
        DataError: No such distribution.
    """
    if distro not in DISTROS:
        raise DataError(f"expected a distribution of {', '.join(DISTROS)}, got {distro!r}")
    return _distro_store(distro)


@functools.cache
def _distro_store(distro: str) -> Typestore:
    from rosbags.typesys import Stores, get_typestore  # noqa: PLC0415 - see parse_fields

    return get_typestore(Stores(f"ros2_{distro}"))


def _matching(candidates: Iterator[Definition], type_hash: str) -> Definition | None:
    return next((found for found in candidates if found.type_hash == type_hash), None)


def _trusted(candidates: Iterator[Definition], distro: str | None) -> Definition | None:
    """Without a hash: the lab's, else the named distribution's, else the one on which all agree."""
    found = list(candidates)
    named = [one for one in found if one.source in {"lab", f"rosbags:{distro}"}]
    if named:
        return named[0]
    return found[0] if len({one.type_hash for one in found}) == 1 else None


def _store_text(ros_type: str, distro: str) -> str | None:
    store = distro_store(distro)
    return store.generate_msgdef(ros_type, ros_version=2)[0] if ros_type in store.fielddefs else None


def _store_hash(ros_type: str, distro: str) -> str:
    return hash_of_fields(ros_type, distro_store(distro).fielddefs)


def _hash_or_none(ros_type: str, text: str) -> str | None:
    try:
        return type_hash(ros_type, text)
    except DataError:
        return None


def _short(ros_type: str) -> str:
    """`std_msgs/msg/Header` -> `std_msgs/Header`, the form of rosbag2 and of the MCAP registry."""
    package, _, rest = ros_type.partition("/")
    return f"{package}/{rest.rpartition('/')[2]}"


def _dependencies(text: str, package: str) -> list[str]:
    """Message types that the fields of one .msg text name, in order."""
    code = re.sub(r"#.*", "", text)
    names = [name for name in _TYPE_OF_LINE.findall(code) if name not in _PRIMITIVES]
    return [_full(name, package) for name in names]


def _full(name: str, package: str) -> str:
    if name == "Header":
        return "std_msgs/msg/Header"
    owner, _, rest = name.rpartition("/")
    return f"{(owner or package).removesuffix('/msg')}/msg/{rest}"


def _char_as_uint8(description: object) -> object:
    """The same description with `char` renamed: rosidl turns a .msg `char` into `uint8` before it hashes.

    `rosbags` hashes it as IDL's char, which made the five wrong hashes of the 142 checked against Jazzy.
    """
    if isinstance(description, Mapping):
        return {name: (constants, _char_as_uint8(fields)) for name, (constants, fields) in description.items()}
    if isinstance(description, tuple | list):
        if len(description) == 2 and description[0] == "char" and isinstance(description[1], int):
            return ("uint8", description[1])
        return type(description)(_char_as_uint8(part) for part in description)
    return description
