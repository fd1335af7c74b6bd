"""Loss that an RMW vouches for."""

from __future__ import annotations

from collections.abc import Mapping

from .api import CYCLONE, LostStatus


class MessagesLost:
    """Sum of the `message_lost` events of every subscription.

    Args:
        rmw: The RMW's name.
    """

    def __init__(self, rmw: str) -> None:
        # It offers the event and raises it only where a resource limit rejects a sample: up to 96 % were lost without a
        # word (measured before this project). Its zero tells nothing.
        self._silent = rmw == CYCLONE
        self._messages_n = 0
        self._observed = False

    def observe(self) -> None:
        """A subscription has the event."""
        self._observed = True

    def add(self, status: LostStatus | None) -> None:
        """Count what an event tells."""
        if status is not None:
            self._messages_n += status.total_count_change

    def counters(self) -> Mapping[str, int]:
        """`messages_lost`; nothing where no subscription has the event, or where a zero would not mean none."""
        if self._messages_n or (self._observed and not self._silent):
            return {"messages_lost": self._messages_n}
        return {}
