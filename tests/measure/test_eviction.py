from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from measure.synthetic import Take, streams, write_data
from measure.test_cache import lines, opened_data_files

from embodied_kit.errors import UsageError
from embodied_kit.measure.kept.eviction import MAX_CACHE_VARIABLE, max_cache_bytes, trim


def kept(folder: Path, name: str, size: int, age_s: float) -> Path:
    path = folder / name
    path.write_bytes(bytes(size))
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def test_the_longest_unused_files_go_until_there_is_room(tmp_path: Path) -> None:
    files = [kept(tmp_path, f"{age}", 100, age) for age in (1, 2, 3, 4, 5)]
    assert trim(tmp_path, 500) == 500
    assert trim(tmp_path, 499) == 300
    assert [path.exists() for path in files] == [True, True, True, False, False]


def test_what_a_killed_run_left_goes_after_a_day(tmp_path: Path) -> None:
    old, fresh = (kept(tmp_path, f"{age}.partial", 10, age) for age in (100_000, 10))
    assert trim(tmp_path, 1000) == 10
    assert (old.exists(), fresh.exists()) == (False, True)


def test_a_measurement_that_is_used_stays(tmp_path: Path) -> None:
    paths = []
    for name in ("joint_states", "tf"):
        (tmp_path / name).mkdir()
        paths += write_data(tmp_path / name, {name: streams()[name]}, Take())
    cache = tmp_path / "cache"
    for path in paths:
        lines(path, cache)
    for file in cache.rglob("*"):
        if file.is_file():
            os.utime(file, (1, 1))
    lines(paths[0], cache)  # used once more
    total = sum(file.stat().st_size for file in cache.rglob("*") if file.is_file())
    trim(cache, total - 1)
    with opened_data_files() as opened:
        lines(paths[0], cache)
        assert opened == []
        lines(paths[1], cache)
        assert opened


def test_the_bound_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MAX_CACHE_VARIABLE, raising=False)
    assert max_cache_bytes() == 10**10
    monkeypatch.setenv(MAX_CACHE_VARIABLE, "0.5")
    assert max_cache_bytes() == 5 * 10**8
    for text in ("much", "-1", "nan", "inf"):
        monkeypatch.setenv(MAX_CACHE_VARIABLE, text)
        with pytest.raises(UsageError):
            max_cache_bytes()
