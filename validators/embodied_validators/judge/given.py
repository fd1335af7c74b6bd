"""Whether a check is asked at all in a context: `given: {purpose: [export]}`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from embodied_kit.model.json import JsonValue
from embodied_kit.model.report import Context
from embodied_validators.judge.reasons import reason

Asked = Literal["yes", "no", "unknown"]


def asked(given: Mapping[str, JsonValue], context: Context) -> tuple[Asked, str]:
    """Whether a check is asked, and where nobody knows, why.

    A context without a purpose asks nothing that depends on one; any other key that it leaves open is not known.

    Args:
        given: Key of the context -> values under which the check is asked.
        context: Of the judgement.

    Returns:
        `yes`, `no` or `unknown`, and the reason of the latter.
    """
    known: Mapping[str, JsonValue] = {
        "purpose": context.purpose or "none",
        "recipient_country": context.recipient_country or None,
        "recipient_gba": context.recipient_gba,
    }
    open_keys = [key for key in given if known[key] is None]
    if any(known[key] not in _listed(values) for key, values in given.items() if key not in open_keys):
        return "no", ""
    return ("unknown", reason("context_unknown", open_keys[0])) if open_keys else ("yes", "")


def _listed(values: JsonValue) -> Sequence[JsonValue]:
    return values if isinstance(values, Sequence) and not isinstance(values, str) else (values,)
