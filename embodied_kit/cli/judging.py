"""Path -> facts -> report, as validate, attest, verify and demo all do it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from embodied_kit import __version__
from embodied_kit.canonical import MAX_DOCUMENT_BYTES, parse_json
from embodied_kit.cli.measuring import Measuring, measured_each
from embodied_kit.cli.spool import FactsSpool
from embodied_kit.cli.texts import Texts
from embodied_kit.episode.layout import DATASET_JSON, ROBOT_JSON, ROBOTS
from embodied_kit.episode.times import rfc3339
from embodied_kit.errors import DataError
from embodied_kit.measure import folder_at, read_units
from embodied_kit.measure.places.location import Location
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
        facts: Every unit, on disk.
        report_bytes: The report's canonical lines, as an attestation binds them.
    """

    facts: FactsSpool
    profile: Profile
    report: Report
    report_bytes: bytes
    info: SubjectInfo


@dataclass(frozen=True)
class Judging:
    """How facts are judged; what the options of `judging_options` say.

    Attributes:
        profile: `id@version` or a path; None chooses by what the dataset says of itself.
        select, ignore: Beginnings of rule ids between commas; empty for all rules.
        waivers: File of waivers; None for none. Never taken from the dataset by itself.
    """

    profile: str | None = None
    select: str = ""
    ignore: str = ""
    waivers: Path | None = None


def measured(
    path: Path, depth: Depth, texts: Texts, *, trust_index: bool, how: Measuring | None = None
) -> Iterator[Facts]:
    """Facts of a dataset, episode, MCAP or bag as they are measured, with a progress bar on a terminal.

    Args:
        path: What to measure.
        depth: How deep.
        texts: Language of the bar.
        trust_index: Whether unchanged files may be known by inode and times; never for an attestation.
        how: Engine and sample; None measures everything in this process.
    """
    return measured_each(path, depth, texts, how or Measuring(), trust_index=trust_index)


def judged(path: Path, units: Iterable[Facts], how: Judging, *, context: Context | None = None) -> Judged:
    """Judge facts under a profile, one unit at a time.

    Args:
        path: What was measured, for its name.
        units: Its facts; of a dataset they may still be in the making.
        how: Profile, choice of rules, waivers.
        context: Of the judgement; None is now, for nobody and nothing in particular.
    """
    from embodied_validators.context import make_context  # noqa: PLC0415  # arrows
    from embodied_validators.judge import judge, report_lines  # noqa: PLC0415
    from embodied_validators.profiles import default_profile, load_profile  # noqa: PLC0415
    from embodied_validators.report.info import SubjectGatherer  # noqa: PLC0415
    from embodied_validators.selection import select_rules  # noqa: PLC0415
    from embodied_validators.waiverfile import load_waivers  # noqa: PLC0415

    name = how.profile or profile_of(path)
    if not name:
        units = tuple(units)  # one unit
        name = default_profile(data_origin(units))
    profile = select_rules(load_profile(name), how.select, how.ignore)
    waivers = load_waivers(how.waivers) if how.waivers is not None else ()
    context = context or make_context(time.time_ns())
    spool, gatherer = FactsSpool(), SubjectGatherer()
    report = judge(gatherer.passing(spool.passing(units)), profile, context, waivers=waivers)
    report = replace(report, digests={**report.digests, "facts": spool.sha256()})
    info = replace(
        gatherer.info(path.resolve().name),
        judged_at=rfc3339(context.as_of_ns),
        tool=f"embodied-kit {__version__}",
    )
    return Judged(spool, profile, report, report_lines(report), info)


def profile_of(path: Path) -> str:
    """Name of the profile by what a dataset's documents say, on disk or in a store; empty where it is no dataset."""
    from embodied_validators.profiles import default_profile  # noqa: PLC0415

    folder = folder_at(path)
    if DATASET_JSON not in folder.names():
        return ""
    robots = [f"{ROBOTS}/{name}/{ROBOT_JSON}" for name in sorted(folder.names(ROBOTS))]
    origin = _said(folder, DATASET_JSON, "data_origin")
    return default_profile(origin, [_said(folder, robot, "embodiment_class") for robot in robots])


def _said(folder: Location, path: str, name: str) -> str:
    """A text in a document; empty where there is none: what is wrong with it is found when it is judged."""
    value = (parse_json(folder.read(path, MAX_DOCUMENT_BYTES) or b"").value or {}).get(name)
    return value if isinstance(value, str) else ""


def judged_again(
    lines: Iterable[bytes], predicate: JsonObject, profile_name: str | None = None, ledger: Path | None = None
) -> bytes:
    """Report lines computed again from facts lines, under the very profile and context that were signed.

    Args:
        lines: Of facts.jsonl; those of a few units are held at a time.
        predicate: The signed predicate.
        profile_name: File of the profile, where it is not one of ours.
        ledger: The ledger, where one was used: only its digest was signed.

    Raises:
        DataError: The profile, ledger or a table at hand is not the one that was signed.
    """
    from embodied_validators.context import read_ledger, signed_context  # noqa: PLC0415
    from embodied_validators.judge import judge, report_lines  # noqa: PLC0415
    from embodied_validators.profiles import load_profile  # noqa: PLC0415
    from embodied_validators.waiverfile import read_waivers  # noqa: PLC0415

    signed, context = predicate.get("profile"), predicate.get("context")
    if not isinstance(signed, Mapping) or not isinstance(context, Mapping):
        raise DataError("expected profile and context in the predicate, got none")
    profile = load_profile(profile_name or str(signed.get("name")))
    if profile.digest != signed.get("sha256"):
        raise DataError(f"expected the profile that was signed, got another {profile.name}", remedy="--profile FILE")
    digest = hashlib.sha256()
    report = judge(
        read_units(_passing(lines, digest.update)),
        profile,
        signed_context(context, read_ledger(ledger) if ledger is not None else None),
        waivers=read_waivers(predicate.get("waivers", [])),
    )
    return report_lines(replace(report, digests={**report.digests, "facts": digest.hexdigest()}))


def _passing(lines: Iterable[bytes], tell: Callable[[bytes], None]) -> Iterator[bytes]:
    for line in lines:
        tell(line)
        yield line


def data_origin(facts: Iterable[Facts]) -> str:
    """`data_origin` as the first document that has it says; empty where none does."""
    ordered = sorted(facts, key=lambda unit: unit.scope != DATASET_SCOPE)
    for unit in ordered:
        for row in unit.tables.get("document", ()):
            value = row.get("value")
            if isinstance(value, dict) and isinstance(value.get("data_origin"), str):
                return str(value["data_origin"])
    return ""
