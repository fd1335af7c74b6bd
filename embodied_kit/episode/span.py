"""From when to when an episode is, and what its files hold before and after that."""

from __future__ import annotations

from dataclasses import dataclass

from embodied_kit.episode.times import duration_s, rfc3339
from embodied_kit.model.json import JsonObject


@dataclass(frozen=True)
class Span:
    """A take's span, and from when to when its files hold messages; ns since the Unix epoch.

    Attributes:
        file_start_ns, file_end_ns: Receipt of the first and the last message; None where there is none.
    """

    start_ns: int
    end_ns: int
    file_start_ns: int | None = None
    file_end_ns: int | None = None

    def document(self) -> JsonObject:
        """Fields of closing.json; the rolls only where the files hold anything before or after the span."""
        before_ns = self.start_ns - (self.start_ns if self.file_start_ns is None else self.file_start_ns)
        after_ns = (self.end_ns if self.file_end_ns is None else self.file_end_ns) - self.end_ns
        rolls_ns = {"pre_roll_s": before_ns, "post_roll_s": after_ns}
        return {
            "start_ns": str(self.start_ns),
            "end_ns": str(self.end_ns),
            "start_time": rfc3339(self.start_ns),
            "end_time": rfc3339(self.end_ns),
            "duration_s": duration_s(self.start_ns, self.end_ns),
            **{name: round(roll_ns / 1e9, 9) for name, roll_ns in rolls_ns.items() if roll_ns > 0},
        }
