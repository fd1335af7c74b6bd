"""Manifest, units, Merkle root and proofs, held against a naive reading of RFC 9162."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from embodied_kit.errors import DataError
from embodied_validators.attest.manifest import (
    FileEntry,
    InclusionProof,
    Manifest,
    build_manifest,
    check_inclusion,
    hash_file,
    parse_manifest,
    prove_inclusion,
    unit_of,
)
from embodied_validators.attest.merkle import inclusion_path, merkle_root, root_of_path

DIGESTS = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40)


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def naive_root(digests: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, word by word."""
    if not digests:
        return sha(b"")
    if len(digests) == 1:
        return sha(b"\x00" + digests[0])
    split = 1
    while split * 2 < len(digests):
        split *= 2
    return sha(b"\x01" + naive_root(digests[:split]) + naive_root(digests[split:]))


def naive_path(digests: list[bytes], index: int) -> list[bytes]:
    """RFC 9162 section 2.1.3.1, word by word."""
    if len(digests) == 1:
        return []
    split = 1
    while split * 2 < len(digests):
        split *= 2
    if index < split:
        return [*naive_path(digests[:split], index), naive_root(digests[split:])]
    return [*naive_path(digests[split:], index - split), naive_root(digests[:split])]


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=40))
def test_root_is_that_of_rfc_9162(digests: list[bytes]) -> None:
    assert merkle_root(digests) == naive_root(digests)


@given(DIGESTS, st.data())
def test_path_is_that_of_rfc_9162_and_leads_to_the_root(digests: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(digests) - 1))
    path = inclusion_path(digests, index)
    assert list(path) == naive_path(digests, index)
    assert root_of_path(digests[index], index, len(digests), path) == merkle_root(digests)


@given(DIGESTS, st.data())
def test_a_wrong_proof_does_not_lead_to_the_root(digests: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(digests) - 1))
    path, root = inclusion_path(digests, index), merkle_root(digests)
    foreign = data.draw(st.binary(min_size=32, max_size=32))
    assume(foreign not in digests)
    assert root_of_path(foreign, index, len(digests), path) != root
    assert root_of_path(digests[index], index, len(digests), [*path, foreign]) != root
    if path:
        assert root_of_path(digests[index], index, len(digests), path[:-1]) != root
        assert root_of_path(digests[index], index, len(digests), [foreign, *path[1:]]) != root
    assert root_of_path(digests[index], len(digests), len(digests), path) is None


def test_there_is_no_path_outside_the_tree() -> None:
    with pytest.raises(IndexError):
        inclusion_path([sha(b"")], 1)


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("dataset.json", ("dataset", "")),
        ("episodes/e1/data_000.mcap", ("episode", "e1")),
        ("episodes/e1/deep/er/x", ("episode", "e1")),
        ("episodes/stray.json", ("dataset", "")),
        ("robots/r/calibration/c.json", ("robot", "r")),
        ("annotations/skills/layer.json", ("layer", "skills")),
        ("notes/episodes/e1/x", ("dataset", "")),
    ],
)
def test_unit_of_a_path(path: str, unit: tuple[str, str]) -> None:
    assert unit_of(path) == unit


def write_tree(root: Path, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)


TREE = {
    "dataset.json": b"{}",
    "episodes/e1/data.mcap": b"\x89MCAP",
    "episodes/e1/episode.json": b"",
    "episodes/e1-b/episode.json": b"{}",
    "robots/arm/robot.json": b"r",
    "tasks.json": "任务".encode(),
    "annotations/skills/layer.json": b"l",
}


def test_manifest_of_a_tree_by_hand(tmp_path: Path) -> None:
    write_tree(tmp_path, TREE | {"attestation/x": b"outside", ".embodied/cache": b"outside"})
    read = []
    manifest = build_manifest(tmp_path, progress=read.append)
    lines = [
        json.dumps(
            {"path": path, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}, separators=(",", ":")
        ).encode()
        + b"\n"
        for path, data in sorted(TREE.items(), key=lambda item: item[0].encode())
    ]
    assert manifest.data == b"".join(lines)
    assert manifest.digest == hashlib.sha256(b"".join(lines)).hexdigest()
    assert [(unit.kind, unit.unit_id, unit.files_n) for unit in manifest.units] == [
        ("dataset", "", 2),
        ("episode", "e1", 2),
        ("episode", "e1-b", 1),
        ("layer", "skills", 1),
        ("robot", "arm", 1),
    ]
    one = [line for line in lines if b'"episodes/e1/' in line]
    assert manifest.units[1].digest == sha(b"".join(one))
    assert manifest.root == naive_root([unit.digest for unit in manifest.units]).hex()
    assert sum(read) == sum(map(len, TREE.values()))
    assert parse_manifest(manifest.data) == manifest


