"""Attest a dataset, then change one thing after the other: each is found, and named by its path."""

import errno
import json
import os
import random
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from attest.lab import (
    DAY_NS,
    E1,
    E2,
    FILES,
    NOT_MEASURED,
    NOW_NS,
    PROFILE,
    SAFE_PATHS,
    SMALL,
    Lab,
    codes,
    edit_dataset,
    judged,
    make_lab,
    measured,
    profile_of,
    rejudge,
    write_files,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_kit.canonical import sha256_hex
from embodied_kit.episode.paths import path_problem
from embodied_kit.errors import DataError, EnvironmentUnfitError, UsageError
from embodied_kit.model.json import JsonObject
from embodied_kit.model.report import Context
from embodied_validators.attest import (
    REASONS,
    Judgement,
    NotReachedError,
    attest,
    build_manifest,
    new_key,
    verification_document,
    verification_text,
)
from embodied_validators.judge import report_lines


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    made = make_lab(tmp_path)
    made.attest()
    return made


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """One attested dataset for tests that put everything back."""
    made = make_lab(tmp_path_factory.mktemp("kept"))
    made.attest()
    return made


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **more: object) -> None:
        raise AssertionError("attestation is offline")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def everything(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def envelope_path(lab: Lab) -> Path:
    return next((lab.root / "attestation").glob("*/attestations.intoto.jsonl"))


# What a sound attestation is


def test_attested_dataset_is_valid_and_says_what_was_signed(lab: Lab) -> None:
    verification = lab.verify(rejudge=rejudge)
    assert (verification.state, verification.exit_code, verification.reasons) == ("valid", 0, ())
    assert verification.rejudged
    statement = verification.statement
    assert statement is not None
    manifest = build_manifest(lab.root)
    assert statement.subject == "019c0000-0000-7000-8000-0000000000ff@1.0.0"
    assert statement.manifest_sha256 == manifest.digest
    assert statement.merkle_root == manifest.root
    assert statement.level == "L2-preview"
    assert statement.valid_until_ns == NOW_NS + 365 * DAY_NS
    assert [key.keyid for key in verification.signers] == [lab.key.keyid]
    predicate = statement.predicate
    assert predicate["kind"] == "conformity attestation"
    assert predicate["excluded"] == [{"episode_id": E2, "reason": "camera unplugged"}]
    assert predicate["waivers"] == []
    assert predicate["manifest"] == {
        "files_n": len(FILES),
        "size_bytes": sum(map(len, FILES.values())),
        "units_n": 5,
    }


def test_files_of_an_attestation(lab: Lab) -> None:
    manifest = build_manifest(lab.root)
    folder = lab.root / "attestation" / manifest.digest
    assert {path.name for path in folder.iterdir()} == {
        "manifest.jsonl",
        "facts.jsonl",
        "report.jsonl",
        "attestations.intoto.jsonl",
    }
    assert (folder / "manifest.jsonl").read_bytes() == manifest.data
    assert [path.name for path in (lab.root / "attestation").iterdir()] == [manifest.digest]
    assert str(lab.root).encode() not in b"".join(everything(folder).values())


def test_progress_counts_every_byte(lab: Lab) -> None:
    read: list[int] = []
    lab.verify(progress=read.append)
    assert sum(read) == sum(map(len, FILES.values()))


NAMES = st.text(st.sampled_from("abc0-_."), min_size=1, max_size=4).filter(lambda name: path_problem(name) == "none")
TREES = st.dictionaries(st.lists(NAMES, min_size=1, max_size=3).map("/".join), st.binary(max_size=20), max_size=8)


@settings(max_examples=15, deadline=None)
@given(TREES, st.data())
def test_any_tree_attests_and_any_one_change_is_named(tree: dict[str, bytes], data: st.DataObject) -> None:
    files = {path: content for path, content in tree.items() if not any(p.startswith(path + "/") for p in tree)}
    with tempfile.TemporaryDirectory() as folder:
        lab = make_lab(Path(folder), {"dataset.json": FILES["dataset.json"], **{f"x/{k}": v for k, v in files.items()}})
        lab.attest()
        assert lab.verify(rejudge=rejudge).state == "valid"
        path = data.draw(st.sampled_from(sorted(build_manifest(lab.root).entries, key=lambda entry: entry.path))).path
        (lab.root / path).write_bytes((lab.root / path).read_bytes() + b"x")
        assert codes(lab.verify()) == {("file_changed", path)}


# Changed files


@pytest.mark.parametrize("path", [path for path, data in FILES.items() if data])
def test_any_flipped_byte_is_found(kept: Lab, path: str) -> None:
    file = kept.root / path
    good = file.read_bytes()
    chooser = random.Random(path)  # noqa: S311 - repeatable places, no secret
    try:
        for place in chooser.sample(range(len(good)), 5):
            bad = bytearray(good)
            bad[place] ^= chooser.randrange(1, 256)
            assert bad != good
            file.write_bytes(bad)
            verification = kept.verify()
            assert codes(verification) == {("file_changed", path)}
            assert verification.exit_code == 1
    finally:
        file.write_bytes(good)


@pytest.mark.parametrize("path", [path for path in FILES if path.endswith(".json")])
def test_an_edited_field_is_found(lab: Lab, path: str) -> None:
    document = json.loads((lab.root / path).read_bytes())
    (lab.root / path).write_text(json.dumps(document | {"schema_version": "1.0.1"}))
    assert codes(lab.verify()) == {("file_changed", path)}


@pytest.mark.parametrize("path", FILES)
def test_removed_file_is_named(lab: Lab, path: str) -> None:
    (lab.root / path).unlink()
    assert codes(lab.verify()) == {("file_removed", path)}


@pytest.mark.parametrize("path", FILES)
def test_renamed_file_is_named_with_both_names(lab: Lab, path: str) -> None:
    (lab.root / path).rename(lab.root / (path + "x"))
    verification = lab.verify()
    assert codes(verification) == {("file_renamed", path)}
    assert verification.reasons[0].detail == path + "x"


@pytest.mark.parametrize(
    "path",
    [
        "new.json",
        f"episodes/{E1}/new.mcap",
        "episodes/new/episode.json",
        "annotations/skills/new.json",
        "annotations/x",
    ],
)
def test_added_file_is_named(lab: Lab, path: str) -> None:
    write_files(lab.root, {path: b"new"})
    assert codes(lab.verify()) == {("file_added", path)}


def test_moved_and_edited_file_is_one_removed_and_one_added(lab: Lab) -> None:
    (lab.root / "tasks.json").unlink()
    write_files(lab.root, {"tasks2.json": FILES["tasks.json"] + b" "})
    assert codes(lab.verify()) == {("file_removed", "tasks.json"), ("file_added", "tasks2.json")}


def test_two_swapped_files_are_both_named(lab: Lab) -> None:
    one, two = lab.root / "tasks.json", lab.root / "governance.json"
    data = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(data)
    assert codes(lab.verify()) == {("file_changed", "tasks.json"), ("file_changed", "governance.json")}


@pytest.mark.parametrize("part", ["tasks.json", "robots", "robots/arm", "robots/arm/robot.json"])
def test_a_link_to_the_same_content_is_refused(lab: Lab, part: str, tmp_path: Path) -> None:
    (lab.root / part).rename(tmp_path / "moved")
    (lab.root / part).symlink_to(tmp_path / "moved")
    verification = lab.verify()
    assert ("unsafe_path", part) in codes(verification)
    assert verification.exit_code == 1


def test_a_file_grown_without_bound_is_not_read_to_its_end(lab: Lab) -> None:
    os.truncate(lab.root / "tasks.json", 2**42)
    write_files(lab.root, {"huge": b""})
    os.truncate(lab.root / "huge", 2**42)
    (lab.root / "governance.json").unlink()
    read: list[int] = []
    assert codes(lab.verify(progress=read.append)) == {
        ("file_changed", "tasks.json"),
        ("file_added", "huge"),
        ("file_removed", "governance.json"),
    }
    assert sum(read) < 2**23


def test_many_extra_files_are_all_counted(lab: Lab) -> None:
    write_files(lab.root, {f"extra/{number}": b"" for number in range(1100)})
    verification = lab.verify()
    assert verification.counts == {"file_added": 1100}
    assert len(verification.reasons) == 1000
    assert "... 1080 more" in verification_text(verification, "en")


def test_private_folder_counts_for_nothing(lab: Lab) -> None:
    write_files(lab.root, {".embodied/cache/x": b"x"})
    assert lab.verify().state == "valid"


def test_whole_new_layer_is_only_noted(lab: Lab) -> None:
    write_files(lab.root, {"annotations/grasps/layer.json": b"{}", f"annotations/grasps/{E1}.json": b"{}"})
    verification = lab.verify()
    assert (verification.state, verification.exit_code) == ("valid", 0)
    assert [(reason.code, reason.path) for reason in verification.reasons] == [
        ("layer_unattested", "annotations/grasps")
    ]
    (lab.root / "annotations/grasps/link").symlink_to("layer.json")
    assert codes(lab.verify()) == {("unsafe_path", "annotations/grasps/link")}


def test_another_dataset_under_the_same_attestation_is_invalid(lab: Lab, tmp_path: Path) -> None:
    other = write_files(tmp_path / "other", {**FILES, "tasks.json": b"{}"})
    shutil.copytree(lab.root / "attestation", other / "attestation")
    assert codes(Lab(other, lab.key).verify()) == {("file_changed", "tasks.json")}


# Changed evidence


@pytest.mark.parametrize("name", ["manifest", "facts", "report"])
def test_flipped_and_missing_evidence(lab: Lab, name: str) -> None:
    path = envelope_path(lab).with_name(f"{name}.jsonl")
    relative = path.relative_to(lab.root).as_posix()
    good = path.read_bytes()
    for bad in (bytes([good[0] ^ 1]) + good[1:], good[:-1], good + b"\n", b""):
        assert bad != good
        path.write_bytes(bad)
        assert codes(lab.verify()) == {(f"{name}_changed", relative)}
    os.truncate(path, 2**42)
    expected = "evidence_too_large" if name == "manifest" else f"{name}_changed"
    assert codes(lab.verify()) == {(expected, relative)}
    path.unlink()
    assert codes(lab.verify()) == {("evidence_missing", relative)}
    path.symlink_to(lab.root / "dataset.json")
    assert codes(lab.verify()) == {("evidence_unsafe", relative)}
    path.unlink()
    os.mkfifo(path)
    assert codes(lab.verify()) == {("evidence_unsafe", relative)}


def test_every_byte_of_the_envelope_counts(kept: Lab) -> None:
    path = envelope_path(kept)
    good = path.read_bytes()
    chooser = random.Random(7)  # noqa: S311 - repeatable places, no secret
    signatures = good.index(b'"payloadType"')
    places = [*range(signatures, len(good)), *chooser.sample(range(signatures), 100), *range(14)]
    try:
        for place in places:
            bad = bytearray(good)
            bad[place] ^= chooser.randrange(1, 256)
            path.write_bytes(bad)
            verification = kept.verify()
            assert verification.state != "valid", bad[place - 20 : place + 20]
            assert verification.statement is None
    finally:
        path.write_bytes(good)


def spoil(change: Callable[[dict[str, object]], object]) -> Callable[[bytes], bytes]:
    def apply(line: bytes) -> bytes:
        envelope = json.loads(line)
        change(envelope)
        return json.dumps(envelope).encode() + b"\n"

    return apply


def signature(envelope: dict[str, object]) -> dict[str, str]:
    return envelope["signatures"][0]  # type: ignore[index, no-any-return]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (spoil(lambda e: e.pop("payload")), "envelope_malformed"),
        (spoil(lambda e: e.pop("payloadType")), "envelope_malformed"),
        (spoil(lambda e: e.pop("signatures")), "envelope_malformed"),
        (spoil(lambda e: e.update(extra=1)), "envelope_malformed"),
        (spoil(lambda e: e.update(payloadType="text/plain")), "envelope_malformed"),
        (spoil(lambda e: e.update(payload=str(e["payload"]).rstrip("=") + "\n")), "envelope_malformed"),
        (spoil(lambda e: e.update(payload=7)), "envelope_malformed"),
        (spoil(lambda e: e.update(signatures=[])), "envelope_malformed"),
        (spoil(lambda e: e.update(signatures=[signature(e)] * 2)), "envelope_malformed"),
        (spoil(lambda e: e.update(signatures=[signature(e)] * 100)), "envelope_malformed"),
        (spoil(lambda e: signature(e).update(sig="")), "signature_wrong"),
        (spoil(lambda e: signature(e).update(sig="AAAA")), "signature_wrong"),
        (spoil(lambda e: signature(e).update(keyid="x")), "envelope_malformed"),
        (spoil(lambda e: signature(e).update(keyid="0" * 64)), "no_trusted_key"),
        (spoil(lambda e: e.update(payload="e30=")), "signature_wrong"),
        (lambda line: line.rstrip(b"\n"), "envelope_malformed"),
        (lambda line: line + b"\n", "envelope_malformed"),
        (lambda line: b"", "envelope_malformed"),
        (lambda line: b"[" * 1_000_000 + b"\n", "envelope_malformed"),
        (lambda line: b"{" + b" " * 5_000_000 + b"}\n", "envelope_malformed"),
        (lambda line: b'{"payload":1,"payload":2}\n', "envelope_malformed"),
        (lambda line: b"\xff\xfe\x00" * 1000, "envelope_malformed"),
        (lambda line: b"\n" * 100_000, "too_many_attestations"),
    ],
)
def test_a_spoilt_envelope_is_never_valid(kept: Lab, change: Callable[[bytes], bytes], code: str) -> None:
    path = envelope_path(kept)
    good = path.read_bytes()
    bad = change(good)
    assert bad != good
    path.write_bytes(bad)
    try:
        verification = kept.verify()
    finally:
        path.write_bytes(good)
    assert verification.state != "valid"
    assert code in verification.counts


