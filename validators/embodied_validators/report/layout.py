"""Lines for a terminal: styled pieces that flow to a width, wide CJK characters counted as two columns."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

_NEVER_FIRST = frozenset(" ，。、；：？！）》」』…")


@dataclass(frozen=True)
class Piece:
    """A run of text that is not broken unless it alone is too wide.

    Attributes:
        style: A rich style, e.g. `bold red`; empty for none.
        column: Columns that it fills at least, so that lines below one another align.
    """

    text: str
    style: str = ""
    column: int = 0

    @property
    def width(self) -> int:
        """Columns that it takes."""
        return max(cell_len(self.text), self.column)


Line = list[Piece]


def flow(pieces: Sequence[Piece], width: int, indent: int, gap: int = 2) -> list[Line]:
    """Place pieces side by side, `gap` columns apart; those that do not fit start a new indented line.

    Args:
        pieces: What to place, in order.
        width: Columns of the terminal.
        indent: Columns before a continuation line, and before the parts of a piece that is too wide.
        gap: Columns between two pieces.
    """
    lines: list[Line] = [[]]
    used = 0
    for piece in pieces:
        needed = cell_len(piece.text) + (gap if lines[-1] else 0)
        if lines[-1] and used + needed > width:
            lines.append([Piece(" " * indent)])
            used, needed = indent, cell_len(piece.text)
        elif lines[-1]:
            lines[-1].append(Piece(" " * gap))
        if used + needed <= width:
            lines[-1].append(piece)
            used += piece.width + needed - cell_len(piece.text)
            continue
        for index, part in enumerate(_break(piece.text, width - used, width - indent)):
            if index:
                lines.append([Piece(" " * indent)])
                used = indent
            lines[-1].append(Piece(part, piece.style))
            used += cell_len(part)
    return lines


def _break(text: str, first: int, rest: int) -> Iterable[str]:
    """Cut text at spaces, or between CJK characters, to the columns that there are."""
    room, line = max(first, 1), ""
    for word in _words(text):
        if cell_len(line) + cell_len(word.rstrip()) > room and line:
            yield line.rstrip()
            room, line = max(rest, 1), ""
        while cell_len(word) > room + 1:
            head = _fitting(word, room)
            yield head
            word, room = word[len(head) :], max(rest, 1)  # noqa: PLW2901 - the rest of a word too long for any line
        line += word
    if line:
        yield line.rstrip()


def _words(text: str) -> Iterable[str]:
    """Pieces between which a line may break: after a space or a wide character, never before closing punctuation."""
    word = ""
    for char in text:
        if word and char not in _NEVER_FIRST and (word[-1] == " " or cell_len(word[-1]) > 1):
            yield word
            word = ""
        word += char
    if word:
        yield word


def _fitting(word: str, room: int) -> str:
    length = next((size for size in range(len(word), 0, -1) if cell_len(word[:size]) <= room), 1)
    return word[:length]


def paint(lines: Iterable[Line], *, colour: bool) -> str:
    """The lines as one text, each ended by a newline; with ANSI styles where colour is wanted."""
    if not colour:
        return "".join(_plain(line) + "\n" for line in lines)
    from rich.console import Console  # noqa: PLC0415 - only a colour terminal pays for it
    from rich.text import Text  # noqa: PLC0415 - the same

    target = io.StringIO()
    console = Console(file=target, force_terminal=True, color_system="standard", no_color=False, highlight=False)
    for line in lines:
        text = Text(no_wrap=True, overflow="ignore")
        for piece in line:
            text.append(piece.text, style=piece.style)
            text.append(" " * (piece.width - cell_len(piece.text)))
        text.rstrip()
        console.print(text, soft_wrap=True)
    return target.getvalue()


def _plain(line: Line) -> str:
    return "".join(piece.text + " " * (piece.width - cell_len(piece.text)) for piece in line).rstrip()
