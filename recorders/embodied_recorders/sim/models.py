"""The robot written down: URDF for the world, MJCF for the physics, both from `robot.py` and `shapes.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from embodied_recorders.sim import robot, shapes
from embodied_recorders.sim.rotation import rpy

ROBOT_ID = "sim_arm"
FT_SITE = "ft"
TCP_SITE = "tcp"
# Parameters that held in 100 of 100 seeds; impratio 10 lets the cube creep, 100 makes it explode.
DAMPING = "1"
ARMATURE = "0.05"
FRICTIONLOSS = "0.05"
FINGER_DAMPING = "5"
FINGER_ARMATURE = "0.02"
PAD = {
    "friction": "1.2 0.02 0.0002",
    "condim": "4",
    "priority": "1",
    "solref": "0.004 1",
    "solimp": "0.95 0.99 0.001",
}


def _row(values: Iterable[float]) -> str:
    return " ".join(str(value) for value in values)


def urdf() -> str:
    """The robot as URDF: links, joints with limits of position, velocity and effort, camera, F/T and tool frames."""
    root = Element("robot", name=ROBOT_ID)
    for link in robot.LINKS:
        element = SubElement(root, "link", name=link)
        if link in robot.INERTIALS:
            _urdf_inertial(element, robot.INERTIALS[link])
        for shape in _shapes_of(link):
            _urdf_visual(element, shape)
    for joint in robot.JOINTS:
        element = _urdf_joint(root, joint)
        SubElement(element, "axis", xyz=_row(joint.axis))
        limits = {"lower": joint.lower, "upper": joint.upper, "velocity": joint.velocity, "effort": joint.effort}
        SubElement(element, "limit", {name: f"{value:g}" for name, value in limits.items()})
    for fixed in robot.FIXED:
        _urdf_joint(root, fixed)
    indent(root)
    return '<?xml version="1.0"?>\n' + tostring(root, encoding="unicode") + "\n"


def _shapes_of(link: str) -> Iterator[shapes.Shape]:
    own = (shape for shape in shapes.STATIC if shape.name == "base") if link == robot.BASE else shapes.MOVING
    return (shape for shape in own if shape.link == link)


def _urdf_joint(root: Element, joint: robot.Joint | robot.Fixed) -> Element:
    kind, turn = ("fixed", rpy(joint.quat)) if isinstance(joint, robot.Fixed) else (joint.kind, (0.0, 0.0, 0.0))
    element = SubElement(root, "joint", name=joint.name, type=kind)
    SubElement(element, "origin", xyz=_row(joint.origin), rpy=_row(turn))
    SubElement(element, "parent", link=joint.parent)
    SubElement(element, "child", link=joint.child)
    return element


def _urdf_inertial(link: Element, inertial: robot.Inertial) -> None:
    element = SubElement(link, "inertial")
    SubElement(element, "origin", xyz=_row(inertial.centre), rpy="0 0 0")
    SubElement(element, "mass", value=f"{inertial.mass:g}")
    ixx, iyy, izz = (f"{moment:g}" for moment in inertial.moments)
    SubElement(element, "inertia", ixx=ixx, ixy="0", ixz="0", iyy=iyy, iyz="0", izz=izz)


def _urdf_visual(link: Element, shape: shapes.Shape) -> None:
    element = SubElement(link, "visual", name=shape.name)
    SubElement(element, "origin", xyz=_row(shape.at), rpy="0 0 0")
    geometry = SubElement(element, "geometry")
    if shape.kind == "box":
        SubElement(geometry, "box", size=_row(2 * half for half in shape.size))
    else:  # URDF knows no capsule: a cylinder of the same length over all
        radius, half_length, _ = shape.size
        SubElement(geometry, "cylinder", radius=f"{radius:g}", length=f"{2 * (half_length + radius):g}")
    material = SubElement(element, "material", name=f"colour_{shape.name}")
    SubElement(material, "color", rgba=_row([*(channel / 255 for channel in shape.colour), 1]))


def mjcf() -> str:
    """Robot and scene as MJCF; joints and servos in the order of robot.JOINTS, then the free joint of the cube."""
    root = Element("mujoco", model=ROBOT_ID)
    SubElement(root, "compiler", angle="radian", autolimits="true")
    SubElement(root, "option", timestep="0.001", integrator="implicitfast", cone="elliptic", impratio="1")
    world = SubElement(root, "worldbody")
    for shape in shapes.STATIC:
        _geom(world, shape)
    children = {robot.BASE: SubElement(world, "body", name=robot.BASE)}
    for joint in robot.ARM:
        children[joint.child] = _moving_body(children[joint.parent], joint)
    flange = next(fixed for fixed in robot.FIXED if fixed.child == robot.GRIPPER)
    gripper = _body(children[flange.parent], flange)
    children[robot.GRIPPER] = gripper
    SubElement(gripper, "site", name=FT_SITE)
    tool = next(fixed for fixed in robot.FIXED if fixed.child == robot.TCP)
    SubElement(gripper, "site", name=TCP_SITE, pos=_row(tool.origin))
    for joint in robot.FINGERS:
        _moving_body(gripper, joint)
    cube = SubElement(world, "body", name=shapes.CUBE, pos=_row((0.4, 0.1, shapes.CUBE_HALF_M)))
    SubElement(cube, "freejoint", name="cube_joint")
    for shape in shapes.MOVING:
        if shape.link == shapes.CUBE:
            _geom(cube, shape)
    _coupling_servos_sensors(root)
    return tostring(root, encoding="unicode")


def _body(parent: Element, joint: robot.Joint | robot.Fixed) -> Element:
    element = SubElement(parent, "body", name=joint.child, pos=_row(joint.origin), gravcomp="1")
    inertial = robot.INERTIALS[joint.child]
    SubElement(
        element,
        "inertial",
        pos=_row(inertial.centre),
        mass=f"{inertial.mass:g}",
        diaginertia=_row(inertial.moments),
    )
    for shape in shapes.MOVING:
        if shape.link == joint.child:
            _geom(element, shape)
    return element


def _moving_body(parent: Element, joint: robot.Joint) -> Element:
    element = _body(parent, joint)
    arm = joint.kind == "revolute"
    attributes = {
        "name": joint.name,
        "type": "hinge" if arm else "slide",
        "axis": _row(joint.axis),
        "range": _row((joint.lower, joint.upper)),
        "damping": DAMPING if arm else FINGER_DAMPING,
        "armature": ARMATURE if arm else FINGER_ARMATURE,
        "frictionloss": FRICTIONLOSS if arm else "0",
    }
    element.insert(0, Element("joint", attributes))
    return element


def _geom(parent: Element, shape: shapes.Shape) -> None:
    size = shape.size if shape.kind == "box" else shape.size[:2]
    contacts: dict[shapes.Contact, dict[str, str]] = {
        "none": {"contype": "0", "conaffinity": "0", "mass": "0"},
        "scene": {},
        "pad": {**PAD, "mass": "0"},
        "object": {"mass": f"{shapes.CUBE_MASS_KG:g}"},
    }
    attributes = {"name": shape.name, "type": shape.kind, "pos": _row(shape.at), "size": _row(size)}
    SubElement(parent, "geom", {**attributes, **contacts[shape.contact]})


def _coupling_servos_sensors(root: Element) -> None:
    """Fingers move as one; each joint has a position servo that saturates at its effort limit."""
    left, right = robot.FINGERS
    equality = SubElement(root, "equality")
    SubElement(equality, "joint", joint1=left.name, joint2=right.name, polycoef="0 1 0 0 0")
    actuator = SubElement(root, "actuator")
    for joint in robot.JOINTS:
        SubElement(
            actuator,
            "position",
            name=joint.name,
            joint=joint.name,
            kp=f"{joint.kp:g}",
            kv=f"{joint.kv:g}",
            forcerange=_row((-joint.effort, joint.effort)),
        )
    sensor = SubElement(root, "sensor")
    SubElement(sensor, "force", site=FT_SITE)
    SubElement(sensor, "torque", site=FT_SITE)