def test_attestation_moved_to_another_folder(lab: Lab) -> None:
    folder = envelope_path(lab).parent
    folder.rename(folder.with_name("0" * 64))
    assert {code for code, _ in codes(lab.verify())} == {"folder_mismatch"}


def hostile_folders(root: Path) -> Iterator[str]:
    """Attestation folders nobody would make, one after the other."""
    folder = root / "attestation"
    folder.symlink_to(root / "robots")
    yield "evidence_unsafe"
    folder.unlink()
    folder.write_bytes(b"a file")
    yield "evidence_unsafe"
    folder.unlink()
    folder.mkdir()
    (folder / ("0" * 64)).symlink_to(root / "robots")
    yield "evidence_unsafe"
    (folder / ("0" * 64)).unlink()
    (folder / ("0" * 64)).write_bytes(b"")
    yield "evidence_missing"
    (folder / ("0" * 64)).unlink()
    deep = folder / ("0" * 64) / "attestations.intoto.jsonl"
    (deep / "/".join("d" * 100)).mkdir(parents=True)
    yield "evidence_unsafe"
    shutil.rmtree(folder)
    for number in range(100):
        (folder / f"{number:064d}").mkdir(parents=True)
    yield "too_many_attestations"
    shutil.rmtree(folder)
    for number in range(40):
        write_files(root, {f"attestation/{number:064d}/attestations.intoto.jsonl": b"x" * 2**20})
    yield "too_many_attestations"
    shutil.rmtree(folder)
    for number in range(200):
        write_files(root, {f"attestation/stray\n{number}": b""})
    yield "stray_evidence"


