"""`signal` beside other readers of MCAP, and `index` beside a summary read: ratios of one run; asserts nothing.

python tests/bench/bench_signal.py [rounds] [mix small big bigz] [--only=C++,ours]

Each side is a process of its own, all in turn in each round; CPU is that of its work without start and imports (the C++
program: all of it), medians over the rounds. The C++ program is built where the headers of the public C++ reader, zstd,
lz4 and OpenSSL are found (MCAP_CPP_INCLUDE names the folder that holds `mcap/`); else its column says absent.
"""

from __future__ import annotations

import heapq
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "validators"), str(ROOT / "tests"), str(Path(__file__).parent)]

ROUNDS = 5
BIG_IMAGES = 2000
SMALL_MESSAGES = 1_000_000
START_NS = 1_700_000_000_000_000_000
FLOATS = "builtin_interfaces/Time stamp\nfloat64[11] data\n"
CPP_SOURCE = Path(__file__).parent / "cpp" / "iterate.cpp"


def main() -> None:
    """Make the files, run every side over each, print the table."""
    words = [word for word in sys.argv[1:] if not word.startswith("--only=")]
    only = tuple(sys.argv[-1].removeprefix("--only=").split(",")) if len(words) < len(sys.argv) - 1 else ("",)
    rounds = int(words.pop(0)) if words else ROUNDS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = _build(folder)
        for kind in words or list(FILES):
            path = folder / kind / "a.mcap"
            path.parent.mkdir()
            # in a process of its own: a child counts the memory of this one as its peak
            subprocess.run([sys.executable, str(Path(__file__)), "--make", kind, str(path)], check=True)
            _bag_metadata(path)
            _compare(kind, path, {k: v for k, v in _sides(program).items() if k.startswith(only)}, rounds)
            shutil.rmtree(path.parent)


def _build(folder: Path) -> Path | None:
    """The C++ program; None where something of it is not here."""
    include = os.environ.get("MCAP_CPP_INCLUDE", "/usr/include")
    if not (Path(include) / "mcap" / "reader.hpp").exists() or not shutil.which("g++"):
        return None
    out = folder / "iterate"
    words = ["g++", "-O2", "-std=c++17", f"-I{include}", str(CPP_SOURCE), "-o", str(out), "-lzstd", "-llz4", "-lcrypto"]
    return out if subprocess.run(words, check=False, capture_output=True).returncode == 0 else None


def _sides(program: Path | None) -> dict[str, list[str] | None]:
    """Name -> command, to which the file is added; None where it cannot be run here."""
    python = {name: [sys.executable, str(Path(__file__)), "--side", name] for name in SIDES}
    native = (
        {"C++, CRC": None, "C++, CRC, sha256": None}
        if program is None
        else {
            "C++, CRC": [str(program)],
            "C++, CRC, sha256": [str(program), "sha256"],
        }
    )
    return {**native, **python}


def _compare(kind: str, path: Path, sides: Mapping[str, list[str] | None], rounds: int) -> None:
    cpu: dict[str, list[float]] = {name: [] for name in sides}
    wall: dict[str, list[float]] = {name: [] for name in sides}
    peak: dict[str, float] = {}
    read: dict[str, float] = {}
    for _ in range(rounds):
        for name, command in sides.items():
            if command is None:
                continue
            told = _run(command, path)
            cpu[name].append(told["cpu_s"])
            wall[name].append(told["wall_s"])
            peak[name] = max(peak.get(name, 0.0), told["peak_mb"])
            read[name] = told["read_bytes"] / path.stat().st_size
    base = next(name for name in ("C++, CRC", "mcap, CRC", *sides) if cpu.get(name))
    print(f"\n{kind}: {path.stat().st_size / 1e6:.0f} MB, CPU of {rounds} rounds, ratio to {base}\n")
    print("| side | CPU s | ratio | wall s | peak MB | read |\n|---|---|---|---|---|---|")
    for name in sides:
        if not cpu[name]:
            print(f"| {name} | absent | | | | |")
            continue
        middle = statistics.median(cpu[name])
        cells = (
            f"{middle:.3f}",
            f"{middle / statistics.median(cpu[base]):.2f}",
            f"{statistics.median(wall[name]):.3f}",
            f"{peak[name]:.0f}",
            f"{read[name]:.2%}" if read[name] else "",
        )
        print(f"| {name} | {' | '.join(cells)} |")
    sys.stdout.flush()


