"""What the statistics of a dataset cost beyond its episodes: synthetic signatures, seconds by part, digest of the rows.

python tests/bench/bench_corpus.py [episodes]
"""

from __future__ import annotations

import hashlib
import sys
import time

import numpy as np

from embodied_kit.canonical import canonical_bytes
from embodied_kit.measure.corpus.members import Corpus
from embodied_kit.measure.corpus.rows import PARTS
from embodied_kit.measure.corpus.traits import Traits
from embodied_kit.measure.declared.documents import Document
from embodied_kit.measure.declared.links import DatasetDocuments, EpisodeSummary
from embodied_kit.model.json import JsonObject

EPISODES = 10_000
TASKS_N, BATCHES_N, SCENES_N = 5, 20, 200
START_NS = 1_790_000_000_000_000_000


def episodes(count: int) -> list[EpisodeSummary]:
    """Episodes about some centres, in tasks and batches."""
    random = np.random.default_rng(7)
    centres = random.normal(size=(SCENES_N, 64, 7))
    found = []
    for number in range(count):
        states = (centres[number % SCENES_N] + random.normal(size=(64, 7)) * 0.3).astype(np.float32)
        path = random.normal(size=(256, 3)).astype(np.float32)
        document: JsonObject = {
            "episode_id": f"e{number:06d}",
            "task_id": f"t{number % TASKS_N}",
            "series_id": f"s{number % 50}",
            "collection_id": f"c{number * BATCHES_N // count:03d}",
            "robot_ids": ["arm"],
            "start_ns": str(START_NS),
            "end_ns": str(START_NS + int((10 + 5 * random.random()) * 1e9)),
            "outcome": "success",
            "streams": [{"stream_id": f"x{stream}", "modality": "video"} for stream in range(12)],
        }
        traits = Traits(states, path, {"arm": "d1"}, {"joints": '{"position":"rad"}'})
        found.append(EpisodeSummary(f"e{number:06d}", document, 1, 1, f"p{number}", traits))
    return found


def main() -> None:
    """Make the episodes, then time each part."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else EPISODES
    tasks: JsonObject = {"tasks": [{"task_id": f"t{task}", "feasible_distance_m": 2.0} for task in range(TASKS_N)]}
    documents = [("dataset.json", "dataset", {"dataset_id": "d"}), ("tasks.json", "task", tasks)]
    dataset = DatasetDocuments([Document(path, kind, "", "", value, "ok", "", "") for path, kind, value in documents])
    corpus = Corpus(dataset, episodes(count), "full")
    digest, total_s = hashlib.sha256(), 0.0
    for part in PARTS:
        started = time.process_time()
        rows = list(part(corpus))
        part_s = time.process_time() - started
        total_s += part_s
        digest.update(canonical_bytes(rows))
        print(f"{part.__name__:18} {part_s:6.2f} s  {len(rows)} rows")
    print(f"{count} episodes     {total_s:6.2f} s CPU, rows {digest.hexdigest()[:16]}")


if __name__ == "__main__":
    main()
