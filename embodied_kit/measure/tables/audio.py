"""Table `audio`: what sound streams declare and hold (rules PR-08, SR-12)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from embodied_kit.measure.declared.jsonget import get_number, get_text, get_texts
from embodied_kit.measure.rows import make_row
from embodied_kit.measure.streams.episode import Episode, StreamView
from embodied_kit.measure.streams.series import Series
from embodied_kit.measure.streams.sound import INFO, LINEAR_16, TOO_MUCH_SOUND, SoundFormat
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonObject, JsonValue

_RATE_STEP = 1e-3
NO_GOVERNANCE = "governance.json is not there or does not say it"
_UNKNOWN_FORMAT = "nothing says how the sound is written"
_OTHER_CODING = "sound of this coding is not decoded"
_MEASURES = ("duration_s", "level_p50_db", "speech_like_ratio")


def audio_rows(episode: Episode) -> list[Row]:
    """A row a sound stream and publisher; whether voice is declared stands in another document, see `with_voice`."""
    infos = [s for s in episode.scan.series.values() if s.short_type == INFO and s.sound is not None]
    return [
        _row(episode, view, series, infos)
        for view in episode.streams
        for series in view.series
        if series.sound is not None and series.short_type != INFO
    ]


def with_voice(rows: Iterable[Row], governance: JsonObject) -> list[Row]:
    """Rows of the table with what governance.json says of voices.

    Args:
        rows: Of the table `audio`.
        governance: Empty where there is none.
    """
    if "pi_categories" not in governance:
        return list(rows)
    declared = "voice" in get_texts(governance, "pi_categories")
    return [_told(row, declared=declared) for row in rows]


def _told(row: Row, *, declared: bool) -> Row:
    reasons = row.get("undetermined")
    left = {name: why for name, why in reasons.items() if name != "voice_declared"} if isinstance(reasons, dict) else {}
    told: dict[str, JsonValue] = {name: value for name, value in row.items() if name != "undetermined"}
    told |= {"undetermined": left} if left else {}
    return {**told, "voice_declared": declared}


def _row(episode: Episode, view: StreamView, series: Series, infos: Sequence[Series]) -> Row:
    how, why = _format(view, series, infos)
    declared_rate, snr = get_number(view.declared, "sample_rate_hz"), get_number(view.declared, "snr_db")
    values: dict[str, JsonValue] = {
        "stream": view.stream,
        "publisher": series.publisher,
        "coding": how.coding or None,
        "sample_rate_hz": how.sample_rate_hz or None,
        "declared_sample_rate_hz": declared_rate,
        "declared_snr_db": snr,
        "declared_ok": declared_rate is not None and snr is not None,
    }
    if declared_rate and how.sample_rate_hz:
        values["rate_agrees"] = abs(how.sample_rate_hz - declared_rate) <= _RATE_STEP * declared_rate
    if series.sound is not None and not why:
        values |= vars(series.sound.levels(how))
    missing = why or "the stream holds no whole frame of sound"
    reasons = dict.fromkeys(_MEASURES, missing) | dict.fromkeys(("coding", "sample_rate_hz"), _UNKNOWN_FORMAT)
    reasons |= dict.fromkeys(("declared_sample_rate_hz", "declared_snr_db"), "the contract does not declare it")
    reasons |= {"rate_agrees": "the sample rate is not known or not declared", "voice_declared": NO_GOVERNANCE}
    return make_row("audio", values, episode=episode.episode_id, reasons=reasons)


def _format(view: StreamView, series: Series, infos: Sequence[Series]) -> tuple[SoundFormat, str]:
    """Format of a stream, and why it cannot be measured; empty where it can.

    Messages tell it, else the one AudioInfo topic of the episode, else the declaration.
    """
    if series.sound is None or series.sound.overflowed:
        return SoundFormat(), TOO_MUCH_SOUND
    told = series.sound.formats or ({f for info in infos if info.sound for f in info.sound.formats})
    if len(told) > 1:
        return SoundFormat(), "the format of the sound changes"
    how = next(iter(told), None)
    if how is None:
        rate = get_number(view.declared, "sample_rate_hz")
        how = SoundFormat(get_text(view.declared, "encoding"), int(rate or 0))
    if not how.coding or how.sample_rate_hz < 1000 or how.channels < 1:
        return how, _UNKNOWN_FORMAT
    return how, "" if how.coding in LINEAR_16 else _OTHER_CODING