def test_hostile_attestation_folders_raise_nothing(tmp_path: Path) -> None:
    lab = make_lab(tmp_path)
    for code in hostile_folders(lab.root):
        verification = lab.verify()
        assert verification.state != "valid"
        assert code in verification.counts
        assert "\nstray" not in verification_text(verification, "en")


def test_without_attestation_nothing_is_decided(tmp_path: Path) -> None:
    verification = make_lab(tmp_path).verify()
    assert (verification.state, verification.exit_code) == ("indeterminate", 3)
    assert codes(verification) == {("no_attestation", "")}


def test_verify_needs_a_folder(lab: Lab) -> None:
    with pytest.raises(UsageError, match="folder"):
        Lab(lab.root / "missing", lab.key).verify()


# Keys, dates, several signatures


def test_an_unknown_key_decides_nothing(lab: Lab, tmp_path: Path) -> None:
    verification = lab.verify(key=new_key(tmp_path / "keys", "stranger"))
    assert (verification.state, verification.exit_code) == ("indeterminate", 3)
    assert {code for code, _ in codes(verification)} == {"no_trusted_key"}


@pytest.mark.parametrize(
    ("days", "state", "code"),
    [
        (-1, "indeterminate", "not_yet_valid"),
        (0, "valid", ""),
        (364, "valid", ""),
        (366, "indeterminate", "attestation_expired"),
    ],
)
def test_dates(kept: Lab, days: int, state: str, code: str) -> None:
    verification = kept.verify(now_ns=NOW_NS + days * DAY_NS)
    assert verification.state == state
    assert {found for found, _ in codes(verification)} == ({code} if code else set())


