"""A confusion matrix as a table whose cells are coloured by their share of the row, as HTML."""

from collections.abc import Mapping, Sequence

from seqtag.report.html import escaped

STYLE = """
.heat{max-height:none}.heat table{width:auto;min-width:0}
.heat p{position:sticky;left:.6rem;margin:.4rem .6rem;font-size:.85rem;color:var(--soft)}
.heat th,.heat td{padding:.2rem .3rem;min-width:1.7rem}
.heat thead th{writing-mode:vertical-rl;transform:rotate(180deg);text-align:left;height:auto;
max-height:8rem;overflow:hidden;vertical-align:top;position:static;background:none;font-weight:500}
.heat thead th:first-child{writing-mode:horizontal-tb;transform:none;vertical-align:bottom;
color:var(--soft);font-weight:400}
.heat tbody th{min-width:0;white-space:nowrap;max-width:14rem;overflow:hidden;
text-overflow:ellipsis}.heat td{text-align:center;border-left:1px solid var(--line)}
.heat td.d{background:color-mix(in srgb,#1c9c66 calc(var(--x)*1%),transparent)}
.heat td.e{background:color-mix(in srgb,#e0682a calc(var(--x)*1%),transparent)}
.heat td.z{color:transparent}
"""


def heat_table(
    counts: Mapping[tuple[str, str], int], names: Sequence[str], last: str | None, caption: str
) -> str:
    """Return the table: gold labels down, predicted ones across.

    Args:
        counts: number of words or spans by gold and predicted label.
        names: the labels, in order.
        last: a further row and column, for missing labels of one side; None for none.
        caption: what the figures are.
    """
    order = [*names, *([last] if last is not None else [])]
    head = "".join(f"<th scope=col>{escaped(name)}</th>" for name in order)
    lines = []
    for gold in order:
        row = [counts.get((gold, predicted), 0) for predicted in order]
        total = sum(row) or 1
        cells = (
            _cell(count, count / total, gold == predicted)
            for predicted, count in zip(order, row, strict=True)
        )
        name = f'<th scope=row title="{escaped(gold)}">{escaped(gold)}</th>'
        lines.append(f"<tr>{name}{''.join(cells)}</tr>")
    body = "\n".join(lines)
    return (
        f'<div class="table heat"><p>{escaped(caption)}</p><table aria-label="confusion matrix">'
        f"<thead><tr><th>gold ↓ predicted →</th>{head}</tr></thead>\n<tbody>{body}</tbody>"
        "</table></div>"
    )


def _cell(count: int, share: float, is_right: bool) -> str:
    if not count:
        return "<td class=z></td>"
    # Errors are rare: the square root makes a share of a few per cent visible.
    strength = 10 + (45 * share if is_right else 75 * share**0.5)
    return f'<td class={"d" if is_right else "e"} style="--x:{strength:.0f}">{count:,}</td>'
