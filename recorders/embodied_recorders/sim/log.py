"""The robot's own log, JSON Lines: what it published and what really happened. Ground truth for tests.

Both processes append whole lines to one file; the operating system keeps appended writes apart.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from embodied_kit.errors import UsageError
from embodied_kit.model.json import JsonValue

LINES_A_WRITE = 256  # about 0.1 s of messages: formatting them takes less than half a millisecond


class LogWriter:
    """Appends to one log file from one process.

    Args:
        path: The file.
        fresh: Empty it first.

    Raises:
        UsageError: The file cannot be opened for writing.
    """

    def __init__(self, path: str, *, fresh: bool = False) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | (os.O_TRUNC if fresh else 0)
        try:
            self._file = os.open(path, flags, 0o644)
        except OSError as error:
            raise UsageError(f"expected a log file that can be written, got {path}: {error.strerror}") from error
        self._messages: list[tuple[str, int, int, int]] = []

    def message(self, topic: str, sequence: int, stamp_ns: int, source_ns: int) -> None:
        """Note one published message: number on its topic from 0, header stamp (0 where it has none), send time."""
        self._messages.append((topic, sequence, stamp_ns, source_ns))
        if len(self._messages) >= LINES_A_WRITE:
            self.flush()

    def event(self, name: str, fields: Mapping[str, JsonValue]) -> None:
        """Note an event; what was published before it stands before it."""
        self.flush()
        self._write(json.dumps({"event": name, **fields}) + "\n")

    def flush(self) -> None:
        """Write what is waiting."""
        messages, self._messages = self._messages, []
        if messages:
            self._write("".join(map(_line, messages)))

    def close(self) -> None:
        """Write what is waiting and close the file."""
        self.flush()
        os.close(self._file)

    def _write(self, lines: str) -> None:
        data = lines.encode()
        while data:
            data = data[os.write(self._file, data) :]


def _line(message: tuple[str, int, int, int]) -> str:
    topic, sequence, stamp_ns, source_ns = message
    return f'{{"topic":"{topic}","sequence":{sequence},"stamp_ns":"{stamp_ns}","source_ns":"{source_ns}"}}\n'
