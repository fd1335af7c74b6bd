"""Joints of a URDF, read by a parser that accepts no document type: so nothing expands, nothing is fetched.

Elements: wiki.ros.org/urdf/XML; only robot/joint and its children are looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from embodied_kit.errors import DataError

MAX_URDF_BYTES = 16 * 2**20
_FIXED = ("fixed", "floating", "planar")


@dataclass(frozen=True)
class Urdf:
    """What a URDF says of names.

    Attributes:
        joints: Joints with one degree of freedom that follow no other joint, in file order.
        mimics: Joints that follow another.
        edges: (parent link, child link) of every joint.
    """

    joints: tuple[str, ...]
    mimics: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class UrdfJoint:
    """One joint as the file writes it.

    Attributes:
        kind: Its `type`.
        elements: Child element -> its attributes: parent, child, origin, axis, limit, mimic.
    """

    name: str
    kind: str
    elements: dict[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def parent(self) -> str:
        """Name of the parent link; empty where there is none."""
        return self.elements.get("parent", {}).get("link", "")

    @property
    def child(self) -> str:
        """Name of the child link; empty where there is none."""
        return self.elements.get("child", {}).get("link", "")


@dataclass
class _Reader:
    """Collects joints from the events of the parser."""

    joints: list[UrdfJoint] = field(default_factory=list)
    depth: int = 0
    in_joint: bool = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self.depth += 1
        if self.depth == 1 and tag != "robot":
            raise DataError(f"expected the element robot, got {tag[:40]!r}")
        if self.depth == 2:
            self.in_joint = tag == "joint"
            if self.in_joint:
                self.joints.append(UrdfJoint(attributes.get("name", ""), attributes.get("type", "")))
        elif self.depth == 3 and self.in_joint:
            self.joints[-1].elements[tag] = attributes

    def end(self, _tag: str) -> None:
        self.depth -= 1


def read_urdf(data: bytes) -> Urdf:
    """Names of a URDF.

    Raises:
        DataError: It is no XML, declares a document type, or is too large.
    """
    joints = read_joints(data)
    movable = [joint for joint in joints if joint.kind not in _FIXED]
    return Urdf(
        tuple(joint.name for joint in movable if "mimic" not in joint.elements),
        tuple(joint.name for joint in movable if "mimic" in joint.elements),
        tuple((joint.parent, joint.child) for joint in joints),
    )


def read_joints(data: bytes) -> list[UrdfJoint]:
    """Joints of a URDF in file order.

    Raises:
        DataError: It is no XML, declares a document type, or is too large.
    """
    if len(data) > MAX_URDF_BYTES:
        raise DataError(f"expected a URDF of {MAX_URDF_BYTES} bytes at most, got {len(data)}")
    reader, parser = _Reader(), expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise DataError(f"expected XML, got: {error}") from error
    return reader.joints


def _refuse_doctype(*_arguments: object) -> None:
    raise DataError("expected a URDF without DOCTYPE, got one")