def test_expired_and_changed_is_invalid(lab: Lab) -> None:
    (lab.root / "tasks.json").write_bytes(b"{}")
    assert lab.verify(now_ns=NOW_NS + 400 * DAY_NS).exit_code == 1


@pytest.mark.parametrize(
    ("field", "moment"), [("not_after", "2026-01-01T00:00:00Z"), ("not_before", "2030-01-01T00:00:00+08:00")]
)
def test_a_key_outside_its_validity_decides_nothing(lab: Lab, field: str, moment: str) -> None:
    trust = json.loads(lab.key.trust.read_text())
    trust["keys"][0][field] = moment
    lab.key.trust.write_text(json.dumps(trust))
    verification = lab.verify()
    assert verification.exit_code == 3
    assert {code for code, _ in codes(verification)} == {"key_not_valid"}


def test_a_second_signer_appends_and_each_reader_finds_the_own_one(lab: Lab, tmp_path: Path) -> None:
    centre = new_key(tmp_path / "centre", "centre", roles=("centre",))
    paths = lab.attest(key=centre, now_ns=NOW_NS + DAY_NS)
    assert paths.envelopes.read_bytes().count(b"\n") == 2
    for key in (lab.key, centre):
        verification = lab.verify(key=key, now_ns=NOW_NS + DAY_NS)
        assert verification.state == "valid"
        assert [signer.keyid for signer in verification.signers] == [key.keyid]
        assert verification.counts == {"envelope_ignored": 1}


