"""The page of an evaluation's errors: figures, confusions, and sentences with errors marked."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seqtag.metrics.analysis import NONE, WRONG, Analysis
from seqtag.metrics.main import main_score, score_text
from seqtag.metrics.pairing import KINDS, RIGHT
from seqtag.report import bars, heat, html, marked
from seqtag.report.bars import Bar, bar_chart
from seqtag.report.heat import heat_table

# At most this many labels have a row, and pairs of plain labels have sentences.
_MOST_LABELS, _MOST_PAIRS = 40, 15
_STYLE = marked.STYLE + heat.STYLE + bars.STYLE
_WHAT = {
    "missed": "Gold spans that overlap no predicted span.",
    "spurious": "Predicted spans that overlap no gold span.",
    "type": "The right words, with another type.",
    "boundary": "The right type, over other words that overlap.",
    "type and boundary": "Another type, over other words that overlap.",
}
# Names of the figures at the top of the page.
_MAIN = ("f1", "precision", "recall", "accuracy", "macro_f1", "unknown_accuracy")


def errors_page(title: str, analysis: Analysis, scores: Mapping[str, Any]) -> str:
    """Return the page as HTML; it needs no other file.

    Args:
        title: the heading.
        analysis: the counts, and the sentences with errors.
        scores: the figures, as in ``metrics.json``.
    """
    sections = [
        ("figures", "Figures", _figures(analysis, scores)),
        *_unseen(analysis, scores),
        ("confusion", "Confusion matrix", [_confusion(analysis)]),
        ("length", "By sentence length", [_by_length(analysis)]),
        ("words", "Known and unknown words", _by_words(analysis)),
        *(_sentences(analysis)),
    ]
    contents = html.contents((anchor, heading) for anchor, heading, _ in sections)
    parts = [html.section(heading, body, anchor=anchor) for anchor, heading, body in sections]
    return html.page(title, "\n".join([contents, *parts]), _STYLE)


def _figures(analysis: Analysis, scores: Mapping[str, Any]) -> list[str]:
    main, _ = main_score(scores)
    shown = [name for name in dict.fromkeys([main, *_MAIN]) if name in scores]
    if not scores.get("unknown_tokens"):
        shown = [name for name in shown if name != "unknown_accuracy"]
    head = ["sentences", "tokens", *(name.replace("_", " ") for name in shown)]
    row = [f"{scores['sentences']:,}", f"{scores['tokens']:,}"]
    row += [score_text(name, scores[name]) for name in shown]
    tables = [html.table(head, [row], "Main score: " + main.replace("_", " ") + ".")]
    if analysis.spanning:
        tables.append(_by_kind(analysis))
    return tables


def _by_kind(analysis: Analysis) -> str:
    """Return a table of span types and kinds of error."""
    kinds: dict[str, Counter[str]] = {}
    for (gold, predicted, kind), count in analysis.confusion.items():
        kinds.setdefault(predicted if gold == NONE else gold, Counter())[kind] += count
    total = sum(kinds.values(), Counter[str]())
    order = sorted(kinds, key=lambda name: (-kinds[name].total(), name))
    rows = [("all", total), *((name, kinds[name]) for name in order[:_MOST_LABELS])]
    wrong = total.total() - total[RIGHT]
    lines: list[list[html.Content]] = []
    for name, counts in rows:
        cells = [f"{counts[kind]:,}" for kind in KINDS]
        if name == "all" and counts is total and wrong:
            shares = (f"{100 * counts[kind] / wrong:.0f} %" for kind in KINDS)
            cells = [*zip(cells, shares, strict=True)]  # type: ignore[list-item]
        lines.append([name, f"{counts[RIGHT]:,}", *cells])
    left = len(order) - _MOST_LABELS
    more = f" {left:,} rarer types are not shown." if left > 0 else ""
    errors = f"{wrong:,} error{'s' * (wrong != 1)} in all"
    caption = (
        f"Spans by type and kind of error; {errors}. Each gold span and each predicted span "
        "is in one count: overlapping ones are paired. The type is the gold one, or the predicted "
        f"one of a spurious span.{more}"
    )
    return html.table(["type", RIGHT, *KINDS], lines, caption)


def _unseen(analysis: Analysis, scores: Mapping[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield a section about labels that the tagger cannot predict, if the corpus has any."""
    if not analysis.unseen:
        return
    what = "spans" if analysis.spanning else "tokens"
    names = ("f1", "precision", "recall", "macro_f1", "accuracy")
    without = scores["without_unseen_labels"]
    shared = [name for name in names if name in without]
    text = (
        "The corpus has labels that did not occur in training, so that the tagger cannot predict "
        "them. They count as errors in all figures of this page; the second line has the figures "
        "as if words with these labels were unlabelled."
    )
    listed = analysis.unseen.most_common(_MOST_LABELS)
    yield (
        "unseen",
        "Labels unseen in training",
        [
            html.paragraph(text),
            html.table(
                ["", *(name.replace("_", " ") for name in shared)],
                [
                    ["with these labels", *(f"{scores[name]:.2%}" for name in shared)],
                    ["without", *(f"{without[name]:.2%}" for name in shared)],
                ],
                "Figures with and without them.",
            ),
            html.table(
                ["label", what],
                [[label, f"{count:,}"] for label, count in listed],
                f"Labels unseen in training ({len(analysis.unseen):,}), and how often they occur.",
            ),
        ],
    )