def test_proof_of_every_unit(tmp_path: Path) -> None:
    write_tree(tmp_path, TREE)
    manifest = build_manifest(tmp_path)
    for unit in manifest.units:
        proof = prove_inclusion(manifest, unit.kind, unit.unit_id)
        part = check_inclusion(proof, manifest.root)
        assert {entry.path for entry in part.entries} == {p for p in TREE if unit_of(p) == (unit.kind, unit.unit_id)}
    with pytest.raises(KeyError):
        prove_inclusion(manifest, "episode", "e2")


def test_proof_fails_where_a_file_of_the_unit_is_missing(tmp_path: Path) -> None:
    write_tree(tmp_path, TREE)
    manifest = build_manifest(tmp_path)
    proof = prove_inclusion(manifest, "episode", "e1")
    first, second = proof.lines.splitlines(keepends=True)
    for lines in (first, second, b"", manifest.data):
        assert lines != proof.lines
        with pytest.raises(DataError):
            check_inclusion(InclusionProof(lines, proof.index, proof.size, proof.path), manifest.root)
    for index, size in ((proof.index + 1, proof.size), (proof.index, proof.size + 4), (-1, proof.size)):
        with pytest.raises(DataError):
            check_inclusion(InclusionProof(proof.lines, index, size, proof.path), manifest.root)


def test_names_are_part_of_the_digest(tmp_path: Path) -> None:
    write_tree(tmp_path / "one", {"a.bin": b"x"})
    write_tree(tmp_path / "two", {"b.bin": b"x"})
    one, two = build_manifest(tmp_path / "one"), build_manifest(tmp_path / "two")
    assert one.digest != two.digest
    assert one.root != two.root


def test_unsafe_names_are_refused_by_name(tmp_path: Path) -> None:
    write_tree(tmp_path, {"A": b"", "a": b"", "ok": b""})
    (tmp_path / "link").symlink_to("ok")
    with pytest.raises(DataError, match=r"got 3 others: 'A' \(case_clash\), 'a' \(case_clash\), 'link' \(symlink\)"):
        build_manifest(tmp_path)


def test_hashing_stops_behind_the_limit(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(2**40)
    read: list[int] = []
    assert hash_file(tmp_path, "huge", limit=10, progress=read.append).size > 10
    assert sum(read) <= 2**21


GOOD = FileEntry("a/b", 1, "0" * 64).line


@pytest.mark.parametrize(
    "data",
    [
        GOOD[:-1],
        b" " + GOOD,
        GOOD.replace(b":1}", b":1.0}"),
        GOOD.replace(b":1}", b":true}"),
        GOOD.replace(b":1}", b":-1}"),
        GOOD.replace(b":1}", b':"1"}'),
        GOOD.replace(b":1}", b':1,"x":1}'),
        GOOD.replace(b":1}", b':1,"size":1}'),
        GOOD.replace(b"a/b", b"a/../b"),
        GOOD.replace(b"a/b", b"/a"),
        GOOD.replace(b"a/b", b"a\\u002fb"),
        GOOD.replace(b"0" * 64, b"0" * 63 + b"A"),
        GOOD.replace(b"0" * 64, b"0" * 63),
        GOOD + GOOD,
        GOOD + FileEntry("a.b", 1, "0" * 64).line,
        GOOD + b"\n",
        b"[]\n",
        b"\xff\n",
        b"[" * 100_000 + b"\n",
    ],
)
def test_a_manifest_is_read_strictly(data: bytes) -> None:
    assert data != GOOD
    with pytest.raises(DataError):
        parse_manifest(data)


PATHS = st.sets(st.from_regex(r"(episodes/|robots/|annotations/)?[a-c]{1,2}(/[a-c.-]?[a-c])?", fullmatch=True))


@settings(max_examples=40, deadline=None)
@given(PATHS)
def test_any_manifest_reads_back_and_proves_its_units(paths: set[str]) -> None:
    manifest = Manifest(
        tuple(FileEntry(path, len(path), hashlib.sha256(path.encode()).hexdigest()) for path in sorted(paths))
    )
    assert parse_manifest(manifest.data) == manifest
    assert sum(unit.files_n for unit in manifest.units) == len(paths)
    for unit in manifest.units:
        check_inclusion(prove_inclusion(manifest, unit.kind, unit.unit_id), manifest.root)