def test_renewal_outlives_the_first_and_broken_evidence_beside_it_is_invalid(lab: Lab) -> None:
    lab.attest(now_ns=NOW_NS + 300 * DAY_NS)
    assert lab.verify(now_ns=NOW_NS + 400 * DAY_NS).state == "valid"
    path = envelope_path(lab)
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first.replace(b'"sig":"', b'"sig":"AAAA') + second)
    assert {code for code, _ in codes(lab.verify(now_ns=NOW_NS + 400 * DAY_NS))} == {"signature_wrong"}


def test_one_envelope_with_two_signatures(lab: Lab, tmp_path: Path) -> None:
    centre = new_key(tmp_path / "centre", "centre")
    path = envelope_path(lab)
    first = json.loads(path.read_bytes())
    lab.attest(key=centre)  # the same moment: the same payload
    second = json.loads(path.read_bytes().splitlines()[1])
    assert first["payload"] == second["payload"]
    both = first | {"signatures": first["signatures"] + second["signatures"]}
    path.write_bytes(json.dumps(both).encode() + b"\n")
    for key in (lab.key, centre):
        assert lab.verify(key=key).state == "valid"
    swapped = [dict(s, sig=t["sig"]) for s, t in zip(both["signatures"], reversed(both["signatures"]), strict=True)]
    path.write_bytes(json.dumps(both | {"signatures": swapped}).encode() + b"\n")
    for key in (lab.key, centre):
        assert "signature_wrong" in lab.verify(key=key).counts


