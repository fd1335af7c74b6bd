"""What the page draws of one episode: series, intervals, frames and the faults among them."""

from __future__ import annotations

from dataclasses import dataclass

from embodied_validators.report.decimate import Times, Values
from embodied_validators.report.info import PictureReason


@dataclass(frozen=True)
class Series:
    """One quantity over time.

    Attributes:
        stream: Stream id; series of one stream and unit share a plot.
        name: Joint or field.
        unit: UCUM code of the values.
        times_ns: Shape (n,), stamps in ns since the Unix epoch.
        values: Shape (n,); NaN is drawn as a hole.
    """

    stream: str
    name: str
    unit: str
    times_ns: Times
    values: Values


@dataclass(frozen=True)
class Rate:
    """Times of the messages of one stream; the page draws the interval between them.

    Attributes:
        topic: ROS topic.
        nominal_rate_hz: Declared rate; None where none is.
        times_ns: Shape (n,), time of each interval's end (or of every message, see `intervals_ns`).
        intervals_ns: Shape (n,), interval that ends at each time; None to take the differences of `times_ns`.
    """

    stream: str
    topic: str
    nominal_rate_hz: float | None
    times_ns: Times
    intervals_ns: Values | None = None


@dataclass(frozen=True)
class Strip:
    """Frames of one camera, evenly spaced.

    Attributes:
        frames: Time in ns and JPEG bytes of each.
        depth: Whether colours are distances.
    """

    stream: str
    topic: str
    frames: tuple[tuple[int, bytes], ...]
    depth: bool = False


@dataclass(frozen=True)
class Path3:
    """Where something went.

    Attributes:
        frame: Coordinate frame of the points; empty where the messages do not say.
        times_ns: Shape (n,).
        points_m: Shape (n, 3), metres; NaN is a hole.
        tip: Link whose path was computed from joints and URDF; empty where the positions were recorded.
    """

    stream: str
    topic: str
    frame: str
    times_ns: Times
    points_m: Values
    tip: str = ""


@dataclass(frozen=True)
class Span:
    """A fault in time, as in the facts table `span`."""

    stream: str
    kind: str
    start_ns: int
    end_ns: int


@dataclass(frozen=True)
class EpisodeView:
    """Everything the page draws of one episode.

    Attributes:
        start_ns, end_ns: Span of the time axis, ns since the Unix epoch.
        pictures: Why frames are shown or not.
        notes: What is missing from the plots and why, stable English sentences.
    """

    episode_id: str
    title: str
    start_ns: int
    end_ns: int
    series: tuple[Series, ...] = ()
    rates: tuple[Rate, ...] = ()
    strips: tuple[Strip, ...] = ()
    paths: tuple[Path3, ...] = ()
    spans: tuple[Span, ...] = ()
    pictures: PictureReason = "undeclared"
    notes: tuple[str, ...] = ()