def _confusion(analysis: Analysis) -> str:
    counts: Counter[tuple[str, str]] = Counter()
    for (gold, predicted, *kind), count in analysis.confusion.items():
        # The diagonal holds what is right; a wrong boundary is an error of its own.
        if not kind or kind[0] != "boundary":
            counts[gold, predicted] += count
    frequency: Counter[str] = Counter()
    for (gold, predicted), count in counts.items():
        frequency[gold] += count
        frequency[predicted] += count
    if analysis.spanning:
        del frequency[NONE]
    names = [name for name, _ in frequency.most_common(_MOST_LABELS)]
    left = len(frequency) - len(names)
    caption = f"{'Spans' if analysis.spanning else 'Words'} by gold and predicted label. "
    if analysis.spanning:
        caption += (
            "Row none: spurious spans; column none: missed ones. Spans of the right type with "
            "other boundaries are left out. "
        )
    caption += "The colour is the share of the row: green for right, orange for wrong. "
    caption += f"{left:,} rarer labels are not shown. " if left else ""
    caption += "All counts are in confusion.csv."
    return heat_table(counts, sorted(names), NONE if analysis.spanning else None, caption)


def _by_length(analysis: Analysis) -> str:
    figure = "f1" if analysis.spanning else "accuracy"
    chart = [
        Bar(name, tally.figures(analysis.spanning)[figure], f"{tally.sentences:,} sent.")
        for name, tally in analysis.lengths.items()
        if tally.sentences
    ]
    what = "F1" if analysis.spanning else "Accuracy"
    return bar_chart(chart, f"{what} in per cent by the number of words in a sentence.")


def _by_words(analysis: Analysis) -> list[str]:
    errors = sum(tally.errors for tally in analysis.words.values())
    tokens = sum(tally.tokens for tally in analysis.words.values())
    names = ["precision", "recall", "f1"] if analysis.spanning else []
    rows: list[list[html.Content]] = []
    for name, tally in analysis.words.items():
        figures = tally.figures(analysis.spanning)
        cells: list[html.Content] = [(f"{tally.tokens:,}", _share(tally.tokens, tokens))]
        cells.append(f"{figures['accuracy']:.2%}" if tally.tokens else "–")
        if analysis.spanning:
            cells.append(f"{tally.spans[2]:,}")
            cells += [f"{figures[n]:.2%}" if any(tally.spans) else "–" for n in names]
        cells.append((f"{tally.errors:,}", _share(tally.errors, errors)))
        rows.append([f"{name} words", *cells])
    caption = "Unknown words did not occur in training."
    if analysis.spanning:
        caption += " A span belongs to them if one of its words is unknown."
    head = ["", "tokens", "accuracy", *(["gold spans", *names] if names else []), "errors"]
    return [html.table(head, rows, caption)]


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "–"


def _sentences(analysis: Analysis) -> Iterator[tuple[str, str, list[str]]]:
    """Yield a section of sentences for each kind of error."""
    explained = (
        "The most confident errors first: the number after a sentence is the probability that the "
        "tagger gave to its answer."
    )
    if not analysis.spanning:
        body = [html.paragraph(explained, note=True), marked.LEGEND]
        pairs = [pair for (_, pair), _ in analysis.examples.counts.most_common(_MOST_PAIRS)]
        body += [_group(analysis, WRONG, pair, number == 0) for number, pair in enumerate(pairs)]
        left = len(analysis.examples.counts) - len(pairs)
        body += [html.paragraph(f"{left:,} rarer confusions are in confusion.csv.")] if left else []
        yield "confusions", "Confusions, the most frequent first", body
        return
    counts = analysis.kinds()
    for kind in (kind for kind in KINDS if counts[kind]):
        chosen = analysis.examples.chosen(kind)
        shown = sum(map(len, chosen.values()))
        head = [html.paragraph(f"{_WHAT[kind]} {counts[kind]:,} in all, {shown:,} shown.")]
        head += [html.paragraph(explained, note=True), marked.LEGEND]
        groups = [_folded(analysis, kind, group, rows, True) for group, rows in chosen.items()]
        yield f"kind-{kind.replace(' ', '-')}", kind.capitalize(), [*head, *groups]


def _group(analysis: Analysis, kind: str, group: str, is_open: bool) -> str:
    return _folded(analysis, kind, group, analysis.examples.best(kind, group), is_open)


def _folded(
    analysis: Analysis, kind: str, group: str, rows: Sequence[marked.Example], is_open: bool
) -> str:
    """Return a group of sentences that can be folded."""
    count = analysis.examples.counts[kind, group]
    shown = f"{count:,} in all, {len(rows):,} shown" if len(rows) < count else f"{count:,}"
    text = "".join(marked.marked(example) for example in rows)
    return (
        f"<details{' open' if is_open else ''}><summary>{html.escaped(group)} "
        f"<small>{shown}</small></summary>{text}</details>"
    )
