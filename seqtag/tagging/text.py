"""Split raw text into sentences and tokens with exact offsets: ``text[start:end]`` is the token.

Every character that is not white space (``str.isspace``) is in exactly one token, in order, in any
script. Offsets count characters (code points), as in Python's strings.

Tokens follow the Penn Treebank where it has a rule: ``do n't``, ``it 's``, ``can not``, ``Mr.``,
``U.S.``, ``$ 5``, ``well-known``. Quotation marks are unchanged. URLs, e-mail addresses, @mentions,
#hashtags, emoticons and emoji (also flags, skin tones and joined ones) are one token each. Each
Chinese character is a token. Text in other scripts without spaces (Thai, kana) gives long tokens,
since splitting it requires a dictionary.

The pattern is matched by the `tokenizers` library, which supports letters and marks of all scripts
(Python's ``re`` splits Devanagari at its vowel signs). Repetitions with a lookahead are bounded in
the pattern, so that the time is linear in the length of the text.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

_SURROGATES = re.compile("[\ud800-\udfff]")


class Token(NamedTuple):
    """A token and its offsets in the text, ``text[start:end]``, in characters.

    `start` and `end` are None if the sentence was given as words.
    """

    text: str
    start: int | None = None
    end: int | None = None


class Sentence(NamedTuple):
    """Tokens, and the text from the first to the last; None if they were given as words."""

    tokens: Sequence[Token]
    text: str | None = None


def split_text(text: str, *, wrapped: bool = False, offset: int = 0) -> list[Sentence]:
    """Split raw text into sentences of tokens.

        for sentence in split_text("Dr. Smith left. He didn't say why."):
            print([token.text for token in sentence.tokens])

    A sentence ends after ``.``, ``!``, ``?`` and similar marks of other scripts, with the closing
    quotes or brackets that touch them, unless the next word begins in lower case. The dot of an
    abbreviation ends a sentence only before a word that often begins one (``The``, ``But``).

    Args:
        text: the text.
        wrapped: only an empty line ends a paragraph; other line ends are like spaces. By default
            the end of a line ends a sentence.
        offset: number that is added to all offsets, for text that is read in parts.
    """
    sentences = []
    for start, paragraph in _paragraphs(text, wrapped):
        # The replacement character is as long as a surrogate, so offsets do not shift.
        pieces = _splitter().pre_tokenize_str(replace_surrogates(paragraph))
        spans = [span for _, span in pieces]
        words = [paragraph[first:end] for first, end in spans]
        base = start + offset
        for first, end in _sentences(words, spans):
            tokens = [
                Token(word, base + left, base + right)
                for word, (left, right) in zip(words[first:end], spans[first:end], strict=True)
            ]
            sentences.append(Sentence(tokens, paragraph[spans[first][0] : spans[end - 1][1]]))
    return sentences


def _paragraphs(text: str, wrapped: bool) -> Iterator[tuple[int, str]]:
    """Yield start and text of each line or, if `wrapped`, paragraph; no sentence crosses them."""
    start = end = 0
    for line in text.splitlines(keepends=True):
        if wrapped and not line.isspace():
            end += len(line)
            continue
        if wrapped:
            if start < end:
                yield start, text[start:end]
            end += len(line)
        else:
            end += len(line)
            yield start, line
        start = end
    if start < end:
        yield start, text[start:end]


def replace_surrogates(text: str) -> str:
    """Return a text with each lone surrogate replaced by U+FFFD.

    Surrogates cannot be encoded in UTF-8, so tokenizers refuse them.
    """
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


# Sentences

_ENDS = frozenset(".!?…‼⁇⁈⁉")
# Marks that end a sentence without a space after them, in scripts without lower case.
_ENDS_ALONE = frozenset("。！？｡।॥؟۔։።")
_CLOSING = frozenset(('"', "'", "''", "”", "’", "»", "›", "」", "』", ")", "]", "}", "）"))
_STARTERS = (
    "The This That These Those A An He She It We They I You There Here In On At But And So If "
    "When While After Before However Although For His Her Its Our Their My What Who Why How"
)
_OPENS_SENTENCE = frozenset(_STARTERS.split())


def _sentences(words: Sequence[str], spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the index of the first token of each sentence and that after its last token."""
    first = position = 0
    last = len(words)
    while position < last:
        word = words[position]
        position += 1
        final = word[-1]
        if final not in _ENDS and final not in _ENDS_ALONE:
            continue
        while position < last and words[position] in _CLOSING and _touch(spans, position):
            position += 1
        if position < last and _ends(word, words[first], words[position], position - first):
            if final not in _ENDS_ALONE and _touch(spans, position):
                continue
            yield first, position
            first = position
    if first < last:
        yield first, last


def _touch(spans: Sequence[tuple[int, int]], position: int) -> bool:
    return spans[position - 1][1] == spans[position][0]


