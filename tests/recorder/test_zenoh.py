"""A take over zenoh: what a publisher's own numbers say is lost is what the robot's log says."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from mcap.reader import make_reader
from recorder import support
from recorder.support import attachments, problems_of, read
from transports.harness import reachable

from embodied_kit.canonical import parse_json

pytestmark = pytest.mark.wire


def test_a_take_over_zenoh_knows_its_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = support.dataset_in(tmp_path)
    path = support.contract_file(tmp_path)
    with reachable("zenoh") as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with support.running_robot(tmp_path, transport="zenoh") as robot:
            words = ["record", path, "--dataset", dataset.root, "--task", "pick", "--domain", robot.domain_id]
            done = support.run(tmp_path, *words, "--transport", "zenoh", "--duration", 1, "--outcome", "success")
            assert (done.returncode, done.stderr) == (0, ""), done.stdout
    (episode_id,) = dataset.episode_ids()
    folder = dataset.root / "episodes" / episode_id
    assert {kind: problems for kind, problems in problems_of(folder).items() if problems} == {}
    capture, closing = (parse_json(attachments(folder)[f"{name}.json"]).value for name in ("capture", "closing"))
    assert capture["recorder"]["transport"] == "zenoh"
    assert closing["transport_counters"] == {"queue_messages_dropped": 0, "unattached_messages_dropped": 0}
    assert len(closing["streams"]) == 5
    messages = read(folder)
    for entry in closing["streams"]:
        stamps = [one.source_ns for one in robot.sent(entry["topic"]) if one.publisher == entry["publisher"]]
        mine = [one for one in messages if (one.topic, one.publisher) == (entry["topic"], entry["publisher"])]
        places = [stamps.index(one.publish_ns) for one in mine]
        assert [one.sequence for one in mine] == [place + 1 for place in places]
        assert entry["loss"]["publisher_sequence"] == sum(later - place - 1 for place, later in pairwise(places))
    with (folder / "data_000.mcap").open("rb") as file:
        channels = make_reader(file).get_summary().channels.values()
    assert {channel.metadata["sequence_source"] for channel in channels} == {"publisher"}
    assert all(channel.metadata["topic_type_hash"].startswith("RIHS01_") for channel in channels)
