import pytest

from seqtag.report.spacing import spaces


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ("Ann left , did n't she ?", "Ann left, didn't she?"),
        ("Ann 's ( old ) car costs $ 5 .", "Ann's (old) car costs $5."),
        ("王 小 明 在 北 京 。", "王小明在北京。"),
        ("版本 4 在 北京", "版本 4 在北京"),
        ("สม ชาย ไป", "สมชายไป"),
        ('he said " no "', 'he said " no "'),
        (".5 :-) ...", ".5 :-)..."),
        ("in .mp3files now", "in .mp3files now"),
        ("alone", "alone"),
        ("", ""),
    ],
)
def test_tokens_read_as_text(tokens, text):
    words = tokens.split()
    gaps = [*spaces(words), ""]
    assert "".join(word + gap for word, gap in zip(words, gaps, strict=bool(words))) == text
