"""What becomes of the takes of a session, told once each, and counted at the end."""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from embodied_kit.cli.recording.liveline import Screen
from embodied_kit.cli.recording.verdictlines import verdict_lines
from embodied_kit.cli.texts import Texts

if TYPE_CHECKING:
    from embodied_recorders.loop.beside import Verdict
    from embodied_recorders.loop.control import Snapshot, TakeEnd, TakeState

_KEPT = frozenset({"saved", "recovered"})
_LASTING_S = 2.0  # what is amiss for less is not told: streams begin and stop


class TakeLog:
    """Prints a line where a take ends, is discarded or comes back, its verdicts, and what is amiss.

    Args:
        screen: Where to.
        texts: Language.
    """

    def __init__(self, screen: Screen, texts: Texts) -> None:
        self._screen = screen
        self._texts = texts
        self._takes: dict[str, TakeState] = {}
        self._still_s: dict[str, float] = {}
        self._untold: Mapping[str, str] = {}
        self._amiss: dict[str, float] = {}

    def see(self, shown: Snapshot) -> None:
        """Tell what is new in a snapshot."""
        for take in filter(None, (shown.take, *shown.takes)):
            self._tell_standstill(take)
        for take in shown.takes:
            before = self._takes.get(take.episode_id)
            self._takes[take.episode_id] = take
            if before is None or (before.state, before.problem) != (take.state, take.problem):
                self._tell_take(take, is_news=before is not None)
            is_new = before is None or before.verdict != take.verdict
            if take.verdict is not None and is_new and take.state in _KEPT:
                self._tell_verdict(take, take.verdict, before.verdict if before else None)
        self._tell_problems([self._texts.of(problem) for problem in shown.problems])

    def count(self, state: TakeEnd) -> int:
        """Takes that are now in a state."""
        return Counter(take.state for take in self._takes.values())[state]

    @property
    def ended_n(self) -> int:
        """Takes that have ended, whatever became of them."""
        return len(self._takes)

    @property
    def last_saved(self) -> str:
        """`Take 2`, the last one that is saved; empty for none."""
        saved = [take for take in self._takes.values() if take.state == "saved"]
        return self._name(saved[-1]) if saved else ""

    @property
    def unjudged_n(self) -> int:
        """Saved takes whose whole verdict has not come."""
        return sum(
            take.state == "saved" and (take.verdict is None or not (take.verdict.whole or take.verdict.problem))
            for take in self._takes.values()
        )

    def last_lines(self, dataset: Path) -> list[str]:
        """How many takes came to what, where they are, and what to type next."""
        saved, discarded, failed = (self.count(state) for state in ("saved", "discarded", "failed"))
        came_back = self.count("recovered")
        folder = shlex.quote(str(dataset))
        lines = [
            self._texts(
                f"{saved} saved, {discarded} discarded, {failed} failed"
                + (f", {came_back} recovered" if came_back else "")
                + f"; in {dataset}",
                f"已保存 {saved}，已隔离 {discarded}，失败 {failed}"
                + (f"，已恢复 {came_back}" if came_back else "")
                + f"；位于 {dataset}",
            )
        ]
        if unlabelled := sum(take.state in _KEPT and take.outcome == "unknown" for take in self._takes.values()):
            lines.append(
                self._texts(
                    f"without an outcome, so below L2: {unlabelled}; give --outcome (embodied-kit rules explain SM-05)",
                    f"没有结果、达不到 L2 的有 {unlabelled} 次；请给出 --outcome（embodied-kit rules explain SM-05）",
                )
            )
        following = ""
        if failed:
            following = f"embodied-kit recover {folder}"
        elif saved or came_back:
            following = f"embodied-kit validate {folder}"
        elif discarded:
            following = f"embodied-kit dataset restore {folder}"
        return [*lines, self._texts("Next: ", "下一步：") + following] if following else lines

    def _name(self, take: TakeState) -> str:
        number = list(self._takes).index(take.episode_id) + 1
        return self._texts(f"Take {number}", f"第 {number} 次")

    def _tell_take(self, take: TakeState, *, is_news: bool) -> None:
        name, texts = self._name(take), self._texts
        if take.state == "discarded":
            text = texts(f"{name}: discarded: {take.reason}", f"{name}：已隔离：{take.reason}")
        elif is_news and take.state == "saved":
            text = texts(f"{name}: brought back", f"{name}：已恢复")
        elif is_news and take.problem:
            text = texts(f"{name}: ", f"{name}：") + texts.of(take.problem)
        else:
            numbers = texts(
                f"{take.elapsed_s:.2f} s  {take.messages_n} messages",
                f"{take.elapsed_s:.2f} 秒  {take.messages_n} 条消息",
            )
            end = texts("NOT SAVED", "未保存") if take.state == "failed" else self._ending(take)
            text = texts(f"{name}: ", f"{name}：") + f"{take.episode_id}  {numbers}  {end}"
        self._screen.say(text)

    def _ending(self, take: TakeState) -> str:
        from embodied_kit.spec import standard  # noqa: PLC0415  # heavy

        label = self._texts.of(standard().vocabulary("outcome").label(take.outcome))
        reason = self._texts.of(standard().vocabulary("stop_reason").label(take.reason))
        return self._texts(f"{take.outcome}  ({take.reason})", f"{label}  （{reason}）")

    def _tell_verdict(self, take: TakeState, verdict: Verdict, before: Verdict | None) -> None:
        if verdict.problem and self._untold == verdict.problem:
            return  # of the judge, not of the take
        self._untold = verdict.problem
        told = [line.rule for line in before.failed] if before is not None else []
        if before is None and not verdict.whole and not verdict.failed:
            return  # the documents are in order, and nothing else was looked at
        for line in verdict_lines(self._name(take), verdict, self._texts, told=told):
            self._screen.say(line)

    def _tell_standstill(self, take: TakeState) -> None:
        """Once for each: after Ctrl-Z and `fg`, or where the machine was held up."""
        new_s = take.stood_still_s - self._still_s.get(take.episode_id, 0.0)
        if new_s > 0:
            self._still_s[take.episode_id] = take.stood_still_s
            self._screen.say(
                self._texts(
                    f"stood still for {new_s:.1f} s: what came meanwhile may be lost, and the take says so",
                    f"停顿了 {new_s:.1f} 秒：其间的消息可能丢失，片段中已注明",
                )
            )

    def _tell_problems(self, problems: list[str]) -> None:
        """Tell once what is amiss for a while, and again when it comes back."""
        now_s = time.monotonic()
        since = {text: self._amiss.get(text, now_s) for text in problems}
        for text, begun_s in since.items():
            if begun_s != float("-inf") and now_s - begun_s >= _LASTING_S:
                self._screen.say(self._texts(f"amiss: {text}", f"异常：{text}"))
                since[text] = float("-inf")
        self._amiss = since
