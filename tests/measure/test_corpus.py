"""Statistics of datasets against data with known answers; none depends on the order of the episodes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_kit.canonical import canonical_bytes
from embodied_kit.measure.corpus.ks import EXACT_MAX_CELLS, ks_two_sample
from embodied_kit.measure.corpus.outliers import find_spread
from embodied_kit.measure.corpus.paths import mean_distance_m, spread
from embodied_kit.measure.corpus.rows import corpus_rows
from embodied_kit.measure.corpus.similar import NEAR_COSINE, find_similar
from embodied_kit.measure.corpus.stored import difference_ratio, pooled
from embodied_kit.measure.corpus.traits import Moments, Traits
from embodied_kit.measure.declared.documents import Document
from embodied_kit.measure.declared.links import DatasetDocuments, EpisodeSummary
from embodied_kit.spec import check, standard

START_NS = 1_790_000_000_000_000_000
values = st.lists(st.integers(-50, 50), min_size=1, max_size=9)


# Kolmogorov-Smirnov


def brute_force_p(n: int, m: int, d: float) -> float:
    """Share of all ways to divide n + m ranks whose distance is at least d."""
    distances = [
        distance([rank for rank in range(n + m) if rank in chosen], [r for r in range(n + m) if r not in chosen])
        for chosen in map(set, combinations(range(n + m), n))
    ]
    return sum(distance >= d - 1e-12 for distance in distances) / len(distances)


def distance(first: Sequence[float], second: Sequence[float]) -> float:
    points = sorted({*first, *second})
    return max(
        abs(sum(x <= point for x in first) / len(first) - sum(x <= point for x in second) / len(second))
        for point in points
    )


@given(values, values)
def test_ks_is_the_distance_of_the_distribution_functions_and_symmetric(first: list[int], second: list[int]) -> None:
    result = ks_two_sample(first, second)
    assert result.d == pytest.approx(distance(first, second))
    assert ks_two_sample(second, first) == result
    assert ks_two_sample(list(reversed(first)), second) == result
    assert 0 <= result.p <= 1


@pytest.mark.parametrize(("n", "m"), [(1, 1), (2, 3), (4, 4), (5, 3), (6, 6)])
def test_the_p_value_counts_all_ways_to_divide_the_ranks(n: int, m: int) -> None:
    for shift in range(n + 1):
        first = [*range(shift), *range(n + m, n + m + n - shift)]
        second = [shift + 0.5 + step / 100 for step in range(m)]
        result = ks_two_sample(first, second)
        assert result.p == pytest.approx(brute_force_p(n, m, result.d))


def test_many_samples_have_the_probability_of_the_limit() -> None:
    n = math.isqrt(EXACT_MAX_CELLS) + 1
    first, second = list(range(n)), [value + 0.5 + 14 for value in range(n)]
    result = ks_two_sample(first, second)
    root = result.d * math.sqrt(n / 2)
    assert result.d == pytest.approx(15 / n)
    assert result.p == pytest.approx(2 * sum((-1) ** (k - 1) * math.exp(-2 * (k * root) ** 2) for k in range(1, 9)))
    exact = ks_two_sample(first[:100], [value + 0.5 + 14 for value in range(100)])
    assert result.p == pytest.approx(exact.p, abs=0.06)


def test_the_critical_value_of_tables() -> None:
    """n = m = 10: D = 0.7 is the least at which p is below 0.02 (0.0123), D = 0.6 is not (0.0524)."""
    apart = [ks_two_sample(range(10), [value + shift - 0.5 for value in range(10)]) for shift in (6, 7)]
    assert [(round(result.d, 9), round(result.p, 4)) for result in apart] == [(0.6, 0.0524), (0.7, 0.0123)]


# Near duplicates


def states(seed: int, n: int, noise: float = 0.0) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.normal(size=(64, 7)).astype(np.float32) * (1 + noise) for _ in range(n)]


def test_a_copy_with_noise_is_found_and_nothing_else() -> None:
    random = np.random.default_rng(5)
    all_states = states(1, 12)
    all_states[7] = all_states[3] + random.normal(size=(64, 7)).astype(np.float32) * 0.02
    found = find_similar(all_states, [10.0] * 12)
    assert found.near_n == 1
    assert (found.top[0].first, found.top[0].second) == (3, 7)
    assert found.top[0].cosine > NEAR_COSINE > 0.5 > found.top[1].cosine
    assert len(found.top) == 64
    longer = find_similar(all_states, [10.0 + 0.6 * (index == 7) for index in range(12)])
    assert longer.near_n == 0
    assert (3, 7) not in {(pair.first, pair.second) for pair in longer.top}


def test_the_cosine_is_that_of_the_scaled_states() -> None:
    all_states = states(2, 3)
    whole = np.stack(all_states).astype(float)
    scaled = (whole - whole.mean(axis=(0, 1))) / whole.std(axis=(0, 1))
    for pair in find_similar(all_states, [1.0] * 3).top:
        one, other = scaled[pair.first].ravel(), scaled[pair.second].ravel()
        expected = float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))
        assert pair.cosine == pytest.approx(expected, abs=1e-6)


def test_more_than_a_block_of_episodes_and_the_same_answer_in_any_order() -> None:
    """Blocks meet, and the top and the count are those of all pairs."""
    n = 1500
    random = np.random.default_rng(3)
    centres = random.normal(size=(40, 64, 2))
    all_states = [(centres[i % 40] + random.normal(size=(64, 2)) * 0.08).astype(np.float32) for i in range(n)]
    durations = (10 + random.random(n) * 3).tolist()
    found = find_similar(all_states, durations)
    whole = np.stack(all_states).astype(float)
    scaled = ((whole - whole.mean(axis=(0, 1))) / whole.std(axis=(0, 1))).reshape(n, -1)
    scaled /= np.sqrt((scaled**2).sum(axis=1))[:, None]
    cosine = scaled @ scaled.T
    ratio = np.minimum.outer(durations, durations) / np.maximum.outer(durations, durations)
    allowed = np.triu(np.ones((n, n), bool), 1) & (ratio >= 0.95)
    assert found.near_n == int((np.round(cosine, 9)[allowed] >= NEAR_COSINE).sum()) > 500
    best = np.sort(cosine[allowed])[::-1][:64]
    assert [pair.cosine for pair in found.top] == pytest.approx(best.tolist(), abs=1e-6)
    order = random.permutation(n)
    again = find_similar([all_states[i] for i in order], [durations[i] for i in order])
    assert again.near_n == found.near_n
    assert [pair.cosine for pair in again.top] == pytest.approx([pair.cosine for pair in found.top], abs=1e-8)


def test_episodes_that_do_not_move_are_alike() -> None:
    still = [np.full((64, 3), 0.25, np.float32)] * 3
    found = find_similar(still, [1.0] * 3)
    assert (found.near_n, [pair.cosine for pair in found.top]) == (3, [1.0] * 3)


# Outliers, paths, moments


def test_tukey_and_sigma_of_known_numbers() -> None:
    found = find_spread([10, 11, 12, 13, 14, 30])
    assert found is not None
    assert (found.median, found.iqr) == (12.5, 2.5)
    assert found.excess == pytest.approx((0.5, 0.1, 0, 0, 0.1, 6.5), abs=1e-9)
    mean, deviation = 15.0, math.sqrt(sum((x - 15) ** 2 for x in (10, 11, 12, 13, 14, 30)) / 6)
    assert found.sigma[5] == pytest.approx((30 - mean) / deviation)


def test_scripted_durations_differ_by_nothing_that_counts() -> None:
    found = find_spread([9.98085, 9.98085, 9.98085, 9.98086])
    assert found is not None
    assert max(found.excess) < 0.001
    assert find_spread([1.0, 2.0, 3.0]) is None


@given(st.lists(st.floats(0.5, 100), min_size=4, max_size=12), st.randoms())
def test_a_spread_does_not_depend_on_the_order(durations: list[float], random: Any) -> None:
    order = list(range(len(durations)))
    random.shuffle(order)
    found, shuffled = find_spread(durations), find_spread([durations[index] for index in order])
    assert found is not None
    assert shuffled is not None
    assert [shuffled.excess[order.index(index)] for index in range(len(order))] == list(found.excess)


def line(offset: float, n: int = 256) -> np.ndarray:
    return np.stack([np.linspace(0, 1, n), np.full(n, offset), np.zeros(n)], axis=1).astype(np.float32)


def test_parallel_paths_lie_their_distance_apart() -> None:
    assert mean_distance_m([line(0.0), line(0.25)]) == pytest.approx(0.25)
    assert mean_distance_m([line(0.0), line(0.25), line(1.0)]) == pytest.approx((0.25 + 1.0 + 0.75) / 3)
    half = line(0.0)[:128]
    assert mean_distance_m([line(0.0), half]) == pytest.approx(1 - 127 / 255, abs=1e-6)
    assert mean_distance_m([line(0.0)]) is None


def test_a_sample_of_paths_reaches_from_the_first_to_the_last() -> None:
    assert spread(5, 32) == [0, 1, 2, 3, 4]
    assert spread(1000, 32)[:2] == [0, 32]
    assert spread(1000, 32)[-1] == 999


def test_moments_of_parts_are_those_of_the_whole() -> None:
    random = np.random.default_rng(9)
    parts = [random.normal(index, 1 + index, 100 + index) for index in range(4)]
    found = pooled([Moments(len(p), p.mean(), p.std(), p.min(), p.max()) for p in parts])
    whole = np.concatenate(parts)
    assert found is not None
    assert (found.n, found.least, found.most) == (len(whole), whole.min(), whole.max())
    assert (found.mean, found.std) == pytest.approx((whole.mean(), whole.std()))


def test_differences_are_relative_to_their_scale() -> None:
    whole = Moments(10, 2.0, 0.5, 1.0, 5.0)
    assert difference_ratio("mean", 2.1, whole) == pytest.approx(0.05)
    assert difference_ratio("max", 5.1, whole) == pytest.approx(0.025)
    still = Moments(10, 0.0, 0.0, 0.0, 0.0)
    assert [difference_ratio(name, 0.0, still) for name in ("mean", "max")] == [0.0, 0.0]
    assert difference_ratio("std", 0.1, still) == 1.0


# Rows of a dataset


def name_of(index: int) -> str:
    return f"0192f0c1-{index:04x}-7c1d-9e2f-0123456789ab"


def episode(
    index: int, *, traits: Traits | None = None, payload: str = "", seconds: float = 10.0, **fields: Any
) -> Any:
    document = {
        "episode_id": name_of(index),
        "task_id": "pick",
        "series_id": "table_1",
        "collection_id": "first",
        "robot_ids": ["arm"],
        "start_ns": str(START_NS),
        "end_ns": str(START_NS + round(seconds * 1e9)),
        "outcome": "success",
        "operator_pseudonym": "op-1",
        "streams": [{"stream_id": "joints", "modality": "proprioception", "unit": {"position": "rad"}}],
        **fields,
    }
    traits = traits or Traits(states(index, 1)[0], line(index / 10), {"arm": "d1"}, {"joints": '{"position":"rad"}'})
    return EpisodeSummary(name_of(index), document, 1, 1, payload or f"p{index}", traits)


def documents(dataset: Mapping[str, Any] | None = None, **more: Mapping[str, Any]) -> DatasetDocuments:
    task = {"tasks": [{"task_id": "pick", "scene_id": "room", "feasible_distance_m": 2.0}]}
    found = [("dataset.json", "dataset", dataset or {}), ("tasks.json", "task", task)]
    found += [
        (path, "layer" if path.endswith("layer.json") else "layer_episode", value) for path, value in more.items()
    ]
    return DatasetDocuments([Document(path, kind, "", "", value, "ok", "", "") for path, kind, value in found])


def rows_of(episodes: Sequence[Any], dataset: DatasetDocuments | None = None) -> list[Any]:
    found = corpus_rows(episodes, dataset or documents(), "full")
    for row in found:
        assert check("corpus", row, standard().fact_schema("corpus")) == []
        assert all(row[name] is not None or name in (*row["undetermined"],) for name in row.get("undetermined", {}))
    return found


def one(rows: Sequence[Any], kind: str, **columns: object) -> Any:
    (row,) = [row for row in rows if row["kind"] == kind and columns.items() <= row.items()]
    return row


def test_rows_do_not_depend_on_the_order_of_the_episodes() -> None:
    episodes = [episode(index, seconds=10 + index / 10, collection_id=f"c{index % 3}") for index in range(12)]
    random = np.random.default_rng(0)
    first = b"".join(canonical_bytes(row) for row in rows_of(episodes))
    for _ in range(3):
        shuffled = [episodes[index] for index in random.permutation(len(episodes))]
        assert b"".join(canonical_bytes(row) for row in rows_of(shuffled)) == first


def test_an_excluded_episode_counts_nowhere() -> None:
    twin = episode(1).traits
    episodes = [episode(0), episode(1), episode(2, traits=twin)]
    assert one(rows_of(episodes), "near_duplicates")["pairs_n"] == 1
    excluded = documents({"excluded": [{"episode_id": name_of(2), "reason": "twin"}]})
    rows = rows_of(episodes, excluded)
    assert one(rows, "near_duplicates")["pairs_n"] == 0
    assert one(rows, "distribution", name="outcome")["counts"] == {"success": 2}


def test_an_episode_without_states_is_said_to_be_missing() -> None:
    rows = rows_of([episode(0), episode(1), episode(2, traits=Traits())])
    row = one(rows, "near_duplicate", source="dataset.json")
    assert (row["missing_n"], row["cosine"]) == (1, None)
    assert row["undetermined"]["cosine"]


def test_transcoded_episodes_are_counted_twice_unless_one_is_excluded() -> None:
    step = {"parent_id": name_of(0), "operation": "transcode"}
    episodes = [episode(0), episode(1, lineage=[step])]
    assert one(rows_of(episodes), "transcoded")["target"] == name_of(0)
    excluded = documents({"excluded": [{"episode_id": name_of(0), "reason": "raw"}]})
    assert one(rows_of(episodes, excluded), "transcoded")["distinct_n"] == 0


def splits(train: Sequence[int], test: Sequence[int]) -> DatasetDocuments:
    parts = [("train", train), ("test", test)]
    return documents({"splits": [{"split": name, "episode_ids": [name_of(i) for i in part]} for name, part in parts]})


def test_splits_leak_by_episode_copy_series_and_scene() -> None:
    rooms = [{"scene_id": f"room_{index}"} for index in range(3)]
    apart = [episode(index, series_id=f"s{index}", scene=rooms[index]) for index in range(3)]
    assert [row["distinct_n"] for row in rows_of(apart, splits([0, 1], [2])) if row["kind"] == "split_leak"] == [0] * 3
    assert one(rows_of(apart, splits([0, 1], [1, 2])), "split_leak", name="episode")["distinct_n"] == 1
    copied = [*apart[:2], episode(2, payload="p0", series_id="s2", scene=rooms[2])]
    assert one(rows_of(copied, splits([0, 1], [2])), "split_leak", name="episode")["distinct_n"] == 1
    same = [*apart[:2], episode(2, series_id="s0")]
    rows = rows_of(same, splits([0, 1], [2]))
    assert one(rows, "split_leak", name="series")["target"] == "s0"
    assert one(rows, "split_leak", name="scene")["distinct_n"] == 0
    unknown = one(rows_of(apart, splits([0, 1], [2, 9])), "split_leak", name="episode")
    assert (unknown["distinct_n"], unknown["missing_n"]) == (None, 1)
    assert not [row for row in rows_of(apart) if row["kind"] == "split_leak"]


def test_a_mixed_series_is_seen_in_robot_urdf_and_unit() -> None:
    other = Traits(states(1, 1)[0], line(0.1), {"arm": "d2"}, {"joints": '{"position":"deg"}'})
    rows = rows_of([episode(0), episode(1, traits=other, robot_ids=["arm_2"])])
    assert [one(rows, "series", name=name)["distinct_n"] for name in ("robot", "urdf", "unit")] == [2, 2, 2]
    silent = rows_of([episode(0), episode(1, traits=Traits(units={"joints": '{"position":"rad"}'}))])
    row = one(silent, "series", name="urdf")
    assert (row["distinct_n"], row["missing_n"], list(row["undetermined"])) == (None, 1, ["distinct_n"])
    imported = [episode(index, traits=Traits()) for index in range(2)]
    assert {row["name"] for row in rows_of(imported) if row["kind"] == "series"} == {"robot"}
    robot = Document("robots/arm/robot.json", "robot", "", "", {"robot_id": "arm", "urdf_sha256": "d"}, "ok", "", "")
    known = rows_of(imported, DatasetDocuments([*documents().documents, robot]))
    assert one(known, "series", name="urdf")["distinct_n"] == 1


def test_a_batch_from_elsewhere_drifts_and_a_like_one_does_not() -> None:
    def batch(first: int, offset: float, name: str) -> list[Any]:
        found = []
        for index in range(first, first + 30):
            shifted = states(index, 1)[0] + np.float32(offset)
            found.append(episode(index, traits=Traits(shifted, line(0.0)), collection_id=name))
        return found

    rows = rows_of([*batch(0, 0.0, "a"), *batch(30, 0.0, "b"), *batch(60, 1.0, "c")])
    drifted = {(row["target"], row["name"]) for row in rows if row["kind"] == "drift" and row["drift_d"] > 0.2}
    assert drifted == {("c", f"joint[{index}]") for index in range(7)}
    row = one(rows, "drift", target="c", name="joint[0]")
    assert (row["n"], row["ks_d"]) == (90, 1.0)
    assert not [row for row in rows_of([*batch(0, 0.0, "a"), *batch(30, 1.0, "b")[:3]]) if row["kind"] == "drift"]


def test_a_long_take_stands_out_of_its_task() -> None:
    episodes = [episode(index, seconds=10 + index / 100) for index in range(9)]
    rows = rows_of([*episodes, episode(9, seconds=60.0)])
    worst = next(row for row in rows if row["kind"] == "duration")
    assert (worst["episode"], worst["iqr_excess"] > 1.5, worst["sigma"]) == (
        name_of(9),
        True,
        pytest.approx(3.0, abs=0.01),
    )


def test_diversity_is_held_against_the_declared_distance() -> None:
    row = one(rows_of([episode(0), episode(5)]), "diversity")
    assert (row["distance_m"], row["diversity_ratio"]) == (pytest.approx(0.5), pytest.approx(0.25))


def test_stored_statistics_are_held_against_all_samples() -> None:
    element = ("joints", "position", 0)
    traits = [Traits(moments={element: Moments(100, mean, 1.0, mean - 2, mean + 2)}) for mean in (0.0, 2.0)]
    stored = {"stream_id": "joints", "field": "position", "index": 0, "mean": 1.02, "max": 3.9}
    unseen = {"stream_id": "other", "field": "position", "mean": 1.0}
    rows = rows_of([episode(i, traits=traits[i]) for i in range(2)], documents({"stored_statistics": [stored, unseen]}))
    mean = one(rows, "stored_moment", name="joints.position[0].mean")
    assert (mean["n"], mean["difference_ratio"]) == (200, pytest.approx(0.02 / math.sqrt(2), rel=1e-6))
    assert one(rows, "stored_extreme")["difference_ratio"] == pytest.approx(0.1 / 6)
    assert one(rows, "stored_moment", name="other.position[0].mean")["difference_ratio"] is None


def layer(people: Sequence[str], **more: Any) -> dict[str, Any]:
    return {"kind": "skills", "layer_id": "x", "annotator_pseudonyms": list(people), **more}


def annotated(index: int, *segments: tuple[float, float, str]) -> dict[str, Any]:
    return {
        "episode_id": name_of(index),
        "skill_segments": [
            {"start_ns": str(START_NS + round(a * 1e9)), "end_ns": str(START_NS + round(b * 1e9)), "skill_code": code}
            for a, b, code in segments
        ],
    }


def test_kappa_and_boundaries_of_two_people() -> None:
    """po = 0.9; one says grasp 0.5 of the time, the other 0.6: pe = 0.5 * 0.6 + 0.5 * 0.4 = 0.5, kappa = 0.8."""
    path = f"{name_of(0)}.json"
    found = {
        "annotations/a/layer.json": layer(["an-1"]),
        "annotations/b/layer.json": layer(["an-2"]),
        f"annotations/a/{path}": annotated(0, (0, 5, "grasp"), (5, 10, "lift")),
        f"annotations/b/{path}": annotated(0, (0, 6, "grasp"), (6, 10, "lift")),
    }
    row = one(rows_of([episode(0)], documents(**found)), "agreement")
    assert (row["name"], row["n"], row["kappa"]) == ("measured", 1, pytest.approx(0.8))
    assert row["boundary_s"] == pytest.approx(2 / 6)


def test_what_one_person_or_a_model_says_is_not_agreement() -> None:
    told = {"kappa": 0.9, "boundary_s": 0.1, "episodes_n": 5}
    for value, kappa in (
        (layer(["an-1"]), None),
        (layer([], auto_annotation={"model_id": "m"}), None),
        (layer(["an-1", "an-2"]), None),
        (layer(["an-1", "an-2"], annotation_agreement=told), 0.9),
        (layer(["an-1"], annotation_agreement=told), None),
    ):
        row = one(rows_of([episode(0)], documents(**{"annotations/a/layer.json": value})), "agreement")
        assert row["kappa"] == kappa
        assert ("undetermined" in row) == (kappa is None)
    scripted = rows_of([episode(0)], documents(**{"annotations/a/layer.json": layer([])}))
    assert not [row for row in scripted if row["kind"] == "agreement"]


def test_a_layer_beyond_the_eighth_is_not_believed() -> None:
    told = {"kappa": 0.9, "boundary_s": 0.1, "episodes_n": 5}
    people = {f"annotations/{index}/layer.json": layer([f"an-{index}", "an-x"]) for index in range(8)}
    last = {"annotations/9/layer.json": layer(["an-8", "an-9"], annotation_agreement=told)}
    row = one(rows_of([episode(0)], documents(**people, **last)), "agreement", source="annotations/9/layer.json")
    assert (row["name"], row["kappa"], row["boundary_s"]) == ("measured", None, None)
    assert row["undetermined"]["kappa"] == "more than 8 layers are not held against each other"
    row = one(rows_of([episode(0)], documents(**last)), "agreement")
    assert (row["name"], row["kappa"]) == ("declared", 0.9)


def test_a_round_trip_is_read_from_its_layer() -> None:
    value = {"kind": "round_trip", "layer_id": "r", "round_trip": {"format": "LeRobot v3", "lost_n": 3, "silent_n": 1}}
    row = one(rows_of([episode(0)], documents(**{"annotations/r/layer.json": value})), "round_trip")
    assert (row["target"], row["lost_n"], row["silent_n"]) == ("LeRobot v3", 3, 1)
    assert one(rows_of([episode(0)]), "round_trip")["silent_n"] is None
