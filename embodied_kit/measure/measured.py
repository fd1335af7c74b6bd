"""What the data files of one unit gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from embodied_kit.model.facts import Row

Tables = Mapping[str, Sequence[Row]]


@dataclass(frozen=True)
class Measured:
    """What the data files of one unit gave.

    Attributes:
        tables: Table -> rows.
        sha256: Path -> digest of the bytes that were read; empty at depth `index`.
        messages_n: Messages of the files that belong to the unit; None at depth `index`.
        payload: Digest of all payloads; empty at depth `index`.
        key: Content key; empty at depth `index`, where no content was read.
    """

    tables: Tables
    sha256: Mapping[str, str]
    messages_n: int | None
    payload: str
    key: str
