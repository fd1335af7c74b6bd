"""The loader: where the files are, what it offers, what it refuses; and that a wheel can carry them all."""

import shutil
from pathlib import Path

import pytest

from embodied_kit.errors import DataError, EnvironmentUnfitError, UsageError
from embodied_kit.spec import SCHEMA_BASE, Standard, source, standard
from embodied_kit.spec.source import read_json, schemas_root

REPOSITORY = Path(__file__).resolve().parents[2]


def test_every_kind_and_table_gives_a_self_contained_schema() -> None:
    for schema in (
        *(standard().document_schema(kind, "authoring") for kind in standard().kinds),
        *(standard().fact_schema(table) for table in standard().tables),
    ):
        text = str(schema)
        assert "'$ref': '#/$defs/" in text
        assert text.count("'$ref': '") == text.count("'$ref': '#/$defs/")
        assert str(schema["$id"]).startswith(SCHEMA_BASE)


def test_bundles_have_addresses_of_their_own_and_are_kept() -> None:
    made = [
        standard().document_schema("episode"),
        standard().document_schema("episode", "authoring"),
        *(standard().level_schema("episode", level) for level in ("L1", "L2", "L3", "L4")),
    ]
    assert len({str(schema["$id"]) for schema in made}) == len(made)
    assert standard().level_schema("episode", "L2") is made[3]


@pytest.mark.parametrize("call", ["document_schema", "fact_schema", "vocabulary", "core_fields", "fact_table"])
def test_unknown_names_are_usage_errors(call: str) -> None:
    with pytest.raises(UsageError, match="nonsense"):
        getattr(standard(), call)("nonsense")


def test_vocabularies_name_their_words_in_both_languages() -> None:
    outcome = standard().vocabulary("outcome")
    assert outcome.codes == ("success", "failure", "partial", "aborted", "unknown")
    assert outcome.label("failure") == {"en": "Failure", "zh": "失败"}
    assert outcome.label("gone")["zh"] == "gone"
    assert standard().vocabulary("generated_data_indicator").codes == (0, 1)


def test_core_fields_are_named_at_every_depth() -> None:
    assert {"episode_id", "streams", "streams[].topic", "files[].sha256"} <= set(standard().core_fields("episode"))
    assert "license" in standard().core_fields("dataset")
    assert "quality_flags" not in standard().core_fields("episode")


def test_a_facts_table_tells_units_and_depths() -> None:
    stream = standard().fact_table("stream")
    assert stream.key == ("stream", "publisher", "child_frame")
    assert stream.column_unit["rate_hz"] == "Hz"
    assert stream.column_unit["topic"] == ""
    assert (stream.column_depth["n"], stream.column_depth["jitter_ratio"]) == ("index", "signal")


def test_the_digest_follows_every_schema_and_vocabulary(tmp_path: Path) -> None:
    copy = tmp_path / "v1"
    shutil.copytree(standard().root, copy, ignore=shutil.ignore_patterns("examples"))
    before = Standard(copy).digest()
    assert before == standard().digest()
    for name in ("dataset.schema.json", "facts/dim.schema.json", "vocabularies/role.yaml"):
        path = copy / name
        whole = path.read_bytes()
        path.write_bytes(whole + b"\n")
        assert Standard(copy).digest() != before, name
        path.write_bytes(whole)
    for folder in ("rules", "profiles"):
        (copy / folder).mkdir(exist_ok=True)
        (copy / folder / "zz.yaml").write_bytes(b"[]\n")
    assert Standard(copy).digest() == before


def test_a_damaged_file_of_the_standard_is_named(tmp_path: Path) -> None:
    (tmp_path / "dataset.schema.json").write_bytes(b'{"a": NaN}')
    with pytest.raises(DataError, match=r"dataset\.schema\.json.*non_finite"):
        Standard(tmp_path).document_schema("dataset")
    (tmp_path / "b.json").write_bytes(b'{"a": 1, "a": 2}')
    with pytest.raises(DataError, match="duplicate_key"):
        read_json(tmp_path / "b.json")


def test_an_installation_without_the_standard_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "embodied_kit"
    package.mkdir(parents=True)
    monkeypatch.setattr(source, "files", lambda _: package)
    with pytest.raises(EnvironmentUnfitError, match="schemas"):
        schemas_root()
    (package / "schemas" / "v1").mkdir(parents=True)
    assert schemas_root() == package / "schemas"


def test_a_wheel_can_carry_every_file_of_the_standard() -> None:
    """setup.py names .json, .jsonl and .yaml down to six levels; any other file would be left behind."""
    schemas = REPOSITORY / "schemas"
    files = [path.relative_to(schemas) for path in schemas.rglob("*") if path.is_file() and path.name != "README.md"]
    assert len(files) > 200
    assert [path for path in files if path.suffix not in (".json", ".jsonl", ".yaml") or len(path.parts) > 6] == []