def test_the_newest_of_two_manifests_counts(lab: Lab) -> None:
    write_files(lab.root, {"annotations/grasps/layer.json": b"{}"})
    lab.attest(now_ns=NOW_NS + DAY_NS)
    assert lab.verify(now_ns=NOW_NS + DAY_NS).reasons == ()
    shutil.rmtree(lab.root / "annotations/grasps")  # back to what the older one says
    assert codes(lab.verify(now_ns=NOW_NS + DAY_NS)) == {("file_removed", "annotations/grasps/layer.json")}


def test_another_report_of_the_same_files_keeps_the_older_one_beside(lab: Lab) -> None:
    older = envelope_path(lab).read_bytes()
    paths = lab.attest(purpose="sharing", now_ns=NOW_NS + DAY_NS)
    lab.attest(purpose="training", now_ns=NOW_NS + 2 * DAY_NS)
    kept = sorted(path.name.removeprefix(paths.folder.name) for path in paths.folder.parent.iterdir())
    assert kept == ["", ".superseded-1", ".superseded-2"]
    beside = paths.folder.with_name(paths.folder.name + ".superseded-1")
    assert (beside / "attestations.intoto.jsonl").read_bytes() == older
    verification = lab.verify(now_ns=NOW_NS + 2 * DAY_NS, rejudge=rejudge)
    assert verification.state == "valid"
    assert verification.counts == {"stray_evidence": 2}


def test_passphrase(tmp_path: Path) -> None:
    lab = Lab(write_files(tmp_path / "set"), new_key(tmp_path / "keys", "lab", "四个 words"))
    for wrong in (None, "other"):
        with pytest.raises(UsageError, match="passphrase"):
            lab.attest(passphrase=wrong)
    lab.attest(passphrase="四个 words")  # noqa: S106 - of a key made for this test
    assert lab.verify().state == "valid"


# Judged again


def test_a_report_that_does_not_follow_from_the_facts_is_invalid(lab: Lab) -> None:
    def other(facts: Iterable[bytes], predicate: JsonObject) -> bytes:
        return rejudge(facts, predicate) + b"\n"

    assert {code for code, _ in codes(lab.verify(rejudge=other))} == {"report_not_reproduced"}


def test_a_tool_that_lacks_the_profile_decides_nothing(lab: Lab) -> None:
    def lacks(facts: Iterable[bytes], predicate: JsonObject) -> bytes:
        raise UsageError("expected profile x, got none")

    verification = lab.verify(rejudge=lacks)
    assert (verification.exit_code, {code for code, _ in codes(verification)}) == (3, {"rejudge_impossible"})


# What is not attested


def refused(lab: Lab, error: type[Exception], match: str, **arguments: object) -> Exception:
    before = everything(lab.root)
    with pytest.raises(error, match=match) as caught:
        lab.attest(**arguments)  # type: ignore[arg-type]
    assert everything(lab.root) == before
    assert not (lab.root / "attestation").exists()
    return caught.value


def test_an_open_dataset_is_refused_with_the_remedy(tmp_path: Path) -> None:
    lab = make_lab(tmp_path)
    edit_dataset(lab.root, state="open")
    error = refused(lab, UsageError, "sealed")
    assert isinstance(error, UsageError)
    assert error.remedy == f"embodied-kit dataset seal {lab.root}"


@pytest.mark.parametrize(
    ("rules", "unknown", "code", "named"),
    [
        ((SMALL,), (), 1, [("ST-91", "failed")]),
        ((NOT_MEASURED,), (), 3, [("ST-92", "undetermined")]),
        (
            (NOT_MEASURED, SMALL),
            ("ZZ-01",),
            1,
            [("ST-91", "failed"), ("ST-92", "undetermined"), ("ZZ-01", "undetermined")],
        ),
        ((SAFE_PATHS,), ("ZZ-01",), 3, [("ZZ-01", "undetermined")]),
    ],
)
def test_a_level_not_reached_names_the_rules(
    tmp_path: Path, rules: tuple, unknown: tuple[str, ...], code: int, named: list
) -> None:
    lab = make_lab(tmp_path)
    error = refused(lab, NotReachedError, "L2", profile=profile_of(*rules, unknown=unknown))
    assert isinstance(error, NotReachedError)
    assert error.remedy == f"embodied-kit validate {lab.root} --level L2"
    assert error.exit_code == code
    assert [(obstacle.rule_id, obstacle.state) for obstacle in error.obstacles] == named
    assert all(rule_id in error.message for rule_id, _ in named)


