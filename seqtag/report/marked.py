"""Sentences with their gold and predicted labels marked, as HTML."""

from collections.abc import Sequence
from itertools import pairwise

from seqtag.labels import Span
from seqtag.metrics.examples import Example
from seqtag.report.html import escaped
from seqtag.report.spacing import spaces

# Words shown before and after an error, and characters shown of a word.
_CONTEXT, _MOST_CHARACTERS = 30, 80

STYLE = """
:root{--gold:#0b7a4b;--goldbg:#d9f2e5;--pred:#b3480a;--predbg:#fde5d2;--ok:#eceff2}
@media(prefers-color-scheme:dark){:root{--gold:#5fd3a0;--goldbg:#143a2b;--pred:#f5a871;
--predbg:#4a2a14;--ok:#2a3036}}
.s{margin:0;padding:.55rem 0;border-top:1px solid var(--line);line-height:2.15}
.s small{margin-inline-start:.6em;white-space:nowrap;font-size:.75em}
.ok,.g,.p,.b{padding:.12em .28em;border-radius:.25em}
.ok{background:var(--ok)}.g{box-shadow:inset 0 -2px var(--gold)}.p{background:var(--predbg)}
.b{background:var(--predbg);box-shadow:inset 0 -2px var(--gold)}
.s i{font:600 .62em/1 system-ui,sans-serif;letter-spacing:.03em;padding:.18em .4em;
border-radius:.3em;margin-inline-end:.35em;vertical-align:.18em;white-space:nowrap}
.s i.G{color:var(--gold);background:var(--goldbg)}.s i.P{color:var(--pred);
border:1px solid var(--pred)}.s i.R{color:var(--soft)}
u{text-decoration:underline dotted 2px var(--soft);text-underline-offset:.28em}
.f{font-weight:600}
.key{display:flex;flex-wrap:wrap;gap:.2rem 1.4rem;border:0;font-size:.9rem}
"""

LEGEND = (
    '<p class="s key"><span><span class=g><i class=G>GOLD</i>underlined green</span> in the '
    "corpus</span><span><span class=p><i class=P>PREDICTED</i>orange</span> by the tagger</span>"
    "<span><span class=ok>grey</span> both agree</span><span><b class=f>bold</b> the error</span>"
    "<span><u>dotted</u> unknown from training</span></p>"
)


def marked(example: Example) -> str:
    """Return the sentence of an error as a paragraph of HTML, cut to the words around the error."""
    sentence = example.sentence
    first = max(0, example.start - _CONTEXT)
    last = min(len(sentence.tokens), example.end + _CONTEXT)
    edges = {first, last, example.start, example.end}
    for span in (*example.gold, *example.predicted):
        edges |= {edge for edge in (span.start, span.end) if first < edge < last}
    cuts = sorted(edges)
    gaps = [*spaces(sentence.tokens), ""]
    parts = ["… "] if first else []
    for start, end in pairwise(cuts):
        parts += [_segment(example, start, end, start == first, gaps), gaps[end - 1]]
    parts += [" …"] if last < len(sentence.tokens) else []
    place = f" · {escaped(sentence.where)}" if sentence.where else ""
    note = f"<small>{100 * example.probability:.0f} %{place}</small>"
    return f"<p class=s dir=auto>{''.join(parts)}{note}</p>"


def _segment(example: Example, start: int, end: int, is_first: bool, gaps: Sequence[str]) -> str:
    """Return words that belong to the same spans; a span's type stands before its first word."""
    gold, predicted = _covering(example.gold, start), _covering(example.predicted, start)
    inner = [*gaps[start : end - 1], ""]
    text = "".join(_word(example, start + n) + gap for n, gap in enumerate(inner))
    if example.start <= start < example.end:
        text = f"<b class=f>{text}</b>"
    if gold is None and predicted is None:
        return text
    chips = []
    if gold == predicted and gold is not None:
        chips = [("R", gold)]
    else:
        chips = [(kind, span) for kind, span in (("G", gold), ("P", predicted)) if span is not None]
    shown = "".join(
        f"<i class={kind}>{escaped(_cut(span.type))}</i>"
        for kind, span in chips
        if span.start == start or is_first
    )
    differing = "b" if gold and predicted else "g" if gold else "p"
    style = "ok" if gold == predicted else differing
    return f"<span class={style}>{shown}{text}</span>"


def _covering(spans: Sequence[Span], position: int) -> Span | None:
    return next((span for span in spans if span.start <= position < span.end), None)


def _word(example: Example, position: int) -> str:
    text = escaped(_cut(example.sentence.tokens[position]))
    return f"<u>{text}</u>" if example.sentence.unknown[position] else text


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"
