"""A chart of bars in the colours of the page, as an SVG inside HTML."""

from collections.abc import Sequence
from typing import NamedTuple

from seqtag.report.html import escaped

STYLE = """
.bars{max-width:42rem}.bars svg{width:100%;height:auto;display:block;font:12px system-ui,sans-serif}
.bars text{fill:var(--fg);text-anchor:middle}.bars .soft{fill:var(--soft)}
.bars rect{fill:#3b82c4}.bars line{stroke:var(--line)}
"""

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 640, 250, 44, 24, 58


class Bar(NamedTuple):
    """A bar: its label, a share from 0 to 1, and a small text below the label."""

    label: str
    share: float
    note: str


def bar_chart(bars: Sequence[Bar], caption: str) -> str:
    """Return a figure with a bar for each share, and its caption."""
    inner = _HEIGHT - _TOP - _BOTTOM
    step = (_WIDTH - _LEFT) / max(1, len(bars))
    parts = []
    for fifth in range(6):
        y = _TOP + inner * (1 - fifth / 5)
        parts.append(f"<line x1={_LEFT} x2={_WIDTH} y1={y:.1f} y2={y:.1f} />")
        parts.append(f"<text class=soft x=20 y={y + 4:.1f}>{20 * fifth} %</text>")
    for number, bar in enumerate(bars):
        height, x = inner * bar.share, _LEFT + step * number
        middle, top = x + step / 2, _TOP + inner - height
        parts += [
            f"<rect x={x + step * 0.18:.1f} y={top:.1f} width={step * 0.64:.1f} "
            f"height={height:.1f} rx=2 />",
            f"<text x={middle:.1f} y={top - 6:.1f}>{100 * bar.share:.1f}</text>",
            f"<text x={middle:.1f} y={_HEIGHT - 36}>{escaped(bar.label)}</text>",
            f"<text class=soft x={middle:.1f} y={_HEIGHT - 18}>{escaped(bar.note)}</text>",
        ]
    text = escaped(caption)
    return (
        f'<figure class=bars><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role=img aria-label="{text}">'
        f"{''.join(parts)}</svg><figcaption>{text}</figcaption></figure>"
    )
