"""Who works beside the recording: a judge of closed takes and a rescuer of failed ones, handed in from outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from embodied_kit.language import Texts
from embodied_kit.model.facts import Depth


@dataclass(frozen=True)
class VerdictLine:
    """One rule that speaks: its id, what it is called and what to do, language -> text.

    Attributes:
        place: Stream, field, second of the take.
        level: First level that it stands in the way of.
    """

    rule: str
    title: Texts
    fix: Texts
    place: str = ""
    level: str = ""


@dataclass(frozen=True)
class Verdict:
    """What the judge says of a closed take.

    Attributes:
        level: Level reached, e.g. `L2`; empty for none.
        failed: Rules that failed, worst first.
        undetermined: Rules that could not be decided.
        warned: Rules of severity warning that failed.
        seconds: From the file's close to the verdict.
        whole: Whether images were decoded too; before that, what needs them is undetermined, and a further one comes.
        problem: Why there is none, or no further one, language -> text; else empty.
        depth: How deep was looked: index, signal, full.
    """

    level: str = ""
    failed: Sequence[VerdictLine] = ()
    undetermined: Sequence[VerdictLine] = ()
    warned: Sequence[VerdictLine] = ()
    seconds: float = 0.0
    whole: bool = True
    problem: Texts = field(default_factory=dict)
    depth: Depth = "full"


class Judge(Protocol):
    """Judges closed takes beside the recording; the command line hands one in."""

    def follow(self, episode_id: str, staging: str) -> None:
        """Have a take read while it is recorded, so that its verdict comes the sooner; returns at once."""
        ...

    def forget(self, episode_id: str) -> None:
        """Read no more of a take that failed, and hold nothing of it open; returns at once."""
        ...

    def submit(self, episode_id: str, folder: str) -> None:
        """Have an episode folder judged; returns at once."""
        ...

    def finished(self) -> Sequence[tuple[str, Verdict]]:
        """Verdicts that came since the last call; never waits."""
        ...

    @property
    def alive(self) -> bool:
        """Whether verdicts may still come."""
        ...

    def close(self) -> None:
        """End it; verdicts that did not come are not waited for."""
        ...


@dataclass(frozen=True)
class Rescued:
    """What became of a take that had failed.

    Attributes:
        is_settled: To try again would change nothing.
        text: What became of it, language -> text.
        folder: The episode folder; empty where there is none.
    """

    episode_id: str
    is_settled: bool
    text: Texts
    folder: str = ""


class Rescuer(Protocol):
    """Brings failed takes back beside the recording; the command line hands one in."""

    def begin(self) -> None:
        """Begin, unless it is at work already; returns at once."""
        ...

    def finished(self) -> Sequence[Rescued]:
        """What became of the takes, once, when all is done; never waits."""
        ...

    def close(self) -> None:
        """End it, even before it is done."""
        ...
