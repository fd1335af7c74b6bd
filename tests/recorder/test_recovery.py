"""Unfinished takes brought back: whole, rewritten or set aside; nothing deleted, and said what is missing."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import random
import shutil
import time
from pathlib import Path

import pytest
from recorder.support import problems_of, read
from recorder.unfinished import Bench, killed

from embodied_kit.canonical import load_json, parse_json, sha256_file
from embodied_kit.cli import main
from embodied_kit.episode import locking
from embodied_kit.episode.content import read_content
from embodied_kit.episode.datafile import AddChannel, Attach, CloseFile, FileWriter, Flush, OpenFile, OutMessage
from embodied_kit.episode.dataset import Dataset
from embodied_kit.episode.journal import journal_path, read_journal, seize_journal
from embodied_kit.episode.reclosed import Said, reclosed
from embodied_kit.episode.recovery import Rescue, recover_takes
from embodied_kit.errors import UsageError, WriteFaultError
from embodied_kit.mcap.reader import McapScan
from embodied_kit.model.channel import ChannelInfo
from embodied_recorders.take.documents import TakeResult
from embodied_recorders.take.running import Running

NOW_NS = 1_790_000_000_000_000_000


def recovered(bench: Bench) -> Rescue:
    """The one rescue; a second look finds nothing to do."""
    (rescue,) = recover_takes(bench.dataset, NOW_NS, 0.0)
    assert recover_takes(bench.dataset, NOW_NS, 0.0) == ()
    assert not any((bench.dataset.root / ".embodied" / "journal").iterdir())
    return rescue


def closing_of(folder: Path) -> dict[str, object]:
    with McapScan(folder / "data_000.mcap") as scan:
        for _ in scan.batches():
            pass
        last = scan.attachments[-1]
        assert last.name == "closing.json"
        return json.loads(scan.read_attachment(last))


def test_a_killed_take_comes_back_with_what_was_synced(tmp_path: Path) -> None:
    bench = killed(tmp_path)
    damaged = bench.staging() / "data_000.mcap.partial"
    digest, size = sha256_file(damaged), damaged.stat().st_size
    rescue = recovered(bench)
    assert rescue.kind == "recovered"
    assert rescue.folder is not None
    messages = read(rescue.folder)
    assert len(messages) == rescue.messages_n == 11  # 10 of 12 joint states were synced, and the latched message
    problems = problems_of(rescue.folder)
    assert (problems["episode"], problems["closing"]) == ([], [])
    episode, closing = load_json(rescue.folder / "episode.json"), closing_of(rescue.folder)
    assert episode["origin"] == "recovered"
    assert (closing["stop_reason"], closing["outcome"]) == ("recovered", "unknown")
    assert closing["events"][-1]["name"] == "recovered"
    assert "what was received within about 1 s before may be missing" in closing["events"][-1]["text"]
    assert [(entry["stream_id"], entry["received_n"]) for entry in closing["streams"]] == [
        ("joint_states", 10),
        ("description", 1),
    ]
    assert int(closing["end_ns"]) == max(message.log_ns for message in messages)
    assert bench.dataset.document()["totals"]["messages"] == 11
    assert rescue.original is not None
    kept = rescue.original / "data_000.mcap.partial"
    assert (sha256_file(kept), kept.stat().st_size, rescue.original_bytes) == (digest, size, size)


def test_what_was_said_before_the_kill_is_not_lost(tmp_path: Path) -> None:
    def label(bench: Bench, running: Running) -> None:
        running.mark("cube_slipped", "a remark")
        running.intervene(on=True)
        bench.send(running, 5)
        running.stop("operator")
        running.say(TakeResult("failure", "grasp_missed", "operator").said())

    bench = killed(tmp_path, label)
    rescue = recovered(bench)
    closing = closing_of(rescue.folder)
    assert (closing["outcome"], closing["failure_cause"], closing["stop_reason"]) == (
        "failure",
        "grasp_missed",
        "operator",
    )
    assert [event["name"] for event in closing["events"]] == ["cube_slipped", "recovered"]
    (segment,) = closing["intervention_segments"]
    assert segment["end_ns"] == closing["end_ns"]
    assert load_json(rescue.folder / "episode.json")["outcome"] == "failure"


def test_a_ledger_that_was_written_tells_exactly_what_is_missing(tmp_path: Path) -> None:
    class Dead(FileWriter):
        def send(self, command: object) -> None:
            if isinstance(command, Flush):  # the last messages are still in memory
                raise ZeroDivisionError
            super().send(command)

    bench = Bench(tmp_path)
    bench.session.new_sink = lambda: bench_writer(bench, Dead())
    running = bench.begin(13)
    running.stop("operator")
    with pytest.raises(ZeroDivisionError):
        bench.session.finish(running, TakeResult("success", stop_reason="operator"))
    rescue = recovered(bench)
    closing = closing_of(rescue.folder)
    assert rescue.loss is not None
    assert rescue.loss.missing_n == 3
    assert closing["events"][-1]["text"].endswith("3 messages missing")
    assert closing["outcome"] == "success"
    assert closing["streams"][0]["loss"]["queue"] == 0
    assert int(closing["end_ns"]) == max(message.log_ns for message in read(rescue.folder))


def test_losses_that_the_ledger_told_stay_told(tmp_path: Path) -> None:
    bench = killed(tmp_path)
    content = read_content(bench.staging() / "data_000.mcap.partial")
    capture = parse_json(content.documents["capture.json"]).value
    lost = {"topic": "/joint_states", "received_n": 0, "loss": {"transport": 7}}
    closing = reclosed(bench.staging().name, capture, [content], Said(closing={"streams": [lost]}))
    mine = [entry for entry in closing["streams"] if entry["stream_id"] == "joint_states"]
    assert [(entry["received_n"], entry["loss"]["transport"]) for entry in mine] == [(10, "not_observable"), (0, 7)]
    assert mine[1]["loss"]["header_stamp"] == "not_observable"


def bench_writer(bench: Bench, writer: FileWriter) -> FileWriter:
    bench.writer = writer
    return writer


@pytest.mark.parametrize("name", ["data_000.mcap", "data_000.mcap.partial"])
@pytest.mark.parametrize("documents", [(), ("metadata.yaml",), ("metadata.yaml", "episode.json")])
def test_a_take_whose_data_are_whole_is_finished_as_the_recorder_would(
    tmp_path: Path, name: str, documents: tuple[str, ...]
) -> None:
    bench = Bench(tmp_path)
    done = bench.whole()
    bench.die()
    wanted = {path.name: path.read_bytes() for path in done.folder.iterdir()}
    staging = bench.dataset.root / ".embodied" / "recording" / done.episode_id
    shutil.move(done.folder, staging)
    (staging / "data_000.mcap").rename(staging / name)
    for document in {"metadata.yaml", "episode.json"} - set(documents):
        (staging / document).rename(staging / f"{document}.partial")
        (staging / f"{document}.partial").write_bytes(b"{")
    (staging / "stranger").write_bytes(b"?")
    rescue = recovered(bench)
    assert (rescue.kind, rescue.original) == ("finished", None)
    assert {path.name: path.read_bytes() for path in done.folder.iterdir()} == wanted
    (stranger,) = (bench.dataset.root / ".embodied" / "damaged").iterdir()
    assert stranger.read_bytes() == b"?"
    assert bench.dataset.document()["totals"]["episodes"] == 1


@pytest.mark.parametrize(("content", "reason"), [(None, "no_data"), (b"", "no_message"), (b"\0" * 9000, "no_message")])
def test_what_holds_nothing_is_set_aside_with_the_reason(tmp_path: Path, content: bytes | None, reason: str) -> None:
    bench = killed(tmp_path)
    partial = bench.staging() / "data_000.mcap.partial"
    partial.unlink()
    if content is not None:
        partial.write_bytes(content)
    rescue = recovered(bench)
    assert (rescue.kind, rescue.reason) == ("set_aside", reason)
    note = load_json(rescue.original.with_name(rescue.original.name + ".json"))
    assert (note["reason"], note["bytes"]) == (reason, len(content or b""))
    assert note["journal"][0]["recorder"]["pid"] == os.getpid()
    assert bench.dataset.episode_ids() == []


def test_a_take_that_is_of_another_folder_is_set_aside(tmp_path: Path) -> None:
    bench = killed(tmp_path)
    staging = bench.staging()
    staging.rename(staging.with_name("0192f3c0-0000-7000-8000-00000000000f"))
    assert recovered(bench).reason == "other_id"


def test_an_import_that_did_not_end_is_no_episode(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    plain = bench.session._capture
    bench.session._capture = lambda *words: {**plain(*words), "imported_from": "a.bag"}  # what an importer says
    bench.begin(10)
    bench.die()
    assert recovered(bench).reason == "import"


def test_a_take_that_runs_is_left_alone(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    running = bench.begin(10)
    (rescue,) = recover_takes(bench.dataset, NOW_NS, 0.0)
    assert (rescue.kind, rescue.episode_id) == ("in_use", running.file.episode_id)
    assert read_journal(journal_path(bench.dataset.root, running.file.episode_id))[0]["kind"] == "opened"
    done = bench.session.finish(running, TakeResult(stop_reason="operator"))
    assert len(read(done.folder)) == 11
    assert recover_takes(bench.dataset, NOW_NS, 0.0) == ()


def test_without_locks_a_recorder_is_known_by_its_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_descriptor: int, *, shared: bool, wait: bool) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(locking, "_lock", refuse)
    bench = killed(tmp_path)
    assert [one.kind for one in recover_takes(bench.dataset, NOW_NS, 0.0)] == ["in_use"]  # this process lives
    journal = journal_path(bench.dataset.root, bench.staging().name)
    journal.write_bytes(journal.read_bytes().replace(b'"started":"', b'"started":"9'))
    assert recovered(bench).kind == "recovered"


def test_a_writer_that_comes_too_late_does_not_write_into_a_take_that_is_recovered(tmp_path: Path) -> None:
    bench = killed(tmp_path)
    staging = bench.staging()
    path = journal_path(bench.dataset.root, staging.name)
    lock = seize_journal(path, 0.0)
    assert lock is not None
    late = FileWriter()
    with pytest.raises(WriteFaultError, match="being recovered"):
        late.run(OpenFile(str(staging / "data_001.mcap"), str(path)))
    lock.release()
    late.run(OpenFile(str(staging / "data_001.mcap"), str(path)))
    assert [one.kind for one in recover_takes(bench.dataset, NOW_NS, 0.0)] == ["in_use"]
    late.shut_down()


def test_a_sealed_dataset_is_not_changed(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.whole()
    bench.begin(10)
    bench.die()
    bench.dataset.seal("1.0.0", NOW_NS)
    with pytest.raises(UsageError, match="sealed"):
        recover_takes(bench.dataset, NOW_NS, 0.0)
    assert bench.staging().is_dir()


def test_totals_that_a_kill_left_behind_are_brought_up_to_date(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    before = (bench.dataset.root / "dataset.json").read_bytes()
    bench.whole()
    (bench.dataset.root / "dataset.json").write_bytes(before)
    assert recover_takes(bench.dataset, NOW_NS, 0.0) == ()
    assert bench.dataset.document()["totals"]["episodes"] == 1


def test_every_file_of_a_take_that_was_split_comes_back(tmp_path: Path) -> None:
    """As a recorder that splits leaves it: the first file closed, the second not."""
    bench = Bench(tmp_path)
    running = bench.begin(10)
    (staging,) = (bench.dataset.root / ".embodied" / "recording").iterdir()
    bench.writer.run(CloseFile())
    digest = sha256_file(staging / "data_000.mcap")
    with McapScan(staging / "data_000.mcap") as scan:
        first = sum(map(len, scan.batches()))
        capture = scan.read_attachment(scan.attachments[0])
    bench.writer.run(OpenFile(str(staging / "data_001.mcap"), str(running.file._journal.path)))
    bench.writer.run(Attach("capture.json", "application/json", capture, 1))
    bench.writer.run(AddChannel(0, running.file.channels[0]))
    now_ns = time.time_ns()
    bench.writer.write([OutMessage(0, now_ns + n, now_ns + n, n, b"\0\1\0\0") for n in range(7)])
    bench.writer.run(Flush())
    bench.die()
    rescue = recovered(bench)
    assert (rescue.kind, rescue.messages_n) == ("recovered", first + 7)
    assert sorted(path.name for path in rescue.folder.iterdir()) == [
        "data_000.mcap",
        "data_001.mcap",
        "episode.json",
        "metadata.yaml",
    ]
    episode = load_json(rescue.folder / "episode.json")
    assert [entry["path"] for entry in episode["files"]] == ["data_000.mcap", "data_001.mcap", "metadata.yaml"]
    assert sha256_file(rescue.folder / "data_000.mcap") == digest  # as it was
    assert int(episode["end_ns"]) == now_ns + 6
    assert sum(entry["messages_n"] for entry in episode["streams"]) == first + 7


def test_cut_at_any_byte_it_opens_and_says_what_is_gone(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    bench = killed(tmp_path / "a", count=60)
    with McapScan(bench.staging() / "data_000.mcap.partial") as scan:
        sent = [bytes(b.buffer[at : at + n]) for b in scan.batches() for at, n in zip(b.offset, b.length, strict=True)]
    root, partial = bench.dataset.root, bench.staging() / "data_000.mcap.partial"
    data, name = partial.read_bytes(), bench.staging().name
    chooser = random.Random(7)  # noqa: S311 - a test's choices
    cuts = sorted({0, 1, 8, 9, len(data) - 1, *(chooser.randrange(len(data)) for _ in range(45))})
    held, before = set(), 0
    for cut in cuts:
        copy = tmp_path / str(cut)
        shutil.copytree(root, copy)
        damage = chooser.choice([b"", b"\0" * 700, chooser.randbytes(700)])
        (copy / ".embodied" / "recording" / name / partial.name).write_bytes(data[:cut] + damage)
        (rescue,) = recover_takes(Dataset(copy), NOW_NS, 0.0)
        assert rescue.kind in {"recovered", "set_aside"}, (cut, rescue.error)
        assert rescue.original_bytes == cut + len(damage)
        held.add(rescue.messages_n)
        assert rescue.messages_n >= before
        before = rescue.messages_n
        if rescue.folder is not None:
            assert len(read(rescue.folder)) == rescue.messages_n
            assert problems_of(rescue.folder)["closing"] == []
            assert [message.cdr for message in read(rescue.folder)] == sent[: rescue.messages_n]
            assert rescue.loss is not None
        shutil.rmtree(copy)
    assert 0 in held
    assert len(held) > 6


def test_a_chunk_that_rotted_is_left_out_and_told(tmp_path: Path) -> None:
    bench = killed(tmp_path, count=20)
    partial = bench.staging() / "data_000.mcap.partial"
    with McapScan(partial) as scan:
        chunks = list(scan.batches())
    data = bytearray(partial.read_bytes())
    data[chunks[1].chunk_offset + 9 + 24] ^= 1  # of its CRC
    partial.write_bytes(data)
    rescue = recovered(bench)
    assert rescue.loss is not None
    assert (rescue.loss.damaged_n, rescue.messages_n) == (len(chunks[1]), 21 - len(chunks[1]))
    closing = closing_of(rescue.folder)
    assert sum(entry["received_n"] for entry in closing["streams"]) == rescue.messages_n
    assert f"{len(chunks[1])} damaged messages" in closing["events"][-1]["text"]


def _exclude(root: str, episode_ids: list[str]) -> None:
    for episode_id in episode_ids:
        Dataset(Path(root)).exclude(episode_id, "a reason", NOW_NS)


@pytest.mark.parametrize("first", [1, 2**32 - 5])
@pytest.mark.parametrize("chunks", [1, 3, 20])
def test_numbers_that_wrap_come_late_or_again_are_counted_rightly(tmp_path: Path, first: int, chunks: int) -> None:
    sent = [n for n in [*range(20), 12, 5, *range(20, 40)] if n not in {3, 30, 31}]
    writer = FileWriter()
    writer.send(OpenFile(str(tmp_path / "data_000.mcap")))
    writer.send(AddChannel(0, ChannelInfo("/t", "a/msg/B", "", "", "", "", "p", "publisher", "t")))
    for place, number in enumerate(sent):
        writer.write([OutMessage(0, place, place, (first + number) % 2**32, b"\0\1\0\0")])
        if place % chunks == 0:
            writer.send(Flush())
    writer.close_file()
    (count,) = read_content(tmp_path / "data_000.mcap").channels
    assert (count.messages_n, count.sequence_lost_n) == (len(sent), 3)


def test_two_processes_do_not_overwrite_each_others_dataset_json(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    ids = [bench.whole(1).episode_id for _ in range(12)]
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_exclude, args=(str(bench.dataset.root), ids[part::2])) for part in (0, 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    excluded = bench.dataset.document()["excluded"]
    assert sorted(entry["episode_id"] for entry in excluded) == sorted(ids)


@pytest.mark.parametrize(
    ("language", "said"), [("en", "recovered: 11 messages; cut: 0 bytes"), ("zh", "已恢复：11 条消息")]
)
def test_the_command_says_what_became_of_each_take(
    tmp_path: Path, language: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = killed(tmp_path)
    assert main(["--lang", language, "recover", str(bench.dataset.root)]) == 0
    out = capsys.readouterr().out
    assert said in out
    assert ".embodied/damaged/" in out
    (episode_id,) = bench.dataset.episode_ids()
    assert f"embodied-kit validate {bench.dataset.root}/episodes/{episode_id}" in out
    assert main(["--lang", language, "recover", str(bench.dataset.root)]) == 0
    assert capsys.readouterr().out.strip() == {"en": "no take was left unfinished", "zh": "没有未完成的采集"}[language]


def test_the_command_refuses_an_output_for_a_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench = killed(tmp_path)
    assert main(["recover", str(bench.dataset.root), "-o", str(tmp_path / "x")]) == 2
    assert "expected -o with one MCAP file" in capsys.readouterr().err
    assert main(["recover", str(tmp_path)]) == 2
    capsys.readouterr()
    (bench.staging() / "data_000.mcap.partial").rename(bench.staging() / "data_007.mcap.partial")
    assert main(["recover", str(bench.dataset.root)]) == 0