def _run(command: list[str], path: Path) -> dict[str, float]:
    """What one process took; a side in Python tells it itself, without start and imports."""
    first = command[:1] + ([str(path), *command[1:]] if "--side" not in command else [*command[1:], str(path)])
    began = time.perf_counter()
    process = subprocess.Popen(first, stdout=subprocess.PIPE, text=True)
    out = process.stdout.read() if process.stdout else ""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command}: {process.returncode}")
    if "--side" in command:
        told: dict[str, float] = json.loads(out.splitlines()[-1])
        return told
    wall_s = time.perf_counter() - began
    cpu_s = used.ru_utime + used.ru_stime
    return {"cpu_s": cpu_s, "wall_s": wall_s, "peak_mb": used.ru_maxrss / 1024, "read_bytes": 0}


def side(name: str, path: Path) -> None:
    """Run one side in this process and print what it took as JSON."""
    work = SIDES[name](path)
    io_before, cpu, wall = _read_bytes(), time.process_time(), time.perf_counter()
    work()
    told = {
        "cpu_s": time.process_time() - cpu,
        "wall_s": time.perf_counter() - wall,
        "peak_mb": _peak_kib() / 1024,
        "read_bytes": _read_bytes() - io_before,
    }
    print(json.dumps(told))


def _read_bytes() -> int:
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return int(lines[0].split()[1])


def _peak_kib() -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def _signal(path: Path) -> Callable[[], object]:
    from embodied_kit.measure import measure_path  # noqa: PLC0415

    return lambda: list(measure_path(path, depth="signal"))


def _columns(path: Path) -> Callable[[], object]:
    from bench_mcap import read_ours  # noqa: PLC0415

    return lambda: read_ours(path, decode=True)


def _mcap(path: Path) -> Callable[[], object]:
    from bench_mcap import read_theirs  # noqa: PLC0415

    return lambda: read_theirs(path, decode=False)


def _mcap_ros2(path: Path) -> Callable[[], object]:
    from bench_mcap import read_theirs  # noqa: PLC0415

    return lambda: read_theirs(path, decode=True)


def _rosbags(path: Path) -> Callable[[], object]:
    from rosbags.highlevel import AnyReader  # noqa: PLC0415
    from rosbags.typesys import Stores, get_typestore  # noqa: PLC0415

    def work() -> int:
        with AnyReader([path.parent], default_typestore=get_typestore(Stores.ROS2_HUMBLE)) as reader:
            return sum(
                reader.deserialize(data, connection.msgtype) is not None for connection, _, data in reader.messages()
            )

    return work


def _sha256(path: Path) -> Callable[[], object]:
    from embodied_kit.canonical import sha256_file  # noqa: PLC0415

    return lambda: sha256_file(path)


def _index(path: Path) -> Callable[[], object]:
    from embodied_kit.mcap.index import read_index  # noqa: PLC0415

    return lambda: read_index(path, log_times=False)


def _summary(path: Path) -> Callable[[], object]:
    from mcap.reader import make_reader  # noqa: PLC0415

    def work() -> object:
        with path.open("rb") as file:
            return make_reader(file).get_summary()

    return work


SIDES: Mapping[str, Callable[[Path], Callable[[], object]]] = {
    "ours, columns": _columns,
    "ours, signal (all facts)": _signal,
    "mcap, CRC": _mcap,
    "mcap + ros2, CRC, decoded": _mcap_ros2,
    "rosbags, decoded": _rosbags,
    "sha256 alone": _sha256,
    "ours, index": _index,
    "mcap, summary": _summary,
}


