"""Raw text to sentences and tokens with exact places: ``text[start:end]`` is the token.

Every character that is no white space (``str.isspace``) is in exactly one token, in order, in any
script. Places count characters (code points), as Python's strings do.

Tokens follow the Penn Treebank where it has a rule: ``do n't``, ``it 's``, ``can not``, ``Mr.``,
``U.S.``, ``$ 5``, ``well-known``. Quotation marks stay as they are. Addresses of the web and of
mail, @mentions, #hashtags, emoticons and emoji (flags, skin tones and joined ones too) are one
token each. Chinese characters stand alone; scripts that write no spaces otherwise (Thai, kana)
come out in longer runs, since cutting them takes a dictionary.

The pattern is run by the `tokenizers` library, whose classes know letters and marks of all
scripts (Python's ``re`` breaks Devanagari at its vowel signs). No repetition in it that looks
ahead is unbounded, so that the time stays linear in the length of the text.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

_SURROGATES = re.compile("[\ud800-\udfff]")


class Token(NamedTuple):
    """A token and its place in the text, ``text[start:end]``, in characters.

    Tokens that came split have no place: `start` and `end` are None.
    """

    text: str
    start: int | None = None
    end: int | None = None


class Sentence(NamedTuple):
    """Tokens, and the text from the first to the last as it stands; None if they came split."""

    tokens: Sequence[Token]
    text: str | None = None


def split_text(text: str, *, wrapped: bool = False, offset: int = 0) -> list[Sentence]:
    """Split raw text into sentences of tokens.

    A sentence ends behind ``.``, ``!``, ``?`` and their like in other scripts, and closing quotes
    or brackets that touch them, unless the next word begins in lower case; a dot of an
    abbreviation ends one only before a word that often opens a sentence (``The``, ``But``).

    Args:
        text: the text.
        wrapped: lines are broken anywhere, and only an empty line ends a paragraph. Otherwise
            the end of a line ends a sentence as well.
        offset: what to add to all places, for text that is read in parts.
    """
    sentences = []
    for start, paragraph in _paragraphs(text, wrapped):
        # The replacement character is as long as a surrogate, so no place shifts.
        pieces = _splitter().pre_tokenize_str(replace_surrogates(paragraph))
        spans = [span for _, span in pieces]
        words = [paragraph[first:end] for first, end in spans]
        base = start + offset
        for first, end in _sentences(words, spans):
            tokens = [
                Token(word, base + begin, base + behind)
                for word, (begin, behind) in zip(words[first:end], spans[first:end], strict=True)
            ]
            sentences.append(Sentence(tokens, paragraph[spans[first][0] : spans[end - 1][1]]))
    return sentences


def _paragraphs(text: str, wrapped: bool) -> Iterator[tuple[int, str]]:
    """Yield the start and the text of what no sentence crosses."""
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
    """Return a text with the replacement character for each lone surrogate.

    Those are not text: there are no bytes for them, and no tokenizer reads them.
    """
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


# Sentences

_ENDS = frozenset(".!?…‼⁇⁈⁉")
# Behind these no space is needed, and there is no lower case to go by.
_ENDS_ALONE = frozenset("。！？｡।॥؟۔։።")
_CLOSING = frozenset(('"', "'", "''", "”", "’", "»", "›", "」", "』", ")", "]", "}", "）"))
_STARTERS = (
    "The This That These Those A An He She It We They I You There Here In On At But And So If "
    "When While After Before However Although For His Her Its Our Their My What Who Why How"
)
_OPENS_SENTENCE = frozenset(_STARTERS.split())


def _sentences(words: Sequence[str], spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the first token of each sentence and the one behind its last."""
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
    # A character of a word: not a Chinese one, which is a word by itself. The joiners and the
    # soft hyphen belong to the word that they stand in.
    w = r"[\p{L}\p{M}\p{N}\u00AD\u200C\u200D&&[^\p{Han}]]"
    abbreviations = f"{_TITLES} {_ABBREVIATIONS}".replace(" ", "|")
    top = "com|org|net|edu|gov|mil|int|info|biz|io|ai|app|dev|uk|de|fr|eu|us|ca|au|jp|cn|ru|ch|tv"
    clitic = rf"['’](?i:s|m|d|ll|re|ve)(?!{w})"
    part = rf"(?:(?!(?i:n['’]t)(?!{w})){w})+"
    picture = r"\p{Extended_Pictographic}[\uFE0F\u20E3\x{1F3FB}-\x{1F3FF}\x{E0020}-\x{E007F}]*"
    # Python counts four control characters among white space that Unicode does not.
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
    from tokenizers import Regex, pre_tokenizers  # not needed where only help is asked for

    return pre_tokenizers.Split(Regex(_pattern()), "removed", invert=True)
