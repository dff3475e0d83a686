"""Untrusted text never reaches a terminal with control characters or markup."""

import io
import logging
import logging.config

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from seqtag.cli import main
from seqtag.commands.help import config_dir
from seqtag.data.corpus.corpus import CorpusConfig, load_corpus
from seqtag.data.doctor.doctor import examine, render
from seqtag.report.tables import show_groups, show_scores
from seqtag.sweeps.summary import as_csv
from seqtag.sweeps.table import as_markdown, print_table
from seqtag.terminal import VisibleFormatter, console, escape_controls, single_line

NASTY = ["[/red]", "[red]x", ":smile:", "\x1b[2J", "\x9b31m", "\u202eevil", "\ud800", "\r", "\x07"]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("\x1b[31m", r"\x1b[31m"),
        ("\x9b", r"\x9b"),
        ("a\rb", r"a\rb"),
        ("\u202e", r"\u202e"),
        ("\u2066", r"\u2066"),
        ("\udcff", r"\udcff"),
        ("a\tb\nc", "a\tb\nc"),
        ("naïve 数据 👩\u200d🔬 [/red]", "naïve 数据 👩\u200d🔬 [/red]"),
    ],
)
def test_control_characters_are_escaped(text, escaped):
    assert escape_controls(text) == escaped
    assert single_line(f" {text}\n") == " ".join(escaped.split())


@pytest.mark.fuzz("terminal")
@given(st.text())
def test_any_text_is_escaped_completely(text):
    escaped = escape_controls(text)
    escaped.encode()
    assert not any((0 <= ord(c) < 32 and c not in "\t\n") or 127 <= ord(c) < 160 for c in escaped)
    assert escape_controls(escaped) == escaped
    assert escape_controls(console_text(text)) == console_text(text)


def console_text(renderable):
    to = io.StringIO()
    console(file=to, width=10_000).print(renderable)
    return to.getvalue()


def test_a_pipe_gets_whole_lines(monkeypatch):
    table = Table(*(f"column {i}" for i in range(40)))
    table.add_row(*("a value that is not cut" for _ in range(40)))

    def printed():
        to = io.StringIO()
        console(file=to).print(table)
        return to.getvalue()

    monkeypatch.delenv("COLUMNS", raising=False)
    assert printed().count("a value that is not cut") == 40
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, printed().splitlines())) <= 80


@pytest.mark.parametrize("nasty", NASTY)
def test_console_prints_no_control_characters_or_markup(nasty):
    table = Table(nasty, title=nasty)
    table.add_row(nasty)
    text = console_text(table)
    assert escape_controls(text) == text
    if nasty.isprintable():
        assert text.count(nasty) == 3


@pytest.mark.parametrize("nasty", NASTY)
@pytest.mark.parametrize("safe", [True, False])
def test_tables_are_safe_on_any_console(nasty, safe, capsys):
    to = io.StringIO()
    target = console(file=to, width=300) if safe else Console(file=to, width=300)
    show_groups(nasty, [{"group": nasty, nasty: nasty}], target)
    row = {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 1}
    one = {"n": 1, "accuracy": 1.0}
    scores = {"sentences": 1, "tokens": 1, "accuracy": 1.0, "unknown_tokens": 0, "split": nasty}
    scores |= {"per_label": {nasty: row, "b": row}, "tokens_per_second": 1}
    scores |= {
        "factors": {nasty: {nasty: one, "b": one}, "c": dict.fromkeys([nasty, *"abcdefgh"], one)}
    }
    show_scores(scores, target)
    print_table([[nasty, "b"], [nasty, "c"]])
    text = to.getvalue() + capsys.readouterr().out
    assert "\x1b" not in text
    assert text.count(escape_controls(nasty)) >= 10
    text.encode()


@pytest.mark.parametrize("nasty", NASTY[:6])
def test_data_doctor_output_is_safe(write, nasty):
    name = f"{nasty.replace('/', '')}.txt"
    corpus = load_corpus(
        CorpusConfig(
            format="column",
            path=str(write(name, f"a{nasty}\t{nasty}\nb\tX\n")),
            separator="tab",
            dev_fraction=0,
        )
    )
    to = io.StringIO()
    Console(file=to, width=300).print(render(examine(corpus)))
    assert "\x1b" not in to.getvalue()
    assert escape_controls(name) in to.getvalue()


def test_error_messages_and_log_lines_are_safe(capsys, caplog):
    assert main(["check", "data=column", "data.path='/no/\x1b[2J\u202e/x'"]) == 2
    err = capsys.readouterr().err
    assert r"/no/\x1b[2J\u202e/x" in err
    assert "\x1b" not in err
    record = logging.LogRecord("a", logging.INFO, "f", 1, "%s\nb", ("\x1b[2J",), None)
    assert VisibleFormatter("%(message)s").format(record) == "\\x1b[2J\nb"


def test_hydra_uses_the_formatter():
    config = yaml.safe_load((config_dir() / "hydra" / "default.yaml").read_text(encoding="utf-8"))
    for key in ("job_logging", "hydra_logging"):
        (formatter,) = config[key]["formatters"].values()
        assert formatter["class"] == "seqtag.terminal.VisibleFormatter"


def test_markdown_and_csv_cells_stay_separate():
    nasty = "a|b\n`c` <i>d\\"
    lines = as_markdown([[nasty, "x"], [nasty, "y"]]).splitlines()
    assert len(lines) == 3
    assert lines[2] == r"| a\|b \`c\` \<i>d\\ | y |"
    assert as_csv([{"name": nasty, "other": "x"}]) == f'name,other\n"{nasty}",x\n'
