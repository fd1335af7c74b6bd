from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hostile.kit import Program


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """That of a user with an empty cache."""
    home = tmp_path_factory.mktemp("home")
    return {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "EMBODIED_KIT_LANG": "en"}


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Iterator[Program]:
    with Program(tmp_path_factory.mktemp("io"), environment) as found:
        yield found
