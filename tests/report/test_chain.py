"""A recording that was measured and judged for real, in every format and language."""

from __future__ import annotations

import json
from importlib.resources import files

import jsonschema
import pytest
from report.samples import NS, START_NS
from report.test_views import SHOWN, record

from embodied_kit.language import Language
from embodied_kit.measure.api import measure_path
from embodied_kit.model.report import Context
from embodied_validators.judge import judge
from embodied_validators.profiles import load_profile
from embodied_validators.report import FORMATS, Request, subject_info
from embodied_validators.report.views import episode_view, worst_episodes
from embodied_validators.report.words import LANGUAGES


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Request:
    path = tmp_path_factory.mktemp("bare") / "take.mcap"
    record(path, seconds=2)
    facts = list(measure_path(path, depth="full"))
    profile = load_profile("arm-preview@0.1")
    report = judge(iter(facts), profile, Context(as_of_ns=START_NS + 10 * NS))
    info = subject_info(path.name, facts)
    assert worst_episodes(report) == ("bare",)
    views = [episode_view(path, unit, info.episodes[0], SHOWN) for unit in facts]
    return Request(report, {rule.rule_id: rule for rule in profile.rules}, info, views=views, width=100)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_format_renders_it(asked: Request, lang: Language) -> None:
    request = Request(asked.report, asked.rules, asked.info, lang, asked.views, asked.width)
    text = FORMATS["text"](request).decode()
    assert "KN-14" in text  # the poses of the recording have no orientation
    assert len(text.splitlines()) <= 30
    page = FORMATS["html"](request).decode()
    assert page.count("<canvas") == 6  # two series, three intervals, one path
    assert page.count("data:image/jpeg") == 16
    schema = json.loads(files("embodied_validators.report").joinpath("report.schema.json").read_bytes())
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(json.loads(FORMATS["json"](request)))) == []
