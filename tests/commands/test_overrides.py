"""Quoting of arguments: Hydra reads exactly the given text, or the error names the argument."""

import shlex

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, QuotedString
from hypothesis import given
from hypothesis import strategies as st

from seqtag.commands.overrides import PATH_KEYS, hint, quote_values
from seqtag.errors import InputError


def value(word: str, *more: str):
    """Return the value that Hydra reads from an argument after quoting."""
    *_, argument = quote_values([*more, word])
    (override,) = OverridesParser.create().parse_overrides([argument])
    return override.value()


@pytest.mark.parametrize(
    "text",
    [
        *("数据/x", "données", "it's", 'a"b', "a(1)", "(", "#", "a#b", "C:\\x\\é", "a\nb", "a b"),
        *("logs/train/mine/cell=gru,seed=1/model", "x=1", "é\\", "é'\\'", "]", "a}b", "&", "!x"),
        *("a(1,2)", "~x~", "^", "`x`", ";", "<x>"),
    ],
)
@pytest.mark.parametrize("key", ["data.path", "model_dir", "data.comment", "+callbacks.x"])
def test_plain_text_is_quoted(key, text):
    assert value(f"{key}={text}") == text


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("seed=5", 5),
        ("model.words=null", None),
        ("data.columns=[tokens,labels]", ["tokens", "labels"]),
        ("data.files.train=[données.txt,b (1).txt,c]", ["données.txt", "b (1).txt", "c"]),
        ("data.path='a b'", "a b"),
        ("study=1e5", "1e5"),
        ("study=true", "true"),
        ("study=5", "5"),
        ("x={a: 1}", {"a": 1}),
    ],
)
def test_values_that_hydra_can_read_are_unchanged(word, expected):
    assert value(word) == expected


def test_several_values():
    sweep = value("data.path=it's,b,a(1)", "-m")
    assert isinstance(sweep, ChoiceSweep)
    texts = [part.text if isinstance(part, QuotedString) else part for part in sweep.list]
    assert texts == ["it's", "b", "a(1)"]


@pytest.mark.parametrize("name", ["a,b", "5", "true", "cell=gru,seed=1", "[x]", "a\\(1", " x "])
@pytest.mark.parametrize("flags", [[], ["-m"]])
def test_an_existing_path_is_quoted(name, flags, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    assert value(f"model_dir={name}", *flags) == name


def test_the_home_folder_is_expanded(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert value("data.path=~/x") == f"{tmp_path}/x"
    assert value("data.path=~/a,~/b", "-m").list[1].text == f"{tmp_path}/b"
    assert value("data.comment=~") == "~"
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    with pytest.raises(InputError, match=r"'~/x': there is no home folder"):
        value("data.path=~/x")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (
            "data.path=",
            "'data.path=': the value is missing (an unset shell variable?); give a path",
        ),
        (
            "seed= ",
            "'seed= ': the value is missing (an unset shell variable?); to leave it unset",
        ),
        ("data.columns=[tokens,labels", "write 'data.columns=\"[tokens,labels\"'"),
        ("x={a", "'x={a': cannot be read ("),
        ("x='a", "for plain text, write"),
        ("x=int(a)", "invalid literal for int"),
        ("x=interval(0,1", "for plain text, write 'x=\"interval(0,1\"'"),
        ("x=é${", "'x=é${': cannot be read"),
        ("=", "'=': '' is not a key; write key=value without spaces"),
        ("a b=c", "'a b' is not a key"),
        ("ü=c", "'ü' is not a key"),
        ("x=[a,,b]", "write 'x=\"[a,,b]\"'"),
        ("x=\udcff", "not UTF-8"),
    ],
)
def test_contradictory_or_incomplete_values_are_refused(word, message):
    with pytest.raises(InputError) as raised:
        quote_values([word])
    assert message in str(raised.value)


def test_flags_and_other_words_are_unchanged():
    words = ["--cfg", "job", "--config-dir=é", "seed", "~data.path", "~x=é"]
    assert quote_values(words) == words


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_hint_gives_exactly_the_text(text):
    (word,) = shlex.split(hint("data.comment", text))
    assert value(word) == text


@pytest.mark.fuzz("overrides")
@given(
    st.sampled_from([*sorted(PATH_KEYS), "study", "data.comment", "+x.y"]),
    st.one_of(
        st.text(st.characters(exclude_characters="\0")),
        st.text("ab1.,=()[]{}'\"\\$~#:/ \n\té数-+_", max_size=12),
    ),
    st.booleans(),
)
def test_any_value_is_read_literally_or_refused(key, text, several):
    word = f"{key}={text}"
    try:
        *_, argument = quote_values(["-m", word] if several else [word])
    except InputError as error:
        message = str(error)
    else:
        _check_read(key, text, argument)
        return
    assert f"{key}=" in message or repr(text) in message


def _check_read(key: str, text: str, argument: str) -> None:
    """Check that Hydra reads exactly `text` from the quoted argument."""
    (override,) = OverridesParser.create().parse_overrides([argument])
    read = override.value()
    if argument == f"{key}={text}":  # read by Hydra's own grammar, as documented there
        if isinstance(read, str) and not set("\\'\"") & set(text):
            assert read.strip(" \t") == text.strip(" \t")
    elif isinstance(read, ChoiceSweep):
        assert len(read.list) == text.count(",") + 1
    elif isinstance(read, list):
        assert len(read) == text.count(",") + 1
    elif text.startswith("~") and key in PATH_KEYS:
        assert read.startswith("/") or read == text
    elif key == "study" and read != text:
        assert read == text.strip()
    else:
        assert read == text
