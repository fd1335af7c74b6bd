"""Path -> facts -> report, as validate, attest, verify and demo all do it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from embodied_kit import __version__
from embodied_kit.canonical import sha256_hex
from embodied_kit.cli.measuring import Measuring, measured_each
from embodied_kit.cli.texts import Texts
from embodied_kit.episode.times import rfc3339
from embodied_kit.errors import DataError
from embodied_kit.measure import facts_lines, read_facts
from embodied_kit.model.facts import DATASET_SCOPE, Depth, Facts
from embodied_kit.model.json import JsonObject
from embodied_kit.model.report import Context, Report
from embodied_kit.model.rule import Profile

if TYPE_CHECKING:
    from embodied_validators.report.info import SubjectInfo


@dataclass(frozen=True)
class Judged:
    """A subject that was measured and judged.

    Attributes:
        facts: Every unit.
        facts_bytes: Their canonical lines, as an attestation binds them.
        report_bytes: The report's canonical lines, likewise.
    """

    facts: tuple[Facts, ...]
    facts_bytes: bytes
    profile: Profile
    report: Report
    report_bytes: bytes
    info: SubjectInfo


def measured(
    path: Path, depth: Depth, texts: Texts, *, trust_index: bool, how: Measuring | None = None
) -> tuple[Facts, ...]:
    """Facts of a dataset, episode, MCAP or bag, with a progress bar on a terminal.

    Args:
        path: What to measure.
        depth: How deep.
        texts: Language of the bar.
        trust_index: Whether unchanged files may be known by inode and times; never for an attestation.
        how: Engine and sample; None measures everything in this process.
    """
    return tuple(measured_each(path, depth, texts, how or Measuring(), trust_index=trust_index))


def judged(path: Path, facts: tuple[Facts, ...], profile_name: str | None, *, as_of_ns: int | None = None) -> Judged:
    """Judge facts under a profile.

    Args:
        path: What was measured, for its name.
        facts: Its facts.
        profile_name: `id@version` or a path; None chooses by where the data come from.
        as_of_ns: Date of the judgement; None is now.
    """
    from embodied_validators.judge import judge, report_lines  # noqa: PLC0415  # arrows
    from embodied_validators.profiles import default_profile, load_profile  # noqa: PLC0415
    from embodied_validators.report.info import subject_info  # noqa: PLC0415

    profile = load_profile(profile_name or default_profile(data_origin(facts)))
    facts_bytes = b"".join(facts_lines(facts))
    context = Context(time.time_ns() if as_of_ns is None else as_of_ns)
    report = judge(facts, profile, context, facts_digest=sha256_hex(facts_bytes))
    info = replace(
        subject_info(path.resolve().name, facts),
        judged_at=rfc3339(context.as_of_ns),
        tool=f"embodied-kit {__version__}",
    )
    return Judged(facts, facts_bytes, profile, report, report_lines(report), info)


def judged_again(facts_bytes: bytes, predicate: JsonObject, profile_name: str | None = None) -> bytes:
    """Report lines computed again from facts lines, under the very profile and context that were signed.

    Args:
        facts_bytes: Content of facts.jsonl.
        predicate: The signed predicate.
        profile_name: File of the profile, where it is not one of ours.

    Raises:
        DataError: The profile at hand is not the one that was signed.
    """
    from embodied_validators.judge import judge, report_lines  # noqa: PLC0415
    from embodied_validators.profiles import load_profile  # noqa: PLC0415

    signed, context = predicate.get("profile"), predicate.get("context")
    if not isinstance(signed, Mapping) or not isinstance(context, Mapping):
        raise DataError("expected profile and context in the predicate, got none")
    profile = load_profile(profile_name or str(signed.get("name")))
    if profile.digest != signed.get("sha256"):
        raise DataError(f"expected the profile that was signed, got another {profile.name}", remedy="--profile FILE")
    facts = read_facts(facts_bytes.splitlines(keepends=True))
    as_of_ns, recipient, purpose = (str(context.get(name, "")) for name in ("as_of_ns", "recipient", "purpose"))
    report = judge(facts, profile, Context(int(as_of_ns), recipient, purpose), facts_digest=sha256_hex(facts_bytes))
    return report_lines(report)


def data_origin(facts: tuple[Facts, ...]) -> str:
    """`data_origin` as the first document that has it says; empty where none does."""
    ordered = sorted(facts, key=lambda unit: unit.scope != DATASET_SCOPE)
    for unit in ordered:
        for row in unit.tables.get("document", ()):
            value = row.get("value")
            if isinstance(value, dict) and isinstance(value.get("data_origin"), str):
                return str(value["data_origin"])
    return ""
