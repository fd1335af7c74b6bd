"""Memory that two processes share: enough of it, and all of it, before a take begins."""

from __future__ import annotations

import gc
import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from recorder import support

from embodied_kit.episode.datafile import AddChannel, OpenFile, OutMessage
from embodied_kit.errors import EnvironmentUnfitError
from embodied_kit.model.channel import ChannelInfo
from embodied_recorders.writing import shared_block, sink
from embodied_recorders.writing.memory import is_strict, memory_room_bytes
from embodied_recorders.writing.shared_block import SharedBlock
from embodied_recorders.writing.sink import Sink

CHANNEL = ChannelInfo("/t", "std_msgs/msg/String", "ros2msg", "string data\n", "", "", "", "none", "t")
MIB = 1 << 20


def system(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


MACHINE = {"proc/meminfo": "MemTotal: 9000 kB\nMemAvailable: 5000 kB\nCommitLimit: 4000 kB\nCommitted_AS: 1000 kB\n"}
V2, V1 = "sys/fs/cgroup/memory.", "sys/fs/cgroup/memory/memory."


@pytest.mark.parametrize(
    ("files", "room_bytes"),
    [
        ({}, None),
        (MACHINE, 5000 * 1024),
        (MACHINE | {f"{V2}max": "max\n", f"{V2}current": "1\n"}, 5000 * 1024),
        (
            MACHINE
            | {
                f"{V2}max": "3000000",
                f"{V2}current": "2900000",
                f"{V2}stat": "active_file 7\ninactive_file 60\nslab_reclaimable 20",
            },
            100_087,
        ),
        (
            MACHINE
            | {f"{V1}limit_in_bytes": "30", f"{V1}usage_in_bytes": "20", f"{V1}stat": "total_active_file 3\nrss 5"},
            13,
        ),
        (MACHINE | {"proc/sys/vm/overcommit_memory": "2\n"}, 3000 * 1024),
    ],
)
def test_room_is_what_the_machine_and_the_container_leave(
    tmp_path: Path, files: dict[str, str], room_bytes: int | None
) -> None:
    assert memory_room_bytes(system(tmp_path, files)) == room_bytes
    assert is_strict(tmp_path) == ("proc/sys/vm/overcommit_memory" in files)


def test_a_container_with_too_little_memory_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink, "memory_room_bytes", lambda: 64 * MIB)
    with pytest.raises(EnvironmentUnfitError, match=f"got {64 * MIB} free") as caught:
        Sink()
    assert "docker run --memory" in caught.value.remedy


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="no memfd here to do without")
def test_without_a_memfd_all_of_the_memory_is_there_before_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_name: str) -> int:
        raise PermissionError(1, "a sandbox")

    monkeypatch.setattr(os, "memfd_create", refused)
    block = SharedBlock(4 * MIB)
    assert os.fstat(int(block._handle)).st_blocks * 512 >= 4 * MIB
    block.view(0, 4)[:] = b"here"
    block.close()


def test_the_ring_of_a_strict_kernel_is_taken_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_block, "is_strict", lambda: True)
    block = SharedBlock(4 * MIB)
    assert os.fstat(int(block._handle)).st_blocks * 512 >= 4 * MIB
    block.close()


_RECORDS = f"""
import os, sys
sys.path[:0] = [{str(support.ROOT)!r}, {str(support.ROOT / "recorders")!r}]
from embodied_kit.errors import EnvironmentUnfitError
from embodied_recorders.writing.sink import Sink
if __name__ == "__main__":
    if sys.argv[1] == "none":
        del os.memfd_create
    try:
        sink = Sink(16 << 20)
    except EnvironmentUnfitError as error:
        print(error.message, error.remedy)
    else:
        sink.shut_down()
        print("recorded")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux keeps shared memory so")
@pytest.mark.parametrize(("memfd", "said"), [("memfd", "recorded"), ("none", "--shm-size")])
def test_a_small_dev_shm_is_no_matter_or_told_at_the_start(tmp_path: Path, memfd: str, said: str) -> None:
    """As in a container, where it is small unless --shm-size says otherwise."""
    (tmp_path / "records.py").write_text(_RECORDS)
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    small = 'mount -t tmpfs -o size=1M small /dev/shm || exit 9; exec "$@"'
    done = subprocess.run(
        ["/usr/bin/env", "unshare", *user, "--mount", "sh", "-c", small, "sh", sys.executable, tmp_path / "records.py",
         memfd], capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode in {1, 9, 127} and "recorded" not in done.stdout:
        pytest.skip(f"this system lets nobody mount: {done.stderr}")
    assert done.returncode == 0, done.stderr
    assert said in done.stdout


def test_too_many_open_files_are_told_and_leave_nothing_behind(tmp_path: Path) -> None:
    Sink(MIB).shut_down()  # what Python opens for its first process stays
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    first_free = os.dup(0)
    os.close(first_free)
    for more in range(4):
        resource.setrlimit(resource.RLIMIT_NOFILE, (first_free + more, before[1]))
        try:
            with pytest.raises(EnvironmentUnfitError, match="Too many open files") as caught:
                Sink(MIB)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        assert "ulimit -n 4096" in caught.value.remedy
    del caught
    gc.collect()  # Python's own half-started processes
    again = os.dup(0)
    os.close(again)
    assert again == first_free  # every descriptor was given back
    made = Sink(MIB)
    made.send(OpenFile(str(tmp_path / "data_000.mcap")))
    made.send(AddChannel(0, CHANNEL))
    made.write([OutMessage(0, 1, 1, 1, b"small")])
    made.close_file()
    made.shut_down()
