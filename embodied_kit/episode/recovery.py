"""Takes that a kill, a power cut or a failed disk left unfinished: finished, rewritten, or set aside with the reason.

Nothing is deleted: a damaged original is kept in `.embodied/damaged/`. Every step may be the last: a rename makes the
episode appear whole, and what a killed recovery left is taken up by the next. A take that somebody records is left
alone, which the lock on its journal tells.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from embodied_kit.canonical import parse_json, pretty_bytes
from embodied_kit.episode.bag_metadata import BagFile, episode_metadata
from embodied_kit.episode.content import BAG_FIELD, BAG_RECORD, Content, read_content
from embodied_kit.episode.dataset import Dataset
from embodied_kit.episode.journal import journal_path, read_journal, seize_journal
from embodied_kit.episode.layout import (
    BAG_METADATA,
    CAPTURE_JSON,
    CLOSING_JSON,
    EPISODE_JSON,
    EPISODES,
    JOURNALS,
    PARTIAL,
    PRIVATE,
    RECORDING,
    data_file,
    make_folders,
    sync_folder,
    write_whole,
    writing,
)
from embodied_kit.episode.rebuild import composed, read_whole
from embodied_kit.episode.reclosed import Loss, Said, loss_of, reclosed
from embodied_kit.episode.take import JSON_TYPE
from embodied_kit.episode.times import rfc3339
from embodied_kit.errors import EmbodiedKitError
from embodied_kit.mcap.recover import recover
from embodied_kit.mcap.writer import McapWriter
from embodied_kit.model.json import JsonObject

DAMAGED = f"{PRIVATE}/damaged"
_WORK = f"{PRIVATE}/recovering"
PATIENCE_S = 5.0  # a writer whose recorder was killed still empties its queue

Kind = Literal["finished", "recovered", "set_aside", "in_use", "failed"]
Reason = Literal["", "no_message", "no_capture", "import", "other_id", "no_data"]


@dataclass(frozen=True)
class Rescue:
    """What became of one unfinished take.

    Attributes:
        kind: `finished`: it was whole; `recovered`: rewritten; `set_aside`: no episode can be made of it; `in_use`:
            somebody records it; `failed`: see `error`.
        folder: The episode folder, where there is one now.
        original: Where the damaged original lies now, and `original_bytes` how big it is.
        messages_n: In the episode.
        loss: What is known to be lost; None where nothing was rewritten.
        reason: Why it was set aside.
    """

    episode_id: str
    kind: Kind
    folder: Path | None = None
    original: Path | None = None
    original_bytes: int = 0
    messages_n: int = 0
    loss: Loss | None = None
    reason: Reason = ""
    error: EmbodiedKitError | None = None


def recover_takes(dataset: Dataset, now_ns: int, patience_s: float = PATIENCE_S) -> Sequence[Rescue]:
    """Bring back every take that was left unfinished, and the totals of the dataset up to date.

    Args:
        dataset: Where to look.
        now_ns: ns since the Unix epoch.
        patience_s: How long to wait for a take that is still in use, in all.

    Returns:
        One record a take, in order of time.

    Raises:
        UsageError: There are some, and the dataset is sealed.
        EnvironmentUnfitError: dataset.json cannot be written.
    """
    root = dataset.root
    staged = _folders(root / RECORDING)
    if not staged and not _folders(root / JOURNALS, files=True) and _counted(dataset):
        return ()
    dataset.require_open()
    found: list[Rescue] = []
    for folder in staged:
        rescue = _seized(root, folder, now_ns, 0.0 if any(one.kind == "in_use" for one in found) else patience_s)
        found.append(rescue)
    if not _counted(dataset) or any(rescue.folder for rescue in found):
        dataset.refresh(now_ns)
    for journal in _folders(root / JOURNALS, files=True):
        _drop_journal(root, journal)
    return tuple(found)


def _counted(dataset: Dataset) -> bool:
    """Whether dataset.json knows of every episode."""
    totals = dataset.document().get("totals")
    known = totals.get("episodes") if isinstance(totals, dict) else 0
    return known == len(dataset.episode_ids())


def _folders(folder: Path, *, files: bool = False) -> list[Path]:
    """Folders, or journals, in a folder of ours, in order of time."""
    if not folder.is_dir():
        return []
    children = [child for child in sorted(folder.iterdir()) if not child.is_symlink()]
    return [child for child in children if (child.suffix == ".jsonl" if files else child.is_dir())]


def _drop_journal(root: Path, journal: Path) -> None:
    """Remove a journal whose take lies nowhere any more, or among the episodes."""
    if (root / RECORDING / journal.stem).exists():
        return
    lock = seize_journal(journal, 0.0)
    if lock is not None:
        with writing(journal):
            journal.unlink(missing_ok=True)
        lock.release()


def _seized(root: Path, folder: Path, now_ns: int, patience_s: float) -> Rescue:
    """Rescue one take, unless somebody uses it."""
    journal = journal_path(root, folder.name)
    lock = seize_journal(journal, patience_s)
    if not folder.exists():  # it was finished while we waited
        return Rescue(folder.name, "in_use")
    if lock is None and journal.exists():
        return Rescue(folder.name, "in_use")
    try:
        with writing(folder):
            return _Take(root, folder, now_ns).rescue()
    except EmbodiedKitError as error:
        return Rescue(folder.name, "failed", error=error)
    finally:
        if lock is not None:
            lock.release()


@dataclass(frozen=True)
class _Take:
    """One unfinished take, which nobody uses.

    Attributes:
        folder: Where it lies in `.embodied/recording/`.
    """

    root: Path
    folder: Path
    now_ns: int

    @property
    def episode_id(self) -> str:
        return self.folder.name

    @property
    def target(self) -> Path:
        return self.root / EPISODES / self.episode_id

    @property
    def work(self) -> Path:
        return self.root / _WORK / self.episode_id

    def rescue(self) -> Rescue:
        """Do whatever its files allow."""
        if self.target.exists():  # a former recovery was killed before it put the original aside
            return self._put_aside(Rescue(self.episode_id, "recovered", self.target, messages_n=self._told_messages()))
        said = Said.of(read_journal(journal_path(self.root, self.episode_id)))
        parts = [read_content(path) for path in _data_files(self.folder)]
        reason = self._why_not(parts)
        if reason:
            return self._put_aside(Rescue(self.episode_id, "set_aside", reason=reason))
        if _is_whole(parts):
            return self._finish(parts)
        held = [part for part in parts if part.messages_n]
        if not held:
            return self._put_aside(Rescue(self.episode_id, "set_aside", reason="no_message"))
        return self._rewrite(parts, held, said)

    def _told_messages(self) -> int:
        streams = parse_json((self.target / EPISODE_JSON).read_bytes()).value or {}
        entries = streams.get("streams")
        objects = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
        return sum(int(str(entry["messages_n"])) for entry in objects)

    def _why_not(self, parts: Sequence[Content]) -> Reason:
        """Why no episode can be made of it, if so."""
        if not parts:
            return "no_data"
        captures = [part.documents[CAPTURE_JSON] for part in parts[:1] if CAPTURE_JSON in part.documents]
        capture = parse_json(captures[0]).value if captures else None
        if capture is None:
            return "no_message" if not any(part.messages_n for part in parts) else "no_capture"
        if capture.get("episode_id") != self.episode_id:
            return "other_id"
        return "import" if "imported_from" in capture and not _is_whole(parts) else ""

    def _finish(self, parts: Sequence[Content]) -> Rescue:
        """What the recorder would have done next."""
        whole = []
        for index, part in enumerate(parts):
            path = self.folder / data_file(index)
            if part.path != path:
                part.path.rename(path)
                sync_folder(self.folder)
            whole.append(replace(part, path=path))
        metadata = whole[-1].bag_metadata.encode()
        write_whole(self.folder / BAG_METADATA, metadata)
        write_whole(self.folder / EPISODE_JSON, pretty_bytes(composed(whole, metadata)))
        wanted = {BAG_METADATA, EPISODE_JSON, *(part.path.name for part in whole)}
        for stranger in [child for child in self.folder.iterdir() if child.name not in wanted]:
            self._move(stranger, _free(self.root / DAMAGED, f"{self.episode_id}.{stranger.name}"))
        self._move(self.folder, self.target)
        return Rescue(self.episode_id, "finished", self.target, messages_n=sum(part.messages_n for part in whole))

    def _rewrite(self, parts: Sequence[Content], held: Sequence[Content], said: Said) -> Rescue:
        """An episode of what can be read, made beside and put in place at once."""
        capture = parse_json(held[0].documents.get(CAPTURE_JSON, b"")).value
        if capture is None:
            return self._put_aside(Rescue(self.episode_id, "set_aside", reason="no_capture"))
        loss = loss_of(parts, said)
        closing = pretty_bytes(reclosed(self.episode_id, capture, held, said))
        if self.work.exists():
            shutil.rmtree(self.work)  # half of what is made anew now
        make_folders(self.work)
        for part in held[:-1]:
            self._take_over(part)
        metadata = _metadata(self.episode_id, held)
        self._end_with(held[-1], closing, metadata)
        files = [read_whole(self.work / _whole_name(part.path)) for part in held]
        write_whole(self.work / BAG_METADATA, metadata.encode())
        write_whole(self.work / EPISODE_JSON, pretty_bytes(composed(files, metadata.encode(), "recovered")))
        self._move(self.work, self.target)
        messages_n = sum(part.messages_n for part in files)
        return self._put_aside(Rescue(self.episode_id, "recovered", self.target, messages_n=messages_n, loss=loss))

    def _take_over(self, part: Content) -> None:
        """A file that others follow: itself where it is whole."""
        path = self.work / _whole_name(part.path)
        if not part.info.sound:
            recover(part.path, path, leave_out=(CLOSING_JSON, BAG_RECORD))
            return
        try:
            os.link(part.path, path)
        except OSError:  # a file system without hard links
            with part.path.open("rb") as file:
                write_whole(path, iter(lambda: file.read(1 << 20), b""))
        sync_folder(path.parent)

    def _end_with(self, part: Content, closing: bytes, metadata: str) -> None:
        """The last file, with what every take ends with."""
        span = part.log_span
        time_ns = span[1] if span else 0

        def last_words(writer: McapWriter) -> None:
            writer.attach(CLOSING_JSON, JSON_TYPE, closing, log_time=time_ns, create_time=time_ns)
            writer.add_metadata(BAG_RECORD, {BAG_FIELD: metadata})

        path = self.work / _whole_name(part.path)
        recover(part.path, path, leave_out=(CLOSING_JSON, BAG_RECORD), last_words=last_words)

    def _put_aside(self, rescue: Rescue) -> Rescue:
        """Keep the original, with a note beside it."""
        original = _free(self.root / DAMAGED, self.episode_id)
        size = sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())
        loss = rescue.loss
        note: JsonObject = {
            "episode_id": self.episode_id,
            "set_aside_at": rfc3339(self.now_ns),
            "reason": rescue.reason or "recovered",
            "bytes": size,
            "loss": {} if loss is None else dict(vars(loss)),
            "journal": list(read_journal(journal_path(self.root, self.episode_id))),
        }
        _have(original.parent)
        write_whole(original.with_name(original.name + ".json"), pretty_bytes(note))
        self._move(self.folder, original)
        return replace(rescue, original=original, original_bytes=size)

    def _move(self, source: Path, target: Path) -> None:
        _have(target.parent)
        source.rename(target)
        sync_folder(target.parent)
        sync_folder(source.parent)


def _data_files(folder: Path) -> list[Path]:
    """Data files of a take, whole or not, in order."""
    names = [path for path in folder.glob("data_*.mcap*") if path.is_file() and not path.is_symlink()]
    return sorted(path for path in names if path.name in {_whole_name(path), _whole_name(path) + PARTIAL})


def _whole_name(path: Path) -> str:
    return path.name.removesuffix(PARTIAL)


def _is_whole(parts: Sequence[Content]) -> bool:
    """Whether every file is whole, and the last one says how the take ended."""
    expected = [data_file(index) for index in range(len(parts))]
    ended = CLOSING_JSON in parts[-1].documents and parts[-1].bag_metadata
    return bool(ended) and [_whole_name(part.path) for part in parts] == expected and all(p.info.sound for p in parts)


def _metadata(episode_id: str, parts: Sequence[Content]) -> str:
    """metadata.yaml over files that nobody ended."""
    files = []
    for part in parts:
        first_ns, last_ns = part.log_span or (0, 0)
        files.append(BagFile(_whole_name(part.path), first_ns, last_ns, part.messages_n))
    counts = [(count.channel, count.messages_n) for part in parts for count in part.channels]
    return episode_metadata(episode_id, files, counts)


def _have(folder: Path) -> None:
    """A folder of ours, durable before anything moves there."""
    if not folder.exists():
        make_folders(folder)


def _free(folder: Path, name: str) -> Path:
    """A name in a folder that nothing has yet."""
    number, path = 1, folder / name
    while path.exists():
        number += 1
        path = folder / f"{name}.{number}"
    return path
