"""The default tokenizer: words and marks of punctuation, by the rules of the Penn Treebank.

Tokens follow the Penn Treebank where it has a rule: ``do n't``, ``it 's``, ``can not``, ``Mr.``,
``U.S.``, ``$ 5``, ``well-known``. Quotation marks are unchanged. URLs, e-mail addresses,
@mentions, #hashtags, emoticons and emoji (also flags, skin tones and joined ones) are one token
each. Each Chinese character is a token. Text in other scripts without spaces (Thai, kana) gives
long tokens, since splitting it requires a dictionary.

Repetitions with a lookahead are bounded in the pattern, so that the time is linear in the length
of the text.
"""

_TITLES = (
    "Mr Mrs Ms Mx Dr Prof Hon Rev Fr Sen Rep Gov Pres Gen Col Maj Capt Lt Sgt Cpl Adm Cmdr "
    "St Mt Ft Messrs Mme Mlle"
)
# Abbreviations that never end a sentence.
TITLES = frozenset(f"{title}." for title in _TITLES.split())
_ABBREVIATIONS = (
    "Jr Sr Inc Corp Co Cos Ltd Bros Assn Dept Univ Ave Blvd Rd vs etc al cf ca approx est "
    "Jan Feb Apr Aug Sep Sept Oct Nov Dec Tue Tues Thu Thurs Fri "
    "Ala Ariz Calif Colo Conn Fla Ga Kan Ky Md Mich Minn Neb Nev Okla Ont Tenn Tex Va Vt Wis Wyo"
)
_BEFORE_NUMBERS = "No|Nos|Fig|Figs|Art|Vol|Sec|Eq|Ch|pp|p"


# White space. Four control characters are white space in Python but not in Unicode.
SPACE = r"\s\x1c-\x1f"


def treebank_pattern() -> str:
    """Return the regular expression of a token, for the `tokenizers` library."""
    # A character of a word. Chinese characters are excluded, since each is a word by itself; the
    # joiners and the soft hyphen are included.
    w = r"[\p{L}\p{M}\p{N}\u00AD\u200C\u200D&&[^\p{Han}]]"
    abbreviations = f"{_TITLES} {_ABBREVIATIONS}".replace(" ", "|")
    top = "com|org|net|edu|gov|mil|int|info|biz|io|ai|app|dev|uk|de|fr|eu|us|ca|au|jp|cn|ru|ch|tv"
    clitic = rf"['’](?i:s|m|d|ll|re|ve)(?!{w})"
    part = rf"(?:(?!(?i:n['’]t)(?!{w})){w})+"
    picture = r"\p{Extended_Pictographic}[\uFE0F\u20E3\x{1F3FB}-\x{1F3FF}\x{E0020}-\x{E007F}]*"
    path = rf"(?:[^{SPACE}<>\"()]|\([^{SPACE}<>\"()]{{0,99}}\))*(?<![.,;:!?…'’”»])"
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
            rf"[^{SPACE}]\p{{M}}*",
        )
    )
