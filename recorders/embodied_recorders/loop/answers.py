"""What a recorder answers to commands, in both languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from embodied_kit.errors import EmbodiedKitError
from embodied_kit.language import Texts
from embodied_recorders.loop.control import Reply, State

STARTED: Final[Texts] = {"en": "recording", "zh": "开始采集"}
STOPPED: Final[Texts] = {"en": "stopped", "zh": "已停止"}
LABELLED: Final[Texts] = {"en": "labelled", "zh": "已标注"}
DISCARDED: Final[Texts] = {"en": "discarded; undo brings it back", "zh": "已隔离；可撤销"}
RESTORED: Final[Texts] = {"en": "brought back", "zh": "已恢复"}
MARKED: Final[Texts] = {"en": "marked", "zh": "已标记"}
INTERVENTION: Final[Mapping[bool, Texts]] = {
    True: {"en": "intervention begins", "zh": "人工干预开始"},
    False: {"en": "intervention ends", "zh": "人工干预结束"},
}
DESCRIBED: Final[Texts] = {"en": "noted", "zh": "已记录"}
ENDED: Final[Texts] = {"en": "the session has ended", "zh": "会话已结束"}
LATE: Final[Texts] = {
    "en": "no answer in {seconds} s: it may be carried out later, look at the state",
    "zh": "{seconds} 秒内没有应答：稍后可能仍会执行，请查看状态",
}
NO_TAKE: Final[Texts] = {"en": "there is no take to discard", "zh": "没有可隔离的采集"}
SILENT_DISK: Final[Texts] = {
    "en": "the disk does not answer: see to its cable or network",
    "zh": "磁盘没有响应：请检查其线缆或网络",
}
_NOT_NOW: Final[Texts] = {"en": "not now: the recorder is {state}", "zh": "现在不行：采集器{state}"}
_STATES_ZH: Final[Mapping[State, str]] = {
    "idle": "未就绪（idle）",
    "armed": "已就绪（armed）",
    "recording": "正在采集（recording）",
    "closing": "正在保存（closing）",
    "closed": "已结束（closed）",
}


def late(seconds: float) -> Reply:
    """A command that waits for its turn still."""
    return Reply(done=False, text={language: text.format(seconds=round(seconds)) for language, text in LATE.items()})


def told(error: EmbodiedKitError, chinese: Callable[[str], str]) -> Texts:
    """An error and what remedies it, in both languages."""
    parts = [part for part in (error.message, error.remedy) if part]
    return {"en": "; ".join(parts), "zh": "；".join(map(chinese, parts))}


def not_now(state: State) -> Reply:
    """A command that the state does not allow."""
    words = {"en": state, "zh": _STATES_ZH[state]}
    return Reply(done=False, text={language: text.format(state=words[language]) for language, text in _NOT_NOW.items()})
