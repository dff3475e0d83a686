from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtag.data.text.split import split_text

# Unusual characters in high frequency: joiners, marks, controls, line ends, surrogates, emoji.
_ODD = "\x1f\u200b\u200c\u200d\ufeff\u0301\u202e\x00\x1c\x85\u2028\r\n\t .'’!?@#-_"
_ODD += "👩🏽🇩1️⃣é漢กिİß\ud800\udfff"
TEXTS = st.text(st.one_of(st.sampled_from(_ODD), st.sampled_from("abIn't.5"), st.characters()))


def words(text, **options):
    return [[token.text for token in sentence.tokens] for sentence in split_text(text, **options)]


def tokens(text):
    return [word for sentence in words(text) for word in sentence]


@pytest.mark.fuzz("text")
@given(TEXTS, st.booleans(), st.integers(0, 1000))
def test_every_visible_character_is_in_one_token_in_order(text, wrapped, offset):
    covered = offset
    for sentence in split_text(text, wrapped=wrapped, offset=offset):
        assert sentence.tokens
        first, last = sentence.tokens[0].start - offset, sentence.tokens[-1].end - offset
        assert sentence.text == text[first:last]
        for token in sentence.tokens:
            assert token.text == text[token.start - offset : token.end - offset]
            assert not any(map(str.isspace, token.text))
            assert all(map(str.isspace, text[covered - offset : token.start - offset]))
            assert token.start < token.end
            covered = token.end
    assert all(map(str.isspace, text[covered - offset :]))


@pytest.mark.fuzz("text")
@given(TEXTS)
def test_no_sentence_crosses_a_line_unless_lines_are_wrapped(text):
    for sentence in split_text(text):
        assert len(sentence.text.splitlines()) == 1
    for sentence in split_text(text, wrapped=True):
        assert not any(not line.strip() for line in sentence.text.splitlines())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He didn't; she can't.", "He did n't ; she ca n't ."),
        ("It’s John's, they'll say I'm", "It ’s John 's , they 'll say I 'm"),
        ("DON'T we cannot", "DO N'T we can not"),
        ("I'm gonna O'Neill l'homme", "I 'm gon na O'Neill l'homme"),
        ("the dogs' bones", "the dogs ' bones"),
        ("Mr. Smith of St. Paul's Inc. left", "Mr. Smith of St. Paul 's Inc. left"),
        ("the U.S. and U.S troops, i.e. J. K. Rowling", None),
        ("$1,000.50 (5%) at 10:30", "$ 1,000.50 ( 5 % ) at 10:30"),
        ("-5 to .5, 3-4, 1/2, 1st, 10km", "-5 to .5 , 3-4 , 1/2 , 1st , 10km"),
        ("a well-known word--word...", "a well-known word -- word ..."),
        ('"Yes", `no`', '" Yes " , ` no `'),
        ("see http://x.org/a_(b)?c=1.", "see http://x.org/a_(b)?c=1 ."),
        ("(www.x.org), example.com!", "( www.x.org ) , example.com !"),
        ("mail a.b+c@d-e.co.uk, now", "mail a.b+c@d-e.co.uk , now"),
        ("@user_1 #tag #1 AT&T &amp;", "@user_1 #tag # 1 AT&T &amp;"),
        ("fine :) ;-) <3 :a", "fine :) ;-) <3 : a"),
        ("👩\u200d👩\u200d👧🇩🇪🇫🇷👍🏽x", "👩\u200d👩\u200d👧 🇩🇪 🇫🇷 👍🏽 x"),
        ("हिन्दी में e\u0301t\u00e9", None),
        ("می\u200cخواهم so\u00adft", None),
        ("東京 a漢", "東 京 a 漢"),
        ("\ufeffAnna\u200b.", "\ufeff Anna \u200b ."),
        ("No. 5 is No.", "No. 5 is No ."),
    ],
)
def test_tokens(text, expected):
    assert tokens(text) == (expected or text.replace(",", " ,")).split(" ")


@pytest.mark.parametrize(
    "sentences",
    [
        ["He came.", "She left!", "Who?", "All."],
        ["Mr. Smith met J. Doe in the U.S. Senate on Jan. 5."],
        ["He lives in the U.S.", "The end."],
        ["They sold cars, boats, etc.", "But why?"],
        ['"Really?"', '"Yes."', "(No.)", "End."],
        ["Yahoo! is big.", "So what?!"],
        ["1. First.", "2. Second..."],
        ["Wait... what?"],
        ["No space.here it goes."],
        ["Cost: 3.5 per cent."],
    ],
)
def test_sentences(sentences):
    assert [sentence.text for sentence in split_text(" ".join(sentences))] == sentences


def test_scripts_without_capitals_or_spaces():
    text = "東京に行きます。はい。दूसरा वाक्य। तीसरा।"
    assert [s.text for s in split_text(text)] == [
        "東京に行きます。",
        "はい。",
        "दूसरा वाक्य।",
        "तीसरा।",
    ]


def test_ends_of_lines_and_wrapped_paragraphs():
    text = "A title\nThe first line\r\ngoes on.\n \t\nNext\n\n\n"
    assert words(text) == [["A", "title"], ["The", "first", "line"], ["goes", "on", "."], ["Next"]]
    wrapped = words(text, wrapped=True)
    assert wrapped == [["A", "title", "The", "first", "line", "goes", "on", "."], ["Next"]]


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\u00a0\u3000\u2029"])
def test_only_white_space(text):
    assert split_text(text) == split_text(text, wrapped=True) == []


def test_offsets_count_characters_not_bytes():
    (sentence,) = split_text("👍 e\u0301 漢 x", offset=100)
    assert [(t.start, t.end) for t in sentence.tokens] == [
        (100, 101),
        (102, 104),
        (105, 106),
        (107, 108),
    ]


@pytest.mark.parametrize(
    "part", ["a", "漢", "a%", "a.", "@a", "http://(", "a.b@", "-a", "n't", "1,", "[", "'", " \n"]
)
def test_time_is_linear_in_the_length(part):
    started = time.process_time()
    split_text(part * (50_000 // len(part)))
    assert time.process_time() - started < 5.0  # a tenth of this if linear, minutes if quadratic


def test_all_unicode_categories_are_tokenised():
    # One character of each category, alone and in a word.
    seen = {unicodedata.category(chr(c)): chr(c) for c in range(0x3000)}
    for character in seen.values():
        text = f"a{character}b {character}"
        assert "".join(tokens(text)) == "".join(c for c in text if not c.isspace())
