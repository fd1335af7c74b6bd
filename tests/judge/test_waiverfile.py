"""The file of waivers: YAML or JSON, strict, refused by name."""

from pathlib import Path

import pytest

from embodied_kit.errors import UsageError
from embodied_kit.model.report import Waiver
from embodied_validators.waiverfile import load_waivers

ENTRY = '{rule_id: TM-07, episode: "01*", reason: known, who: lab lead, valid_until: "2027-01-31"}'


def written(folder: Path, text: str) -> Path:
    path = folder / "waivers.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_yaml_and_json_say_the_same(tmp_path: Path) -> None:
    expected = (Waiver("TM-07", "known", "lab lead", "2027-01-31", episode="01*"),)
    assert load_waivers(written(tmp_path, f'schema_version: "1.0.0"\nwaivers:\n  - {ENTRY}\n')) == expected
    path = tmp_path / "waivers.json"
    path.write_text(
        '{"schema_version":"1.0.0","waivers":[{"rule_id":"TM-07","episode":"01*","reason":"known","who":"lab lead",'
        '"valid_until":"2027-01-31"}]}'
    )
    assert load_waivers(path) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- 1", "expected waivers"),
        ("waivers: []", "schema_version"),
        (f'schema_version: "1.0.0"\nwaivers: [{ENTRY.replace("episode", "episodes")}]', "episodes"),
        (f'schema_version: "1.0.0"\nwaivers: [{ENTRY.replace("TM-07", "TM")}]', "/waivers/0/rule_id"),
        (f'schema_version: "1.0.0"\nwaivers: [{ENTRY.replace("2027-01-31", "next year")}]', "valid_until"),
        ("a: [", "YAML"),
    ],
)
def test_a_mistake_is_refused_by_name(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_waivers(written(tmp_path, text))
    assert words in caught.value.message
    assert "waivers.yaml" in caught.value.message


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the waivers"):
        load_waivers(tmp_path / "none.yaml")
