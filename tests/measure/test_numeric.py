"""Dimensions of a field: the same values in the same blocks, whether they are held together or read one by one."""

from __future__ import annotations

import numpy as np
import pytest

from embodied_kit.measure.columns.numeric import Field
from embodied_kit.measure.columns.store import ColumnStore


@pytest.mark.parametrize(("rows", "width"), [(1000, 5), (1_500_000, 3), (4_300_000, 1)])
def test_each_dimension_comes_as_often_as_it_is_asked_for_whatever_memory_holds(rows: int, width: int) -> None:
    values = np.arange(rows * width, dtype=np.float64).reshape(rows, width)
    with ColumnStore(budget_bytes=4 * 2**20) as store:
        found = Field("data")
        for first in range(0, rows, 70_001):
            part = values[first : first + 70_001]
            found.add(store, part, np.arange(len(part)), ())
        ((matrix, *_),) = found.matrices()
        lengths = [len(block) for block in matrix()]
        for index, blocks in enumerate(found.dimensions()):
            for _ in range(2):
                column = list(blocks())
                assert [len(block) for block in column] == lengths
                assert np.array_equal(np.concatenate(column), values[:, index])
        assert index == width - 1


def test_a_dimension_is_made_of_every_layout_that_has_it() -> None:
    with ColumnStore() as store:
        found = Field("position")
        found.add(store, np.array([[1.0, 2.0]]), np.array([1]), ("a", "b"))
        found.add(store, np.array([[3.0, 4.0, 5.0]]), np.array([2]), ("b", "c", "a"))
        found.add(store, np.array([[6.0]]), np.array([3]), ("c",))
        assert found.names == ["a", "b", "c"]
        columns = [np.concatenate(list(blocks())).tolist() for blocks in found.dimensions()]
    assert columns == [[1.0, 5.0], [2.0, 3.0], [4.0, 6.0]]