def _ends(word: str, opening: str, following: str, length: int) -> bool:
    """Return whether `word` ends the sentence that began with `opening`, `length` tokens ago."""
    if word[-1] in _ENDS_ALONE:
        return True
    if word[0] not in _ENDS:  # an abbreviation, with its dot
        return following in _OPENS_SENTENCE and word not in _NEVER_LAST
    if length == 2 and opening.isdigit():  # "1. First item"
        return False
    return not following[0].islower()


# Tokens

_TITLES = (
    "Mr Mrs Ms Mx Dr Prof Hon Rev Fr Sen Rep Gov Pres Gen Col Maj Capt Lt Sgt Cpl Adm Cmdr "
    "St Mt Ft Messrs Mme Mlle"
)
_NEVER_LAST = frozenset(f"{title}." for title in _TITLES.split())
_ABBREVIATIONS = (
    "Jr Sr Inc Corp Co Cos Ltd Bros Assn Dept Univ Ave Blvd Rd vs etc al cf ca approx est "
    "Jan Feb Apr Aug Sep Sept Oct Nov Dec Tue Tues Thu Thurs Fri "
    "Ala Ariz Calif Colo Conn Fla Ga Kan Ky Md Mich Minn Neb Nev Okla Ont Tenn Tex Va Vt Wis Wyo"
)
_BEFORE_NUMBERS = "No|Nos|Fig|Figs|Art|Vol|Sec|Eq|Ch|pp|p"


def _pattern() -> str:
    # A character of a word. Chinese characters are excluded, since each is a word by itself; the
    # joiners and the soft hyphen are included.
    w = r"[\p{L}\p{M}\p{N}\u00AD\u200C\u200D&&[^\p{Han}]]"
    abbreviations = f"{_TITLES} {_ABBREVIATIONS}".replace(" ", "|")
    top = "com|org|net|edu|gov|mil|int|info|biz|io|ai|app|dev|uk|de|fr|eu|us|ca|au|jp|cn|ru|ch|tv"
    clitic = rf"['’](?i:s|m|d|ll|re|ve)(?!{w})"
    part = rf"(?:(?!(?i:n['’]t)(?!{w})){w})+"
    picture = r"\p{Extended_Pictographic}[\uFE0F\u20E3\x{1F3FB}-\x{1F3FF}\x{E0020}-\x{E007F}]*"
    # Four control characters are white space in Python but not in Unicode.
    space = r"\s\x1c-\x1f"
    path = rf"(?:[^{space}<>\"()]|\([^{space}<>\"()]{{0,99}}\))*(?<![.,;:!?…'’”»])"
    return "|".join(
        (
            rf"(?:(?:https?|ftp)://|www\.(?={w})){path}",
            rf"{w}[\p{{L}}\p{{N}}._%+-]{{0,63}}@(?:[\p{{L}}\p{{N}}-]{{1,63}}\.){{1,8}}\p{{L}}{{2,24}}",
            rf"(?:(?!-)[a-zA-Z0-9-]{{1,63}}\.){{1,8}}(?:{top})(?!{w}|[.@-]{w})(?:/{path})?",
            r"[@#](?=[\p{N}_]{0,30}\p{L})[\p{L}\p{M}\p{N}_]+",
            r"&(?:amp|lt|gt|quot|apos|nbsp|#\d{1,6});",
            r"\p{Regional_Indicator}{2}|[0-9#*]\uFE0F?\u20E3",
            rf"{picture}(?:\u200D{picture})*",
            rf"[:;=]['^-]?[()DPp|/\\*]{{1,9}}(?!{w})|<3(?!{w})",
            rf"(?i:n['’]t)(?!{w})|{clitic}",
            rf"(?i:can)(?=(?i:not)(?!{w}))|(?i:gon|wan)(?=(?i:na)(?!{w}))|(?i:got)(?=(?i:ta)(?!{w}))",
            r"(?:\p{L}\.){2,}|(?:\p{Lu}\.)+\p{Lu}" + rf"(?!{w})",
            rf"(?:{abbreviations})\.(?!{w})|(?:{_BEFORE_NUMBERS})\.(?=\s?\p{{N}})",
            r"Ph\.D\.|(?!I)\p{Lu}\.(?=\s\p{Lu})",
            rf"\p{{Lu}}{{1,9}}&\p{{Lu}}{{1,9}}(?!{w})",
            rf"(?:(?<!\S)[-+−.])?\p{{N}}+(?:[.,:/'’–-]\p{{N}}+)*(?!{w})|['’]\p{{Nd}}{{2}}s?(?!{w})",
            rf"{part}(?:(?:[-‐‑_]|(?!{clitic})['’])(?={w}){part})*",
            r"\.{2,}|[!?]{2,}|([-_=*~+#])\1+|``|''",
            r"[\u200B\u200E\u200F\u202A-\u202E\u2060-\u2069\uFEFF]+",
            rf"[^{space}]\p{{M}}*",
        )
    )


@cache
def _splitter() -> Any:
    from tokenizers import Regex, pre_tokenizers  # slow, and not needed for help

    return pre_tokenizers.Split(Regex(_pattern()), "removed", invert=True)