def test_facts_of_other_files_are_refused_by_path(tmp_path: Path) -> None:
    lab = make_lab(tmp_path)
    facts = measured(lab.root)
    (lab.root / "tasks.json").write_bytes(b"changed")
    refused(lab, DataError, "1 that differ or were not hashed: 'tasks.json'", facts=facts)


def test_facts_without_a_digest_are_refused(tmp_path: Path) -> None:
    lab = make_lab(tmp_path)
    facts = measured(lab.root).replace(f'"sha256":"{sha256_hex(FILES["tasks.json"])}"'.encode(), b'"sha256":null')
    refused(lab, DataError, "tasks.json", facts=facts)


def test_unsafe_paths_are_refused(tmp_path: Path) -> None:
    lab = make_lab(tmp_path)
    facts = measured(lab.root)
    (lab.root / "link").symlink_to("tasks.json")
    refused(lab, DataError, r"'link' \(symlink\)", facts=facts)


def test_a_report_of_something_else_is_refused(tmp_path: Path) -> None:
    lab = make_lab(tmp_path)
    facts, context = measured(lab.root), Context(NOW_NS)
    report = judged(facts, PROFILE, context)
    good = Judgement([facts], report, report_lines(report), PROFILE, context)
    for name, value in {"facts": [facts, b"\n"], "profile": profile_of(), "context": Context(NOW_NS + 1)}.items():
        with pytest.raises(UsageError, match=f"judged with this {name}"):
            attest(lab.root, replace(good, **{name: value}), "L1", key_path=lab.key.private, now_ns=NOW_NS)
    assert not (lab.root / "attestation").exists()


@pytest.mark.parametrize("purpose", ["", "other"])  # an envelope appended, a new folder
@pytest.mark.parametrize("there", [False, True])
def test_no_space_left_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, purpose: str, there: bool
) -> None:
    lab = make_lab(tmp_path)
    if there:
        lab.attest()
    before, real = everything(lab.root), os.fsync
    for failing in range(1, 20):
        calls = 0

        def full(descriptor: int, failing: int = failing) -> None:
            nonlocal calls
            calls += 1
            if calls == failing:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            real(descriptor)

        monkeypatch.setattr(os, "fsync", full)
        with suppress(EnvironmentUnfitError):
            lab.attest(purpose=purpose)
        if everything(lab.root) != before:  # no call was left to fail, or it failed behind the rename
            break
        assert there == (lab.root / "attestation").exists()
    assert lab.verify(rejudge=rejudge).state == "valid"
    assert 1 < failing < 19
    assert not list(lab.root.rglob("*.partial"))


# What people read


def test_text_in_both_languages(lab: Lab) -> None:
    (lab.root / "tasks.json").rename(lab.root / "tasks2.json")
    (lab.root / "governance.json").write_bytes(b"")
    verification = lab.verify()
    english, chinese = (verification_text(verification, lang) for lang in ("en", "zh"))
    assert english.startswith("Conformity attestation INVALID\n")
    assert "FAIL  file renamed: tasks.json -> tasks2.json" in english
    assert "FAIL  file changed: governance.json" in english
    assert chinese.startswith("符合性声明：无效")
    assert "governance.json" in chinese
    document = verification_document(verification)
    assert document["exit_code"] == 1
    assert json.dumps(document)


def test_every_reason_speaks_both_languages() -> None:
    for meaning in REASONS.values():
        assert set(meaning.text) == {"en", "zh"}
        assert not meaning.text["zh"].isascii()
    texts = [meaning.text[lang] for meaning in REASONS.values() for lang in ("en", "zh")]
    assert len(set(texts)) == len(texts)
