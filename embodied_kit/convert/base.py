"""The Protocol of a foreign recording: channels first, then messages, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from embodied_kit.episode.datafile import OutMessage
from embodied_kit.model.channel import ChannelInfo


class ForeignRecording(Protocol):
    """One recording in another format, about to become one episode."""

    name: str
    """Format and name, e.g. `rosbag2:take_3`; no path of a machine."""

    def channels(self) -> Sequence[ChannelInfo]:
        """Its channels; OutMessage.channel is an index into them.

        Raises:
            DataError: The recording cannot be read, or holds what cannot be carried.
        """
        ...

    def messages(self) -> Iterator[Sequence[OutMessage]]:
        """Its messages in bounded groups, in the order of the file.

        Raises:
            DataError: Damage was met.
        """
        ...
