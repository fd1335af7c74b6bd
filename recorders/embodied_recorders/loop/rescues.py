"""Failed takes of a session, brought back between takes once the disk is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from embodied_recorders.loop.beside import Rescued, Rescuer

_SHORTEST_NS: Final = 2_000_000_000  # between two tries; each waits twice as long
_LONGEST_NS: Final = 60_000_000_000


@dataclass
class Rescues:
    """What is left to be brought back.

    Attributes:
        rescuer: Does it, beside the recording; None leaves it to the next session.
    """

    rescuer: Rescuer | None = None
    _left: set[str] = field(default_factory=set)
    _next_ns: int = 0
    _period_ns: int = _SHORTEST_NS

    def expect(self, episode_id: str) -> None:
        """A take has failed."""
        self._left.add(episode_id)
        self._next_ns, self._period_ns = 0, _SHORTEST_NS

    def finished(self) -> Sequence[Rescued]:
        """What has become of this session's takes since the last call."""
        found = [one for one in (self.rescuer.finished() if self.rescuer else ()) if one.episode_id in self._left]
        self._left -= {one.episode_id for one in found if one.is_settled}
        return found

    def begin(self, now_ns: int) -> None:
        """Try again, where something is left and it is time, by a monotonic clock."""
        if self.rescuer is None or not self._left or now_ns < self._next_ns:
            return
        self._next_ns = now_ns + self._period_ns
        self._period_ns = min(2 * self._period_ns, _LONGEST_NS)
        self.rescuer.begin()
