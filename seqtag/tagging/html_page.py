"""Tagged sentences as one self-contained HTML page, with a colour for each type."""

import html
from collections.abc import Iterator, Sequence

from seqtag.tagging.output import TaggedSentence
from seqtag.tagging.readers import Item
from seqtag.tagging.unknown_words import UnknownWords
from seqtag.tagging.writer import Writer
from seqtag.terminal import escape_controls

_STYLE = """
:root{color-scheme:light dark;--fg:#1b1f23;--bg:#fff;--soft:#5b6570;--light:88%;--dark:30%}
@media(prefers-color-scheme:dark){:root{--fg:#e4e7ea;--bg:#15181b;--soft:#9aa4ae;--light:26%;
--dark:82%}}
body{font:17px/2 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:52rem;
margin:0 auto;padding:1rem;overflow-wrap:anywhere}
h1{font-size:1.3rem;line-height:1.3}p{margin:.5rem 0}
mark,.token,.type{color:inherit;background:hsl(var(--hue) 70% var(--light));
border-radius:.35em;padding:.15em .35em;box-decoration-break:clone;
-webkit-box-decoration-break:clone}
b{font-size:.68em;font-weight:700;letter-spacing:.02em;color:hsl(var(--hue) 60% var(--dark));
margin-inline-start:.45em;white-space:nowrap}
.token{display:inline-block;line-height:1.3;text-align:center;margin:.1em .05em}
.token b{display:block;margin:0}
.type{font-size:.8rem;margin-inline-end:.4em;white-space:nowrap}
u{text-decoration:underline dotted var(--soft)}
@media print{body{max-width:none;font-size:11pt}mark,.token,.type{print-color-adjust:exact}}
"""
# Successive multiples of the golden angle are far apart on the colour wheel.
_GOLDEN_ANGLE = 137.508


class HtmlPage(Writer):
    """A page with a paragraph per sentence.

    Spans are highlighted, with their type; if labels are plain, each token has its label below it.
    The pointer on a span or token shows its probability, if there is one.

    Args:
        title: the heading of the page.
        types: the span types, or the plain labels.
        plain_labels: whether the labels are plain.
        unknown: how words that are unknown from training are marked: underlined, and followed by
            the mark; None: they are not.
    """

    def __init__(
        self, title: str, types: Sequence[str], plain_labels: bool, unknown: UnknownWords | None
    ) -> None:
        self._title, self._plain, self._unknown = title, plain_labels, unknown
        self._hues = {name: round(i * _GOLDEN_ANGLE + 210) % 360 for i, name in enumerate(types)}

    def begin(self) -> str:
        """Return the head of the page, with all types."""
        names = "".join(
            f"<span class=type{self._hue(name)}>{_escaped(name)}</span> " for name in self._hues
        )
        return (
            "<!doctype html>\n<html>\n<meta charset=utf-8>\n"
            '<meta name=viewport content="width=device-width,initial-scale=1">\n'
            f"<title>{_escaped(self._title)}</title>\n<style>{_STYLE}</style>\n"
            f"<h1>{_escaped(self._title)}</h1>\n<p>{names}</p>\n"
        )

    def sentence(self, sentence: TaggedSentence, item: Item) -> str:
        """Return a paragraph."""
        return f"<p dir=auto>{''.join(self._parts(sentence))}</p>\n"

    def end(self) -> str:
        """Return the end of the page."""
        return "</html>\n"

    def _parts(self, sentence: TaggedSentence) -> Iterator[str]:
        first = {} if self._plain else {span.first_token: span for span in sentence.spans}
        last = {span.last_token: span for span in first.values()}
        end = None
        for place, token in enumerate(sentence.tokens):
            if place and (token.start is None or token.start != end):
                yield " "
            end = token.end
            if place in first:
                span = first[place]
                yield f"<mark{self._hue(span.type)}{_probability(span.probability)}>"
            yield self._token(sentence, place)
            if place in last:
                yield f"<b>{_escaped(last[place].type)}</b></mark>"

    def _token(self, sentence: TaggedSentence, place: int) -> str:
        word = sentence.tokens[place].text
        text = _escaped(word)
        if self._unknown is not None and self._unknown.is_unknown(word):
            text = f'<u title="not in training">{text}</u>{_escaped(self._unknown.mark)}'
        if not self._plain:
            return text
        label, values = sentence.labels[place], sentence.probabilities
        probability = _probability(None if values is None else values[place])
        shown = f"<b>{_escaped(label)}</b>"
        return f"<span class=token{self._hue(label)}{probability}>{text}{shown}</span>"

    def _hue(self, name: str) -> str:
        return f' style="--hue:{self._hues.get(name, 0)}"'


def _probability(value: float | None) -> str:
    return "" if value is None else f' title="{value:.4f}"'


def _escaped(text: str) -> str:
    """Return a text for an HTML element; control characters are shown as escapes."""
    return html.escape(escape_controls(text))
