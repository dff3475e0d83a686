"""Tokenizers other than the default: exact offsets in every script, the same sentences."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtag.data.text.split import split_text
from seqtag.data.text.tokenizers import TOKENIZERS, check_tokenizer, token_spans
from seqtag.errors import InputError
from tests.data.text.test_split import TEXTS

REGEXES = [
    r"[\w]+",
    r"\w+|[^\w\s]",
    r"\d{2}-?",
    "x*",
    "(a|b)+$",
    r"\p{Han}{2}|.",
    "(?i)n'?t",
    r"[\d'-]+",
]
ALL = st.sampled_from([*TOKENIZERS, *REGEXES])
SCRIPTS = [
    "我们住在北京。他去了上海！",
    "東京タワーに行きます。「はい」と言った。",
    "สวัสดีครับ ผมชื่อสมชาย กำลังใจ",
    "ذهب أحمدُ إلى القاهرة؟ نعم، في ٢٠٢٤.",
    "राम दिल्ली में रहता है। क्षिप्रा ५ किताबें",
    "한국어 \u1112\u1161\u11ab문장입니다. 좋아요!",
    "Mix: MailHaven-4.3は北京で。 👩\u200d👩\u200d👧🇩🇪👍🏽 1️⃣ e\u0301\u0301x \u0600 5",
]


def tokens(text, tokenizer):
    return [token.text for part in split_text(text, tokenizer=tokenizer) for token in part.tokens]


def check_exact(text, sentences):
    covered = 0
    for sentence in sentences:
        assert sentence.tokens
        assert sentence.text == text[sentence.tokens[0].start : sentence.tokens[-1].end]
        for token in sentence.tokens:
            assert token.text == text[token.start : token.end] != ""
            assert not any(map(str.isspace, token.text))
            assert not text[covered : token.start].strip()
            covered = token.end
    assert not text[covered:].strip()


@pytest.mark.fuzz("text")
@given(TEXTS, ALL, st.booleans())
def test_every_visible_character_is_in_one_token_and_sentences_stay(text, tokenizer, wrapped):
    sentences = split_text(text, wrapped=wrapped, tokenizer=tokenizer)
    check_exact(text, sentences)
    expected = split_text(text, wrapped=wrapped)
    assert [sentence.text for sentence in sentences] == [sentence.text for sentence in expected]


@pytest.mark.parametrize("tokenizer", [*TOKENIZERS, *REGEXES])
@pytest.mark.parametrize("text", SCRIPTS)
def test_every_script_has_exact_offsets(text, tokenizer):
    check_exact(text, split_text(text, tokenizer=tokenizer))


@pytest.mark.fuzz("text")
@given(TEXTS)
def test_characters_part_every_finest_token_and_finest_every_word(text):
    # Ends of tokens of a coarser tokenizer are ends of tokens of a finer one.
    text = "".join(c for c in text if not 0xD800 <= ord(c) < 0xE000)
    ends = [{end for _, end in token_spans(text, name)} for name in TOKENIZERS]
    _, whitespace, finest, characters = ends
    assert whitespace <= finest <= characters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MailHaven-4.3 4.2/8.8.0", "MailHaven - 4 . 3 4 . 2 / 8 . 8 . 0"),
        ("10km v2 A4-Papier don't...", "10 km v 2 A 4 - Papier don ' t . . ."),
        ("a_b@c.de", "a _ b @ c . de"),
        ("e\u0301te\u0301 हिन्दी كِتَاب", "e\u0301te\u0301 हिन्दी كِتَاب"),
        ("東京2020 ไทย", "東 京 2020 ไทย"),
        ("👩\u200d👩\u200d👧🇩🇪👍🏽1️⃣", "👩\u200d👩\u200d👧 🇩🇪 👍🏽 1️⃣"),
    ],
)
def test_finest(text, expected):
    assert tokens(text, "finest") == expected.split(" ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("東京 a1", "東 京 a 1"),
        ("กำลัง", "กำ ลั ง"),
        ("हिन्दी", "हि न् दी"),
        ("e\u0301x 👩\u200d👩\u200d👧🇩🇪👍🏽 1️⃣", "e\u0301 x 👩\u200d👩\u200d👧 🇩🇪 👍🏽 1️⃣"),
        ("\u1112\u1161\u11ab한", "\u1112\u1161\u11ab 한"),
        ("كِتَاب", "كِ تَ ا ب"),
        ("\u0600 5", "\u0600 5"),
    ],
)
def test_characters(text, expected):
    assert tokens(text, "characters") == expected.split(" ")


@pytest.mark.parametrize(
    ("regex", "text", "expected"),
    [
        (r"\w+", "don't हिन्दी été 5km!?", "don ' t हिन्दी été 5km ! ?"),
        (r"[\w'-]+", "don't well-known.", "don't well-known ."),
        (r"\d+(?:[.,]\d+)*", "v4.2/٣٤", "v 4.2 / ٣٤"),
        (r"[^\w]+|\w", "a--b", "a -- b"),
        (r"\p{Han}+|[a-z]+", "北京abcX", "北京 abc X"),
        ("^a|b$", "aab bb", "a a b b b"),
        ("[]a[]+", "]a[b", "]a[ b"),
        ("[[:digit:]\\]]+", "1]2[", "1]2 ["),
        (r"\.\.\.", "a...b.", "a ... b ."),
        ("x*", "axxb", "a xx b"),
    ],
)
def test_regular_expressions(regex, text, expected):
    assert tokens(text, regex) == expected.split(" ")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("finset", "did you mean 'finest'"),
        ("Default", "did you mean 'default'"),
        ("", "must be text"),
        (5, "must be text"),
        ("(a", "missing )"),
        ("[a", "missing ]"),
        ("a)", "unexpected )"),
        ("a{1001}", "invalid repetition size"),
        ("(?=a)b", "invalid perl operator: (?="),
        (r"(a)\1", r"\1 is not supported"),
        (r"\bword\b", r"\b is not supported"),
        (r"[\W]", r"\W is not supported in square brackets"),
        (r"\C", r"\C is not supported"),
        (r"\Qa\E", r"\Q is not supported"),
        ("a\\", "trailing \\"),
        ("\ud800+", "surrogates not allowed"),
        ("x+" * 501, "longer than 1,000 characters"),
        (r"(?:\p{L}{1,100}){1,10}", "pattern too large"),
        (r"\p{Klingon}", "invalid character class range"),
    ],
)
def test_wrong_tokenizers_are_refused_in_one_line(wrong, message):
    with pytest.raises(InputError) as caught:
        check_tokenizer(wrong, "data.tokenizer")
    assert message in str(caught.value)
    assert "data.tokenizer" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.fuzz("text")
@given(st.text(st.sampled_from(r"ab\wdWDpP{L}[]()|*+?^$.{1,3}:-!=<>#x\u00e9" + "\ud800é\n")), TEXTS)
def test_any_expression_is_refused_or_gives_exact_offsets(regex, text):
    try:
        check_tokenizer(regex, "data.tokenizer")
    except InputError:
        return
    check_exact(text, split_text(text, tokenizer=regex))


@pytest.mark.parametrize(
    "regex", ["(a+)+$", "(a|aa)+$", "(a|a)*b", "(.*)(.*)(.*)x", "[a-z]*x|[a-z]"]
)
def test_no_expression_backtracks(regex):
    started = time.process_time()
    split_text("a" * 50_000 + "!", tokenizer=regex)
    assert time.process_time() - started < 5.0  # 0.2 s; with backtracking, longer than a lifetime


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
@pytest.mark.parametrize(
    "part", ["a", "漢", "a1", "\u0301", "\u0600", "👩\u200d", "🇩", "\u1112\u1161"]
)
def test_time_is_linear_in_the_length(part, tokenizer):
    started = time.process_time()
    split_text(part * (50_000 // len(part)), tokenizer=tokenizer)
    assert time.process_time() - started < 5.0


def test_a_match_of_a_long_part_is_cut():
    lengths = [len(token) for token in tokens("a" * 3000, r"\w+")]
    assert lengths == [1024, 1024, 952]


@given(
    st.text(st.sampled_from("aB1_-.,' ")),
    st.sampled_from([r"\w+", r"[^\w]+", r"\D\d", r"[\w-]+", r"\W"]),
)
def test_ascii_text_is_split_like_other_text(text, regex):
    assert [*tokens(text, regex), "é"] == tokens(f"{text} é", regex)


def test_offsets_count_from_the_given_number():
    (sentence,) = split_text("a-1 b", offset=100, tokenizer="finest")
    assert [token.start for token in sentence.tokens] == [100, 101, 102, 104]
    assert all(first.end <= second.start for first, second in pairwise(sentence.tokens))