def _mix(path: Path) -> None:
    """30 s: 500 Hz joints, 1 kHz wrench, 100 Hz pose, three cameras of 60 KB at 30 Hz, depth of 640 x 480 at 15 Hz."""
    import numpy as np  # noqa: PLC0415
    from bench_mcap import HEADER, IMAGE, JOINTS, START, WRENCH, Cdr, robot  # noqa: PLC0415

    from embodied_kit.mcap.writer import McapWriter  # noqa: PLC0415

    rng = np.random.default_rng(3)
    far = (700 + np.arange(640 * 480) // 640 * 2 + rng.integers(0, 8, 640 * 480)).astype("<u2").tobytes()
    poses = ((4, now := START + n * 10_000_000, Cdr(now).text("base").put("7d", *range(7)).done()) for n in range(3000))
    depths = (
        (5, now := START + n * 66_666_667, Cdr(now).text("depth").text("raw").put("I", len(far)).done(far))
        for n in range(450)
    )
    pose = f"std_msgs/Header header\nfloat64[7] pose\n{HEADER}"
    with McapWriter(path, compression="zstd") as writer:
        for name, text in (("J", JOINTS), ("W", WRENCH), ("I", IMAGE), ("P", pose), ("D", IMAGE)):
            writer.add_channel(f"/{name}", writer.add_schema(f"pkg/msg/{name}", "ros2msg", text.encode()))
        for channel, now, data in heapq.merge(robot(30), poses, depths, key=lambda item: item[1]):
            writer.write(channel, now, now, 0, data)


def _small(path: Path) -> None:
    import numpy as np  # noqa: PLC0415

    from embodied_kit.mcap.writer import McapWriter  # noqa: PLC0415

    values = np.random.default_rng(1).normal(size=(1000, 11)).tobytes()
    with McapWriter(path, compression="none") as writer:
        channel = writer.add_channel("/s", writer.add_schema("pkg/msg/S", "ros2msg", _with_time(FLOATS)))
        for step in range(SMALL_MESSAGES):
            now = START_NS + step * 1_000_000
            head = b"\0\1\0\0" + (now // 10**9).to_bytes(4, "little") + (now % 10**9).to_bytes(4, "little")
            at = step % 1000 * 88
            writer.write(channel, now, now, step, head + values[at : at + 88])


def _images(compression: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        import numpy as np  # noqa: PLC0415
        from bench_mcap import IMAGE, Cdr  # noqa: PLC0415

        from embodied_kit.mcap.writer import McapWriter  # noqa: PLC0415

        noise = np.random.default_rng(2).integers(0, 64, 2_000_000, np.uint8).tobytes()
        with McapWriter(path, compression=compression) as writer:
            channel = writer.add_channel("/I", writer.add_schema("pkg/msg/I", "ros2msg", IMAGE.encode()))
            for step in range(BIG_IMAGES):
                now = START_NS + step * 33_000_000
                at = step * 997 % 1_000_000
                data = Cdr(now).text("camera").text("raw").put("I", 1_000_000).done(noise[at : at + 1_000_000])
                writer.write(channel, now, now, step, data)

    return write


def _with_time(text: str) -> bytes:
    return f"{text}{'=' * 80}\nMSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n".encode()


def _bag_metadata(path: Path) -> None:
    """metadata.yaml, without which rosbags opens no MCAP."""
    from embodied_kit.mcap.index import read_index  # noqa: PLC0415

    found = read_index(path, log_times=False)
    counts = found.statistics.channel_counts if found.statistics else {}
    topics = "".join(
        f"    - topic_metadata: {{name: {channel.topic}, type: {found.schemas[channel.schema_id].name},"
        f" serialization_format: cdr, offered_qos_profiles: ''}}\n      message_count: {counts.get(number, 0)}\n"
        for number, channel in found.channels.items()
    )
    (path.parent / "metadata.yaml").write_text(
        "rosbag2_bagfile_information:\n  version: 5\n  storage_identifier: mcap\n"
        f"  relative_file_paths: [{path.name}]\n  duration: {{nanoseconds: 1}}\n"
        f"  starting_time: {{nanoseconds_since_epoch: {START_NS}}}\n  message_count: {sum(counts.values())}\n"
        f"  topics_with_message_count:\n{topics}  compression_format: ''\n  compression_mode: ''\n"
    )


FILES: Mapping[str, Callable[[Path], None]] = {
    "mix": _mix,
    "small": _small,
    "big": _images("none"),
    "bigz": _images("zstd"),
}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        side(sys.argv[2], Path(sys.argv[3]))
    elif sys.argv[1:2] == ["--make"]:
        FILES[sys.argv[2]](Path(sys.argv[3]))
    else:
        main()
