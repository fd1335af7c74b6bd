"""One topic of one publisher, over all files of an episode: what is kept of its messages while they pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sized
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from embodied_kit.canonical import sha256_hex
from embodied_kit.mcap.reader import Batch
from embodied_kit.measure.columns.numeric import NameLayouts, NumericFields
from embodied_kit.measure.columns.store import Array, Blocks, Column, ColumnStore
from embodied_kit.measure.images.framelog import IMAGE_FIELDS, VIDEO, FrameLog
from embodied_kit.measure.streams.payload import PayloadDigest
from embodied_kit.measure.streams.pointcloud import CLOUD_FIELDS, POINT_CLOUD, CloudLog
from embodied_kit.measure.streams.sound import BYTES_FIELD, INFO, SoundLog
from embodied_kit.measure.text.log import TextLog
from embodied_kit.messages.columns import ColumnDecoder, Columns
from embodied_kit.model.facts import Depth
from embodied_kit.model.json import JsonObject, JsonValue

BASE_DTYPE = np.dtype([("log", "<i8"), ("publish", "<i8"), ("stamp", "<i8"), ("sequence", "<u4"), ("length", "<u4")])
TIMES_DTYPE = np.dtype([("stamp", "<i8"), ("log", "<i8")])
NO_STAMP = int(np.iinfo(np.int64).min)
TF, CAMERA_INFO, JOINT_STATE = "tf2_msgs/TFMessage", "sensor_msgs/CameraInfo", "sensor_msgs/JointState"
_TRANSFORM_FIELDS = {
    "transforms[].header.stamp": "time",
    "transforms[].header.frame_id": "text",
    "transforms[].child_frame_id": "text",
}
_CAMERA_FIELDS = {"height": "number", "width": "number", "k": "number", "d": "number", "distortion_model": "text"}
MAX_CHILD_FRAMES = 1024
MAX_EDGES = 4096
_KEPT_LETTERS, _KEPT_NAMES = 2048, 256
_UNSUPPORTED = "is not supported"
_DECODE_BYTES = 8 * 2**20
_LATEST_NS = np.uint64(np.iinfo(np.int64).max)


@dataclass
class Series:
    """One topic of one publisher.

    Attributes:
        ros_type: As the channel's schema names it; empty for none.
        sequence_source: `publisher` or `none`, as the channel's metadata say.
        texts: Where every text of its messages is searched.
        definition_ok: Whether every channel's definition is there and could be read.
        type_hashes: Distinct `topic_type_hash` of the channels.
        first_names: Names of elements in the first message.
        all_names: Names of elements seen in any message.
        children: Child frame -> stamps and log times of its transforms, as TIMES_DTYPE.
        edges: (parent frame, child frame) of transforms.
        overflowed: More child frames or frames than are measured.
        names_overflowed: More names of elements than are kept.
    """

    topic: str
    publisher: str
    store: ColumnStore
    depth: Depth
    ros_type: str
    sequence_source: str
    texts: TextLog
    definition_ok: bool = True
    type_hashes: set[str] = field(default_factory=set)
    names_changes_n: int = 0
    shape_changes_n: int = 0
    unsupported_n: int = 0
    failed_n: int = 0
    decode_reasons: Counter[str] = field(default_factory=Counter)
    all_names: set[str] = field(default_factory=set)
    children: dict[str, Column] = field(default_factory=dict)
    edges: set[tuple[str, str]] = field(default_factory=set)
    camera_info: JsonObject | None = None
    camera_info_changes_n: int = 0
    header_n: int = 0
    overflowed: bool = False
    names_overflowed: bool = False
    frames: FrameLog | None = None
    clouds: CloudLog | None = None
    sound: SoundLog | None = None

    def __post_init__(self) -> None:
        self.base = self.store.column(BASE_DTYPE)
        self.payload = PayloadDigest()
        self.short_type = short_type(self.ros_type)
        self.numeric = NumericFields(self.store, self.short_type)
        self._names: tuple[str, ...] | str | None = None
        self._lengths: dict[str, int] = {}
        if self.short_type in IMAGE_FIELDS:
            self.frames = FrameLog(self.store, decode=self.depth == "full")
        if self.short_type == POINT_CLOUD and self.depth == "full":
            self.clouds = CloudLog(self.store)
        if self.short_type in (*BYTES_FIELD, INFO):
            self.sound = SoundLog(self.store, self.short_type)

    @property
    def n(self) -> int:
        """Messages."""
        return self.base.n

    @property
    def decode_failures(self) -> int | None:
        """Messages whose bytes do not fit their definition; None where nobody can tell, as this tool lacks the way."""
        return None if self.unsupported_n and not self.failed_n else self.failed_n

    def column(self, name: str) -> Blocks:
        """One of the fields of BASE_DTYPE; stamps only of messages that have one."""

        def blocks() -> Iterator[Array]:
            for block in self.base.blocks():
                values = block[name]
                yield values[values != NO_STAMP] if name == "stamp" else values

        return blocks

    def times(self, child_frame: str) -> Blocks:
        """Stamp and log time of each message that has a header stamp, or of each transform of one child frame."""
        if child_frame:
            return self.children[child_frame].blocks
        if not self.header_n:
            return lambda: ()
        return lambda: (block[block["stamp"] != NO_STAMP] for block in self.base.blocks())

    def add(self, batch: Batch, decoder: ColumnDecoder) -> None:
        """Add messages of this topic, in file order."""
        self.payload.update(batch.buffer, batch.offset, batch.length)
        for part in _pieces(batch):
            self._add_part(part, decoder)

    def _add_part(self, batch: Batch, decoder: ColumnDecoder) -> None:
        columns = decoder.decode(batch.buffer, batch.offset, batch.length)
        self._count_failures(columns, supported=decoder.schema.root is not None)
        base = np.zeros(len(batch), BASE_DTYPE)
        base["log"] = np.minimum(batch.log_time, _LATEST_NS)
        base["publish"] = np.minimum(batch.publish_time, _LATEST_NS)
        base["sequence"], base["length"] = batch.sequence, np.minimum(batch.length, np.iinfo(np.uint32).max)
        base["stamp"] = self._header_stamps(columns, len(batch))
        self.base.append(base)
        stamps = np.where(base["stamp"] == NO_STAMP, base["publish"], base["stamp"])
        names = self._read_names(columns, len(batch))
        self._count_shapes(columns, len(batch))
        self.numeric.add(columns, stamps, names)
        if self.sound is not None:
            self.sound.add(batch.buffer, columns)
        for path, column in columns.fields.items():
            if column.kind == "text":
                self.texts.add_messages(self.topic, path, column.table)
        if self.frames is not None and has_fields(columns, IMAGE_FIELDS[self.short_type]):
            self.frames.add(batch.buffer, columns, stamps, self.short_type)
        if self.clouds is not None and has_fields(columns, CLOUD_FIELDS):
            self.clouds.add(batch.buffer, columns)
        if self.short_type == TF and has_fields(columns, _TRANSFORM_FIELDS):
            self._add_transforms(columns, base["log"])
        if self.short_type == CAMERA_INFO and has_fields(columns, _CAMERA_FIELDS):
            self._add_camera_info(columns)

    def _count_failures(self, columns: Columns, *, supported: bool) -> None:
        self.decode_reasons.update(columns.reasons)
        unknown = sum(n for reason, n in columns.reasons.items() if not supported or _UNSUPPORTED in reason)
        self.unsupported_n += unknown
        self.failed_n += int(columns.failed.sum()) - unknown

    def _header_stamps(self, columns: Columns, n: int) -> NDArray[np.int64]:
        stamps = np.full(n, NO_STAMP, np.int64)
        found = columns.fields.get("timestamp" if self.short_type == VIDEO else "header.stamp")
        if found is not None and found.kind == "time" and found.length is None:
            stamps[found.message] = found.values
            self.header_n += len(found.message)
        return stamps

    def _read_names(self, columns: Columns, n: int) -> NameLayouts | None:
        """Names of the elements of a JointState, and how often they change."""
        column = columns.fields.get("name")
        if self.short_type != JOINT_STATE or column is None or column.kind != "text" or column.length is None:
            return None
        names = NameLayouts.read(column, n)
        told = names.of_message[names.of_message >= 0]
        if len(told):
            first, last = (_names_key(names.layouts[int(place)]) for place in (told[0], told[-1]))
            self.names_changes_n += int((np.diff(told) != 0).sum()) + (self._names not in (None, first))
            if len(names.layouts) > 1 or self._names != last:
                self._keep_names(names)
            self._names = last
        return names

    def _keep_names(self, names: NameLayouts) -> None:
        """Names of a batch among all names, as long as they may be kept."""
        fresh = {name for layout in names.layouts for name in layout} - self.all_names
        if len(self.all_names) >= MAX_EDGES or not self.store.grant_names(fresh):
            self.names_overflowed = True
        else:
            self.all_names |= fresh

    def _count_shapes(self, columns: Columns, n: int) -> None:
        """Messages in which a sequence of numbers has another length than in the message before."""
        changed = np.zeros(n, bool)
        for path, column in columns.fields.items():
            if column.kind != "number" or column.length is None or "[]" in path or not len(column.message):
                continue
            first = self._lengths.get(path, int(column.length[0]))
            before = np.concatenate((np.array([first]), column.length[:-1]))
            changed[column.message[column.length != before]] = True
            self._lengths[path] = int(column.length[-1])
        self.shape_changes_n += int(changed.sum())

    def _add_transforms(self, columns: Columns, log_ns: NDArray[np.int64]) -> None:
        stamps, children, parents = (
            columns.fields[f"transforms[].{name}"] for name in ("header.stamp", "child_frame_id", "header.frame_id")
        )
        codes = children.values.astype(np.int64)
        for code in np.unique(codes).tolist():
            child, rows = children.table[code], codes == code
            if child not in self.children and not self._takes_frames(self.children, MAX_CHILD_FRAMES, child):
                continue
            times = np.zeros(int(rows.sum()), TIMES_DTYPE)
            times["stamp"], times["log"] = stamps.values[rows], log_ns[stamps.message[rows]]
            if child not in self.children:
                self.children[child] = self.store.column(TIMES_DTYPE)
            self.children[child].append(times)
        pairs = np.unique(np.stack([parents.values, codes]).astype(np.int64), axis=1)
        for parent, code in pairs.T.tolist():
            edge = parents.table[parent], children.table[code]
            if edge not in self.edges and self._takes_frames(self.edges, MAX_EDGES, *edge):
                self.edges.add(edge)

    def _takes_frames(self, known: Sized, most: int, *names: str) -> bool:
        """Whether one more entry of these names may be kept."""
        takes = len(known) < most and self.store.grant_names(names)
        self.overflowed |= not takes
        return takes

    def _add_camera_info(self, columns: Columns) -> None:
        """Keep the first CameraInfo, and count those that differ from the one before."""
        for row in range(len(columns.fields["height"].message)):
            found = _camera_info(columns, row)
            if self.camera_info is None:
                self.camera_info = self._last_info = found
            elif found != self._last_info:
                self.camera_info_changes_n += 1
                self._last_info = found


def _names_key(layout: tuple[str, ...]) -> tuple[str, ...] | str:
    """What a list of names is held against to tell whether it changed: itself, or its digest where it is long."""
    short = len(layout) <= _KEPT_NAMES and sum(map(len, layout)) <= _KEPT_LETTERS
    return layout if short else sha256_hex(repr(layout).encode())


def has_fields(columns: Columns, kinds: Mapping[str, str]) -> bool:
    """Whether a type that bears a known name has the fields of that type: anyone may define any name."""
    return all(path in columns.fields and columns.fields[path].kind == kind for path, kind in kinds.items())


def _camera_info(columns: Columns, row: int) -> JsonObject:
    fields = columns.fields
    distortion = fields["d"].take(np.array([row])).values
    values: dict[str, JsonValue] = {
        "height": int(cast("int", fields["height"].values[row])),
        "width": int(cast("int", fields["width"].values[row])),
        "k": [float(item) for item in fields["k"].values[row].tolist()],
        "d": [float(item) for item in distortion.tolist()[:32]],
        "distortion_model": fields["distortion_model"].table[int(cast("int", fields["distortion_model"].values[row]))],
    }
    return values


def _pieces(batch: Batch) -> Iterator[Batch]:
    """Parts of a batch whose columns are small, whatever the batch is."""
    ends = np.cumsum(batch.length)
    total = int(ends[-1]) if len(ends) else 0
    if total <= _DECODE_BYTES:
        yield batch
        return
    cuts = np.unique(np.searchsorted(ends, np.arange(_DECODE_BYTES, total, _DECODE_BYTES), side="right"))
    for rows in np.split(np.arange(len(ends)), cuts):
        if len(rows):
            yield batch.take(rows)


def short_type(ros_type: str) -> str:
    """`sensor_msgs/JointState` of `sensor_msgs/msg/JointState`."""
    parts = ros_type.split("/")
    return f"{parts[0]}/{parts[-1]}"
