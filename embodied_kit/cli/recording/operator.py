"""The recorder from a terminal: keys become commands, what ends is labelled, and takes that nobody starts begin."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from embodied_kit.cli.failure import failure_of, tell
from embodied_kit.cli.pseudonyms import pseudonym
from embodied_kit.cli.recording.keyboard import END, ENTER, Keyboard
from embodied_kit.cli.recording.liveline import Screen, live_line
from embodied_kit.cli.recording.questions import DISCARD, Questions
from embodied_kit.cli.recording.takelog import TakeLog
from embodied_kit.cli.texts import Texts
from embodied_kit.errors import EnvironmentUnfitError
from embodied_kit.model.ending import UNDONE

if TYPE_CHECKING:
    from embodied_recorders.loop.control import Command, Reply, Snapshot
    from embodied_recorders.loop.controller import Controller
    from embodied_recorders.loop.stop import StopSwitch
    from embodied_recorders.take.documents import TakeResult

_LOOK_S = 0.05
_LINE_PERIOD_S = 1.0
_NEXT_TRY_S = 10.0
_LONGEST_SILENCE_S = 30.0
_LONGEST_JUDGEMENT_S = 120.0
_OF_A_TAKE = frozenset("sfpnmi")
_OUTCOME_KEYS = {"s": "success", "f": "failure", "p": "partial"}


@dataclass(frozen=True)
class Plan:
    """How a session is to go.

    Attributes:
        episodes: Takes to save; None goes on until somebody ends it.
        begins: Takes begin by themselves, as soon as every stream is there.
        attended: Somebody can start, stop and label takes: at the terminal, or elsewhere.
        outcome, cause: Of every take; None and empty where they are to be asked for.
        judged: A judge says verdicts, and the end waits for them.
    """

    episodes: int | None
    begins: bool
    attended: bool
    outcome: str | None = None
    cause: str = ""
    judged: bool = True

    def result(self, outcome: str | None) -> TakeResult:
        """What is said of a take; unknown where nobody says anything."""
        from embodied_recorders.take.documents import TakeResult  # noqa: PLC0415  # arrows

        cause = self.cause if outcome in UNDONE else ""
        return TakeResult(outcome or "unknown", cause, "operator" if outcome else "")


class Operator:
    """Runs a session in the main thread, while the controller works in its own.

    Args:
        controller: What it commands and watches.
        plan: How the session is to go.
        switch: Signals.
        keys: Where somebody types; None for nobody.
        texts: Language.
    """

    def __init__(
        self, controller: Controller, plan: Plan, switch: StopSwitch, keys: Keyboard | None, texts: Texts
    ) -> None:
        self._controller = controller
        self._plan = plan
        self._switch = switch
        self._keys = keys
        self._texts = texts
        self._screen = Screen()
        self.log = TakeLog(self._screen, texts)
        self._outcome: str | None = None
        self._asked = False
        self._quits = self._goes_on = False
        self._invited_for = (-1, -1)
        self._next_start_s = 0.0
        self._line_state = "idle"
        self._idle_since_s = self._ended_s = time.monotonic()
        self._next_line_s = self._ended_s + _LINE_PERIOD_S

    def run(self) -> None:
        """Until the session is over; a take that runs then is saved.

        Raises:
            EnvironmentUnfitError: A take could not be saved and nobody is there to mend it, or streams are silent.
        """
        from embodied_recorders.loop.control import Shutdown  # noqa: PLC0415  # arrows

        while not self._is_over(self._look()):
            shown = self._controller.snapshot()
            if shown.asks_label and self._keys is not None:
                self._label(self._keys)
            elif shown.state == "armed" and self._begins():
                self._start()
            else:
                self._wait(shown)
        self._controller.unasked = self._controller.unasked or self._plan.result(self._outcome or self._plan.outcome)
        self._controller.ask(Shutdown(self._switch.reason or "operator"))
        self._look()
        self._screen.clear()
        self._raise_what_nobody_mends()

    def _look(self) -> Snapshot:
        """The newest snapshot, what is new in it told."""
        shown, now_s = self._controller.snapshot(), time.monotonic()
        ended_n = self.log.ended_n
        self.log.see(shown)
        if self.log.ended_n > ended_n:
            self._ended_s = now_s
            self._tell_failure(shown)
        if now_s >= self._next_line_s or shown.state != self._line_state:
            self._next_line_s, self._line_state = now_s + _LINE_PERIOD_S, shown.state
            self._screen.show(live_line(shown, self._texts))
        if shown.state != "idle":
            self._idle_since_s = now_s
        return shown

    def _is_over(self, shown: Snapshot) -> bool:
        if self._switch.reason or shown.state == "closed":
            return True
        if not self._plan.attended and self._controller.failure is not None:
            return True
        if shown.state in {"recording", "closing"}:
            waits_for_disk = shown.state == "closing" and not shown.asks_label and self._controller.failure is not None
            return self._quits and waits_for_disk
        return self._quits or (self._is_done() and not self._awaits_verdict())

    def _is_done(self) -> bool:
        return self._plan.episodes is not None and self.log.count("saved") >= self._plan.episodes

    def _awaits_verdict(self) -> bool:
        patient = time.monotonic() < self._ended_s + _LONGEST_JUDGEMENT_S
        return self._plan.judged and self.log.unjudged_n > 0 and patient

    def _begins(self) -> bool:
        wanted = (self._plan.begins or self._goes_on) and not self._is_done() and not self._quits
        return wanted and time.monotonic() >= self._next_start_s

    def _wait(self, shown: Snapshot) -> None:
        if not self._plan.attended and time.monotonic() > self._idle_since_s + _LONGEST_SILENCE_S:
            raise EnvironmentUnfitError(
                f"expected every required stream to send, got silence for {_LONGEST_SILENCE_S:.0f} s",
                remedy="embodied-kit contract check CONTRACT",
            )
        if self._keys is None:
            time.sleep(_LOOK_S)
            return
        self._invite(shown)
        self._press(self._keys.key(_LOOK_S), shown)

    def _invite(self, shown: Snapshot) -> None:
        """Say how to begin a take, or what is waited for: once for each, and again where one was discarded since."""
        standing = (self.log.ended_n, self.log.count("saved"))
        if shown.state != "armed" or self._invited_for == standing:
            return
        self._invited_for = standing
        if self._is_done():
            self._screen.say(
                self._texts("Judging; d discards the last take, Enter ends.", "校验中；d 隔离末次采集，回车结束。")
            )
            return
        number, saved = self.log.ended_n + 1, f"{self.log.count('saved')}"
        if self._plan.episodes is not None:
            saved = self._texts(f"{saved} of {self._plan.episodes}", f"{saved}/{self._plan.episodes}")
        self._screen.say(
            self._texts(
                f"Take {number} ({saved} saved): Enter starts. (? shows the keys)",
                f"第 {number} 次（已保存 {saved}）：回车开始。（? 显示按键）",
            )
        )

    # Keys.

    def _press(self, key: str, shown: Snapshot) -> None:
        key = key.lower()
        if key in {ENTER, " "}:
            self._start_or_stop(shown)
        elif (key in _OUTCOME_KEYS or key == "n") and shown.state == "recording":
            self._stop(_OUTCOME_KEYS.get(key), goes_on=key == "n")
        elif key == "d":
            self._discard(shown)
        elif key == "u":
            self._undo()
        elif key in {"m", "i"} and shown.state == "recording":
            self._note(key, shown)
        elif key in {"q", END}:
            self._quits = True
            if shown.state == "recording":
                self._stop(None)
        elif key == "?":
            self._screen.say(self._help())
        elif key in _OF_A_TAKE:
            self._screen.say(self._texts("no take runs: Enter starts one", "当前没有采集：回车开始"))

    def _help(self) -> str:
        return self._texts(
            "Enter or space: start, stop    s success, f failure, p partial: stop and say so    n: stop and go on\n"
            "d: discard, with a reason      u: bring back what was discarded                     m: mark this moment\n"
            "i: intervention on or off      q: end (Ctrl-C at once)                              ?: these keys",
            "回车或空格：开始、停止    s 成功，f 失败，p 部分成功：停止并记录结果    n：停止并接着采集下一次\n"
            "d：隔离（须填原因）       u：恢复已隔离的采集                           m：标记此刻\n"
            "i：人工介入开始或结束     q：结束（Ctrl-C 立即结束）                    ?：显示按键",
        )

    def _start_or_stop(self, shown: Snapshot) -> None:
        if shown.state == "recording":
            self._stop(None)
        elif self._is_done():
            self._quits = True
        else:
            self._start()

    def _start(self) -> None:
        from embodied_recorders.loop.control import Start  # noqa: PLC0415  # arrows

        self._outcome, self._goes_on = None, False
        if not self._ask(Start()).done:
            self._next_start_s = time.monotonic() + _NEXT_TRY_S

    def _stop(self, outcome: str | None, *, goes_on: bool = False) -> None:
        from embodied_recorders.loop.control import Stop  # noqa: PLC0415  # arrows

        if self._ask(Stop()).done:
            self._outcome, self._goes_on = outcome, goes_on

    def _undo(self) -> None:
        """Bring back what was discarded last in this session; what other sessions discarded is not ours."""
        from embodied_recorders.loop.control import Undo  # noqa: PLC0415  # arrows

        if self.log.count("discarded"):
            self._ask(Undo())
        else:
            self._screen.say(self._texts("nothing was discarded in this session", "本次会话中没有隔离过采集"))

    def _note(self, key: str, shown: Snapshot) -> None:
        from embodied_recorders.loop.control import Intervene, Mark  # noqa: PLC0415  # arrows

        commands: dict[str, Command] = {"m": Mark("mark"), "i": Intervene(on=not shown.intervening)}
        if not self._ask(commands[key]).done or shown.take is None:
            return
        at_s = f"{shown.take.elapsed_s:.1f}"
        said = {
            "m": self._texts(f"marked at {at_s} s", f"已标记：{at_s} 秒"),
            "i": self._texts(
                f"intervention {'ends' if shown.intervening else 'begins'} at {at_s} s",
                f"人工介入{'结束' if shown.intervening else '开始'}：{at_s} 秒",
            ),
        }
        self._screen.say(said[key])

    def _discard(self, shown: Snapshot) -> None:
        """Into quarantine: the take that runs, which ends now, else the last one that was saved."""
        from embodied_recorders.loop.control import Discard  # noqa: PLC0415  # arrows

        if shown.state == "recording":
            self._stop(None)
            what = self._texts("this take", "本次采集")
        elif shown.take is not None:
            what = self._texts("this take", "本次采集")
        else:
            what = self.log.last_saved
        reason = ""
        if what and self._keys is not None:
            reason = self._questions(self._keys).line(
                self._texts(f"Why discard {what}? [Enter: keep it] ", f"隔离{what}的原因？[回车：保留] ")
            )
        if reason or not what:
            self._ask(Discard(reason))

    # The end of a take.

    def _label(self, keys: Keyboard) -> None:
        """Ask for what was not given, and say it; what somebody says elsewhere meanwhile stands."""
        from embodied_recorders.loop.control import Label  # noqa: PLC0415  # arrows

        questions = self._questions(keys, label=True)
        outcome = self._outcome or self._plan.outcome or questions.outcome()
        if outcome == DISCARD:
            self._discard(self._controller.snapshot())
            return
        result = self._plan.result(outcome)
        if outcome in UNDONE and not result.failure_cause:
            result = replace(result, failure_cause=questions.cause())
        self._ask_once(questions)
        if self._controller.snapshot().asks_label and not self._switch.reason:
            self._ask(Label(result))

    def _ask_once(self, questions: Questions) -> None:
        """Operator and scene, at the first take of the session, unless they were given or somebody said them."""
        from embodied_recorders.loop.control import Describe  # noqa: PLC0415  # arrows

        if self._asked:
            return
        known = self._controller.snapshot().described
        name = "" if known.operator_pseudonym else questions.operator()
        scene = {} if known.scene else questions.scene()
        if name or scene:
            self._ask(Describe(operator_pseudonym=pseudonym("op", name), scene=scene))
        self._asked = True

    def _questions(self, keys: Keyboard, *, label: bool = False) -> Questions:
        def is_wanted() -> bool:
            return not self._switch.reason and (not label or self._controller.snapshot().asks_label)

        return Questions(keys, self._screen, self._texts, is_wanted)

    # What is told.

    def _ask(self, command: Command) -> Reply:
        """Have it done; where it was not, say why."""
        reply = self._controller.ask(command)
        if not reply.done and self._plan.attended:
            self._screen.say(self._texts.of(reply.text))
            for problem in self._controller.snapshot().problems:
                self._screen.say(f"  {self._texts.of(problem)}")
        return reply

    def _tell_failure(self, shown: Snapshot) -> None:
        failure = self._controller.failure
        if self._plan.attended and failure is not None and shown.takes[-1].state == "failed":
            self._screen.clear()
            tell(failure_of(failure, self._texts), self._texts)

    def _raise_what_nobody_mends(self) -> None:
        if not self._plan.attended and self._controller.failure is not None:
            raise self._controller.failure
