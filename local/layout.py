"""What a terminal gets to show.

Tables fit it: less important columns leave a narrow one, and names are folded between their parts."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Column as TableColumn
from rich.table import Table
from rich.text import Text

Cell = str | int | Text

_INDENT = 2
_GAP = 2
_NARROWEST = 8  # cells of a column, if all else has left
# Where a line may end: at best after a word, else after a part of a name, or a part of that.
_NAMES = tuple(map(re.compile, (r" ", r"[./\\:,;]|(?<=.)(?=[\[(])", r"[_=)\]-]|(?<=[a-z])(?=[A-Z])")))
_LISTS = (re.compile(", "),)


@dataclass(frozen=True)
class Column:
    """A column. Its cells are folded down to `least` characters; at 0 they never are.

    When there is no room, columns leave in the order of `leaves`, and those with 0 stay.
    """

    name: str
    least: int = 0
    leaves: int = 0
    justify: Literal["left", "right"] = "left"
    breaks: tuple[re.Pattern[str], ...] = _NAMES


def number(name: str, *, leaves: int = 0) -> Column:
    """Numbers stand below each other."""
    return Column(name, leaves=leaves, justify="right")


def listing(name: str, *, least: int) -> Column:
    """What has commas, and is folded at them alone."""
    return Column(name, least=least, breaks=_LISTS)


def show_table(console: Console, title: str, columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> None:
    """Prints the rows below the title, which says so if there is none, or which columns had no room."""
    # Text, since a plain string would be read as markup.
    cells = [[cell if isinstance(cell, Text) else Text(str(cell)) for cell in row] for row in rows]
    if not cells:
        console.print(Text.assemble("\n", (title, "bold"), ": none"))
        return
    natural = [
        max(cell_len(column.name), *(cell_len(row[index].plain) for row in cells))
        for index, column in enumerate(columns)
    ]
    shown = _shown(columns, natural, console.width - _INDENT)
    missing = [column.name for index, column in enumerate(columns) if index not in shown]
    widths = _widths(columns, natural, shown, console.width - _INDENT)
    note = f" (a wider terminal also shows: {', '.join(missing)})" if missing else ""
    console.print(Text.assemble("\n", (title, "bold"), (note, "dim")))
    table = Table(
        *(TableColumn(columns[i].name, justify=columns[i].justify, width=widths[i], overflow="fold") for i in shown),
        box=None,
        padding=(0, _GAP, 0, 0),
        pad_edge=False,
        header_style="dim",
    )
    for row in cells:
        table.add_row(*(fold(row[index], widths[index], columns[index].breaks) for index in shown))
    console.print(Padding(table, (0, 0, 0, _INDENT), expand=False))


def fold(text: Text, width: int, breaks: Sequence[re.Pattern[str]] = _NAMES) -> Text:
    """The text in lines of at most `width` cells, which end where `breaks` match, of the first one that has a place."""
    lines = []
    while cell_len(text.plain) > width and len(text) > 1:
        place = _place(text.plain, width, breaks)
        line, text = text.divide([place])
        line.rstrip()
        lines.append(line)
    return Text("\n").join([*lines, text])


def counted(count: int, noun: str) -> str:
    """`1 upload`, `2 uploads`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def plain(text: str | None, limit: int | None = None) -> str:
    """Text of strangers in one line, at most `limit` characters of it, and no character that a terminal would obey."""
    if text is None:
        return "-"
    line = " ".join(text.split())
    if limit and len(line) > limit:
        line = line[:limit] + "…"
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)


def _place(text: str, width: int, breaks: Sequence[re.Pattern[str]]) -> int:
    """How many characters go into a line. Of places too near to its beginning, the next kind may have better ones."""
    fits = next(length for length in range(len(text), 0, -1) if length == 1 or cell_len(text[:length]) <= width)
    for least in (width // 2, 1):
        for pattern in breaks:
            # A blank that a line ends with needs no room.
            places = [match.end() for match in pattern.finditer(text) if len(text[: match.end()].rstrip()) <= fits]
            if places and places[-1] >= least:
                return places[-1]
    return fits


def _shown(columns: Sequence[Column], natural: Sequence[int], room: int) -> list[int]:
    """The indexes of the columns that have room."""
    shown = [index for index, column in enumerate(columns) if not column.leaves]
    for index in sorted(range(len(columns)), key=lambda index: -columns[index].leaves):
        wider = sorted({*shown, index})
        if _needs([_least(columns[each], natural[each]) for each in wider]) <= room:
            shown = wider
    return shown


def _widths(columns: Sequence[Column], natural: Sequence[int], shown: Sequence[int], room: int) -> dict[int, int]:
    """How wide each column is: what is left beside the least is shared, as they want it, and so is what lacks."""
    widths = {index: _least(columns[index], natural[index]) for index in shown}
    spare = room - _needs(list(widths.values()))
    folded = {index: widths[index] for index in shown if columns[index].least}
    wants = {index: natural[index] - width for index, width in folded.items()} if spare > 0 else folded
    total = sum(wants.values())
    for index, want in wants.items():
        share = spare * want // total if total else 0
        spare -= share
        total -= want
        widths[index] = max(min(natural[index], widths[index] + share), min(natural[index], _NARROWEST))
    return widths


def _least(column: Column, natural: int) -> int:
    return min(column.least, natural) if column.least else natural


def _needs(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)
