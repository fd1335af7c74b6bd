"""A small dataset on disk, its facts, and a real judgement of them, for the tests of attestation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from embodied_kit.canonical import canonical_bytes, parse_json, sha256_hex
from embodied_kit.episode.paths import walk_files
from embodied_kit.model.facts import Facts
from embodied_kit.model.json import JsonObject
from embodied_kit.model.report import Context, Report
from embodied_kit.model.rule import Limit, LimitCheck, Profile, Rule
from embodied_validators.attest import (
    AttestationPaths,
    Judgement,
    NewKey,
    Verification,
    attest,
    load_trust,
    new_key,
    verify,
)
from embodied_validators.judge import judge, report_lines

NOW_NS = 1_795_000_000_000_000_000
DAY_NS = 86_400_000_000_000
E1, E2 = "019c0000-0000-7000-8000-000000000001", "019c0000-0000-7000-8000-000000000002"
DATASET = {
    "schema_version": "1.0.0",
    "dataset_id": "019c0000-0000-7000-8000-0000000000ff",
    "dataset_version": "1.0.0",
    "title_en": "Test",
    "title_zh": "测试",
    "state": "sealed",
    "excluded": [{"episode_id": E2, "reason": "camera unplugged"}],
}
FILES: Mapping[str, bytes] = {
    "dataset.json": json.dumps(DATASET, ensure_ascii=False).encode(),
    "governance.json": b'{"schema_version":"1.0.0","license":"CC-BY-4.0"}',
    "tasks.json": b'{"schema_version":"1.0.0","tasks":[]}',
    "robots/arm/robot.json": b'{"schema_version":"1.0.0","robot_id":"arm"}',
    "robots/arm/arm.urdf": b"<robot name='arm'/>",
    f"episodes/{E1}/episode.json": b'{"schema_version":"1.0.0","outcome":"success"}',
    f"episodes/{E1}/data_000.mcap": bytes(range(256)) * 3,
    f"episodes/{E1}/data_001.mcap": b"",
    f"episodes/{E2}/episode.json": b'{"schema_version":"1.0.0","outcome":"failure"}',
    "annotations/skills/layer.json": b'{"schema_version":"1.0.0","layer_id":"skills"}',
}


def write_files(root: Path, files: Mapping[str, bytes] = FILES) -> Path:
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return root


def edit_dataset(root: Path, **fields: object) -> None:
    path = root / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | fields), "utf-8")


def measured(root: Path) -> bytes:
    """Facts lines of a dataset: its file and document tables, as far as the rules here ask."""
    rows: list[JsonObject] = []
    for file in walk_files(root):
        data = (root / file.path).read_bytes()
        row: JsonObject = {"path": file.path, "kind": "other", "size": len(data), "sha256": sha256_hex(data)}
        rows.append({"table": "file", **row, "listing": "free", "path_problem": file.problem})
    value = parse_json((root / "dataset.json").read_bytes()).value
    rows.append({"table": "document", "path": "dataset.json", "kind": "dataset", "value": value})
    return b"".join(canonical_bytes(row) + b"\n" for row in rows)


def limit_rule(rule_id: str, measure: str, value: object, *, comparator: str = "equal") -> Rule:
    check = LimitCheck("file", {}, measure, comparator, {"L1": Limit(value, "engineering")})  # type: ignore[arg-type]
    text = {"en": rule_id, "zh": rule_id}
    return Rule(rule_id, text, text, text, "error", "L1", False, (check,), ("dataset",))


SAFE_PATHS = limit_rule("ST-90", "path_problem", "none")
SMALL = limit_rule("ST-91", "size", 0, comparator="max")
NOT_MEASURED = limit_rule("ST-92", "sha256_ok", True)


def profile_of(*rules: Rule, unknown: tuple[str, ...] = ()) -> Profile:
    digest = sha256_hex(canonical_bytes([rule.rule_id for rule in rules] + list(unknown)))
    return Profile("test-preview", "0.1", {"en": "Test", "zh": "测试"}, rules, {}, unknown, digest)


PROFILE = profile_of(SAFE_PATHS)


def judged(facts: bytes, profile: Profile, context: Context) -> Report:
    tables: dict[str, list[JsonObject]] = {}
    for line in facts.splitlines():
        row = dict(parse_json(line).value or {})
        tables.setdefault(str(row.pop("table")), []).append(row)
    units = [Facts("dataset", "full", "dataset", tables), Facts(E1, "full", "dataset"), Facts(E2, "full", "dataset")]
    return judge(units, profile, context, facts_digest=sha256_hex(facts), raise_bugs=True)


def rejudge(lines: Iterable[bytes], predicate: JsonObject) -> bytes:
    facts = b"".join(lines)
    context = predicate["context"]
    assert isinstance(context, Mapping)
    as_of_ns, recipient, purpose = (context[name] for name in ("as_of_ns", "recipient", "purpose"))
    return report_lines(judged(facts, PROFILE, Context(int(str(as_of_ns)), str(recipient), str(purpose))))


@dataclass(frozen=True)
class Lab:
    """A dataset and a key outside it."""

    root: Path
    key: NewKey

    def attest(
        self,
        *,
        now_ns: int = NOW_NS,
        key: NewKey | None = None,
        profile: Profile = PROFILE,
        purpose: str = "",
        facts: bytes | None = None,
        **more: object,
    ) -> AttestationPaths:
        facts = measured(self.root) if facts is None else facts
        context = Context(NOW_NS, "", purpose)
        report = judged(facts, profile, context)
        judgement = Judgement(facts.splitlines(keepends=True), report, report_lines(report), profile, context)
        arguments = {"level": "L2", "key_path": (key or self.key).private, **more}
        return attest(self.root, judgement, now_ns=now_ns, **arguments)  # type: ignore[arg-type]

    def verify(self, *, now_ns: int = NOW_NS, key: NewKey | None = None, **more: object) -> Verification:
        trust = load_trust((key or self.key).trust, dataset=self.root)
        return verify(self.root, trust, now_ns=now_ns, **more)  # type: ignore[arg-type]


def make_lab(folder: Path, files: Mapping[str, bytes] = FILES) -> Lab:
    return Lab(write_files(folder / "set", files), new_key(folder / "keys", "lab"))


def codes(verification: Verification) -> set[tuple[str, str]]:
    """Code and path of every reason that weighs."""
    return {(reason.code, reason.path) for reason in verification.reasons if reason.effect != "note"}
