"""Personal information in text: found where it is, not seen where it is not, quick on hostile text, never repeated."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from cli.verbs import run
from hypothesis import given
from hypothesis import strategies as st
from measure.synthetic import EPISODE_ID, Take, streams, write_dataset

from embodied_kit.mcap.writer import McapWriter
from embodied_kit.measure import facts_lines, measure_path
from embodied_kit.measure.text.checks import is_resident_id
from embodied_kit.measure.text.files import decoded
from embodied_kit.measure.text.finder import find
from embodied_kit.measure.text.log import MAX_PLACES, TextLog, TextPlace

SAMPLES = Path(__file__).parents[2] / "sample_episodes"
BAGS = Path(__file__).parents[3] / "shared" / "realdata"

HOME, USERS = "/" + "home", "/" + "Users"  # in pieces: no file of this repository names a folder of anybody
FOUND = {
    "id_number": ["11010519491231002X", "身份证440524188001010014。", "id=11010519491231002x,"],
    "phone": [
        *("13800138000", "+86 138 0013 8000", "tel: 13800138000", "电话13912345678", "138-0013-8000"),
        *("+14155550123", "+44 20 7946 0958", "联系 张三 13800138000"),
    ],
    "email": ["li.lei@pku.edu.cn", "mailto:a_b@corp.co", "<x@y.io>", "邮箱li@a.cn"],
    "licence_plate": ["粤B12345", "粤BD12345", "粤B·F12345 停", "京A12345D", "粤Z1234港"],
    "bank_card": ["card 4111 1111 1111 1111", "卡号6222021234567890128"],
    "passport": ["passport: E12345678", "护照号 EA1234567"],
    "home_path": [
        f"{HOME}/wang/x",
        f"file://{HOME}/li.lei/a.stl",
        "C:\\Users\\Zhang\\x",
        f"{USERS}/bob",
        f"{HOME}/王伟/x",
    ],
    "mac": ["00:1a:2b:3c:4d:5e", "mac=00-1A-2B-3C-4D-5E"],
    "ip_address": [
        "192.168.1.20",
        "host 10.0.0.5.",
        "fe80::1ff:fe23:4567:890a",
        "2408:8000::1",
        "udp://192.168.8.2:7400",
    ],
    "location": [
        *("lat: 22.54321, lon: 114.05786", "gps 22.5431234 114.0578612"),
        "$GNGGA,092725.00,4717.11399,N,00833.91590,E,1,08,1.01,499.6,M,48.0,M,,*5B",
    ],
}
NOT_FOUND = [
    *(
        "11010519491231002",
        "110105194912310021",
        "110105194902300025",
        "990105194912310026",
    ),  # length, check, date, region
    *("1790100000000000000", "1790100000.123", "13812345678901", "count 13812345678 done", "+1.5 +2.5", "+0800"),
    *("2026-10-02T09:30:00+08:00", "0192f0c1-0000-7000-8000-00000000da7a", "12:30:45", "20-26-10-02-09-30"),
    *("a@example.org", "b@lab.example", "icon@2x.png", "git@github.com", "user@localhost"),
    *("127.0.0.1", "240.0.0.1", "239.255.0.1", "192.0.2.4", "::1", "2001:db8::1", "std::vector<int>"),
    *("v1.2.3.4", "version 10.2.3.4", "1.2.3.4", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"),
    *("01.0f.aa.bb.cc.dd", "01:0f:aa:bb:cc:dd:ee:ff", "4111111111111111", "E12345678"),
    *("0.123456, 0.654321", "pos 22.5431234 114.0578612", f"{HOME}/ubuntu/x", f"/opt{HOME}/x", "京都ABC", "粤港澳"),
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
]
HOSTILE = [
    *(
        "a@",
        "1",
        "138-",
        "aa:",
        ":",
        "+12 34 ",
        "京A",
        "4111-",
        f"{HOME}/",
        "$GNGGA,",
        "1.2345 ",
        "a.",
        "9.",
        "-",
        "+1(22)",
    ),
    *("12.34567 ,,,,,,,", "a@a.a.", "C:\\Users\\", "passport E1", "fe80::"),
]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in FOUND.items() for text in texts])
def test_is_found_once_and_as_nothing_else(kind: str, text: str) -> None:
    assert find(text) == {kind: 1}
    assert find(f"x {text} y")[kind] == (0 if text == "13800138000" else 1), "bare digits need words before them"


@pytest.mark.parametrize("text", NOT_FOUND)
def test_what_only_looks_alike_is_not_found(text: str) -> None:
    assert not find(text)


@pytest.mark.parametrize("part", HOSTILE)
def test_hostile_text_takes_time_in_proportion(part: str) -> None:
    def seconds(letters: int) -> float:
        text = part * (letters // len(part))
        begin = time.process_time()
        find(text)
        return time.process_time() - begin

    find(part)
    assert seconds(400_000) < 30 * max(seconds(40_000), 1e-3), "a text ten times as long takes about ten times"


@given(st.integers(0, 10**17 - 1))
def test_one_check_digit_of_eleven_holds(number: int) -> None:
    text = f"{number:017d}"
    digits = [letter for letter in "0123456789X" if is_resident_id(text + letter)]
    assert len(digits) <= 1


def unit_counts(rows: list[Any]) -> dict[str, Any]:
    return {row["kind"]: row["count"] for row in rows if row["where"] == "unit"}


def test_a_document_is_searched_key_by_key_and_nothing_of_it_is_repeated() -> None:
    log = TextLog()
    document = {
        "incident_contact": "mailto:office@lab.cn",
        "notes": [{"x": "call 13800138000"}, "li@a.cn and li@b.cn"],
        "li@key.cn": {"inner": f"{HOME}/wang/x"},
        "place": {"latitude": 22.5, "longitude": 114.0},
        "start_ns": "13800138000",
    }
    log.add_document("governance.json", document)
    rows = log.rows("documents", None)
    found = {(row["pointer"], row["kind"]): (row["count"], row["contact"]) for row in rows if row["where"] != "unit"}
    assert found == {
        ("", "email"): (1, False),
        ("/incident_contact", "email"): (1, True),
        ("/notes/0/x", "phone"): (1, False),
        ("/notes/1", "email"): (2, False),
        ("/…/inner", "home_path"): (1, False),
        ("/place", "location"): (1, False),
    }
    assert unit_counts(rows) == dict.fromkeys(
        ["id_number", "licence_plate", "bank_card", "passport", "mac", "ip_address"], 0
    )
    written = json.dumps(rows)
    assert not any(word in written for word in ("13800138000", "@", "wang"))


def test_a_text_that_comes_again_is_counted_once() -> None:
    log = TextLog()
    for _ in range(3):
        log.add_messages("/log", "data", ("li@a.cn", "nothing"))
    log.add_messages("/other", "data", ("li@b.cn",))
    rows = [row for row in log.rows("recordings", "e") if row["where"] == "message"]
    assert [(row["stream"], row["field"], row["count"]) for row in rows] == [("/log", "data", 1), ("/other", "data", 1)]


def test_more_than_is_searched_is_never_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embodied_kit.measure.text.log.MAX_LETTERS", 100)
    log = TextLog()
    log.add(TextPlace("topic"), "x" * 101)
    assert set(unit_counts(log.rows("recordings", None)).values()) == {None}
    many = TextLog()
    for number in range(MAX_PLACES + 1):
        many.count(TextPlace("topic", stream=f"/{number}"), {"email": 1})
    assert unit_counts(many.rows("recordings", None))["phone"] is None


@pytest.mark.parametrize("name", ["good", "nan_force"])
def test_the_samples_hold_none(name: str) -> None:
    units = list(measure_path(SAMPLES / name / "dataset", depth="signal"))
    for unit in units:
        rows = unit.tables["text"]
        assert {row["where"] for row in rows} == {"unit"}
        assert {row["count"] for row in rows} == {0}


@pytest.mark.skipif(not BAGS.is_dir(), reason="the real bags are not beside the repository")
def test_nothing_is_found_in_real_bags_that_hold_none() -> None:
    searched = 0
    for path in sorted(BAGS.rglob("*.mcap")):
        for unit in measure_path(path, depth="signal"):
            assert {row["where"] for row in unit.tables["text"]} == {"unit"}, path
            searched += 1
    assert searched > 15


def test_every_text_of_a_recording_is_searched_and_none_is_repeated(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    words = b"tel 13800138000\0"
    sent = b"\0\1\0\0" + len(words).to_bytes(4, "little") + words
    with McapWriter(path) as writer:
        schema = writer.add_schema("std_msgs/msg/String", "ros2msg", b"string data\n")
        channel = writer.add_channel("/note", schema, metadata={"offered_qos_profiles": "", "by": "bo@a.cn"})
        for number in range(3):
            writer.write(channel, 10**18 + number, 10**18 + number, number, sent)
        writer.add_metadata("host", {"address": "192.168.1.20"})
        writer.attach("zhang@b.cn.txt", "text/plain", b"13900139000")
    (unit,) = measure_path(path, depth="signal")
    found = {
        (row["where"], row["stream"], row["field"], row["kind"]): row["count"]
        for row in unit.tables["text"]
        if row["where"] != "unit"
    }
    assert found == {
        ("message", "/note", "data", "phone"): 1,
        ("metadata", "/note", "by", "email"): 1,
        ("metadata", "", "address", "ip_address"): 1,
        ("attachment", "", "", "email"): 1,
    }
    lines = b"".join(facts_lines([unit]))
    for secret in (b"13800138000", b"bo@", b"192.168", b"13900139000"):
        assert secret not in lines


def test_text_files_of_a_dataset_are_searched(tmp_path: Path) -> None:
    root = write_dataset(tmp_path, ({"joint_states": streams()["joint_states"]}, Take()))
    (root / "README.md").write_text("made in the lab", encoding="utf-8")
    assert "1 passed, 0 failed" in run("validate", str(root), "--depth", "signal", "--select", "PR-09").out
    files = {
        "README.md": b"ask li.lei@pku.edu.cn",
        "notes/cars.TXT": "车牌 粤B12345".encode("gb18030"),
        "readme": "tel 13800138000".encode("utf-16"),
        f"episodes/{EPISODE_ID}/metadata.yaml": f"path: {HOME}/wang/x".encode(),
        f"episodes/{EPISODE_ID}/note.md": b"192.168.1.20",
        "other.csv": b"bo@a.cn",
    }
    for path, data in files.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(data)
    units = list(measure_path(root, depth="signal"))
    rows = [row for unit in units for row in unit.tables["text"] if row["where"] == "text_file"]
    *searched, other = files
    kinds = [("email", 1), ("licence_plate", 1), ("phone", 1), ("home_path", 1), ("ip_address", 1)]
    assert {row["path"]: (row["kind"], row["count"]) for row in rows} == dict(zip(searched, kinds, strict=True))
    seen = {row["path"]: (row["opened"], row["decoded"]) for unit in units for row in unit.tables["coverage"]}
    assert {seen[path] for path in searched} == {(True, True)}
    assert seen[other] == (False, False)
    assert not any(secret in b"".join(facts_lines(units)) for secret in (b"li.lei", b"13800138000", b"wang"))
    assert "FAIL  PR-09" in run("validate", str(root), "--depth", "signal", "--select", "PR-09").out
    (index,) = (unit for unit in measure_path(root, depth="index") if unit.scope == "dataset")
    assert {row["reason"] for row in index.tables["coverage"] if row["path"] == "README.md"} == {"needs depth signal"}


@pytest.mark.parametrize(
    ("name", "data", "reason", "known"),
    [
        ("README", b"x" * 40, "", True),
        ("README", b"x" * 41, "there is more text than is searched", False),
        ("a.txt", b"bo@b.cn " + b"x" * 40, "there is more text than is searched", False),
        ("a.txt", b"x\0", "the file is no text", False),
        ("README.png", b"x\0", "the file is no text", True),
    ],
)
def test_what_is_not_searched_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, data: bytes, reason: str, known: bool
) -> None:
    monkeypatch.setattr("embodied_kit.measure.text.files.MAX_FILE_BYTES", 40)
    (tmp_path / "dataset.json").write_bytes(b"{}")
    (tmp_path / name).write_bytes(data)
    (unit,) = measure_path(tmp_path, depth="signal")
    (row,) = (row for row in unit.tables["coverage"] if row["path"] == name)
    assert (row["opened"], row["decoded"], row["reason"]) == (True, not reason, reason)
    counts = unit_counts(unit.tables["text"])
    assert counts["passport"] == (0 if known else None)
    assert ("email" in counts) is (b"@" not in data), "what was found in the first part stands"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_text_is_read_in_its_encoding_also_where_it_is_cut(encoding: str) -> None:
    data = "车牌 粤B12345 号".encode(encoding)
    assert [decoded(data), decoded(data[:-1])] == ["车牌 粤B12345 号", "车牌 粤B12345 "]
    assert decoded(b"\xff\xff caf\xe9") == "\ufffd\ufffd caf\ufffd"
    assert decoded(b"a\0b") is None
