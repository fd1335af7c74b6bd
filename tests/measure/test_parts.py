from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_kit.episode.urdf import read_urdf
from embodied_kit.errors import DataError
from embodied_kit.measure.declared.jsonget import get_list, get_ns, get_number, get_objects, get_positive
from embodied_kit.measure.derived.tree import tree_problem

URDF = b"""<?xml version="1.0"?>
<robot name="arm">
  <link name="base"/><link name="l1"/><link name="tool"/>
  <joint name="j1" type="revolute"><parent link="base"/><child link="l1"/><limit effort="1"/></joint>
  <joint name="mount" type="fixed"><parent link="l1"/><child link="tool"/></joint>
  <joint name="finger" type="prismatic"><parent link="tool"/><child link="f1"/></joint>
  <joint name="other" type="prismatic"><parent link="tool"/><child link="f2"/><mimic joint="finger"/></joint>
  <transmission name="t"><joint name="j1"/></transmission>
</robot>"""


def test_a_urdf_gives_its_movable_joints_and_its_tree() -> None:
    found = read_urdf(URDF)
    assert found.joints == ("j1", "finger")
    assert found.mimics == ("other",)
    assert tree_problem(found.edges) == ""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not xml",
        b"<robot><joint></robot>",
        b"<html/>",
        b'<!DOCTYPE robot SYSTEM "file:///etc/passwd"><robot/>',
        b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><robot name="&b;"/>',
        b"<?xml version='1.0' encoding='no-such'?><robot/>",
        b"\xff\xfe<\x00r",
    ],
)
def test_what_is_no_plain_urdf_is_refused(data: bytes) -> None:
    with pytest.raises(DataError):
        read_urdf(data)


def test_a_deep_urdf_is_read_without_recursion() -> None:
    assert read_urdf(b"<robot>" + b"<a>" * 200_000 + b"</a>" * 200_000 + b"</robot>").joints == ()


@pytest.mark.parametrize(
    ("edges", "problem"),
    [
        ([("w", "a"), ("w", "b"), ("a", "c")], ""),
        ([("w", "a"), ("w", "a")], ""),
        ([], "empty"),
        ([("w", "a"), ("b", "a")], "two_parents"),
        ([("w", "a"), ("x", "b")], "several_roots"),
        ([("a", "b"), ("b", "a")], "cycle"),
        ([("w", "a"), ("x", "y"), ("y", "x")], "cycle"),
        ([("a", "a")], "cycle"),
    ],
)
def test_frames_are_one_tree_or_say_why_not(edges: list[tuple[str, str]], problem: str) -> None:
    assert tree_problem(edges) == problem


@given(st.lists(st.integers(0, 5), min_size=1, max_size=200))
def test_whatever_hangs_on_an_earlier_frame_is_a_tree(parents: list[int]) -> None:
    edges = [(f"f{min(parent, child)}", f"f{child + 1}") for child, parent in enumerate(parents)]
    assert tree_problem(edges) == ""


def test_documents_of_others_are_read_by_form() -> None:
    value = {"n": True, "t": "12", "bad": "12x", "list": [1, {"a": 1}], "text": "abc", "zero": 0}
    assert (get_number(value, "n"), get_ns(value, "t"), get_ns(value, "bad"), get_ns(value, "n")) == (
        None,
        12,
        None,
        None,
    )
    assert get_objects(value, "list") == [{"a": 1}]
    assert get_list(value, "text") == ()
    assert get_positive(value, "zero") is None
