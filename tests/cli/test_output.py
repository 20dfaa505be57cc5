"""Text of the command line: aligned, fitted to the terminal, whole in pipes; bars on terminals, lines elsewhere."""

import io
import os
import time

import pytest

from pdekit.cli import output, progress
from pdekit.cli.output import aligned, duration, fitted
from pdekit.cli.progress import Bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def columns(monkeypatch):
    def wide(n):
        monkeypatch.setattr(output.shutil, "get_terminal_size", lambda: os.terminal_size((n, 24)))

    return wide


def test_columns_are_padded_to_one_width_and_the_last_one_is_not():
    assert aligned([("a", "bbb", "c"), ("aa", "b", "c"), ("x",)], indent=" ") == [" a   bbb  c", " aa  b    c", " x"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.00123, "0.00123 s"), (12.34, "12.3 s"), (99.9, "99.9 s"), (100.0, "1 min 40 s"), (245.0, "4 min 05 s")],
)
def test_durations_are_said_as_people_do(seconds, text):
    assert duration(seconds) == text


def test_long_durations_are_hours():
    assert duration(2 * 3600 + 600.0) == "2 h 10 min"


LINE = "  name      kind  " + "some words " * 12


def test_a_line_is_broken_under_its_last_column(columns):
    columns(60)
    lines = fitted(LINE.rstrip(), Terminal())
    assert len(lines) > 1
    assert all(len(line) <= 60 for line in lines)
    assert all(line.startswith(" " * 18 + "some") or line.startswith(" " * 18 + "words") for line in lines[1:])
    assert " ".join(" ".join(lines).split()) == " ".join(LINE.split())


def test_no_line_is_wider_than_120_on_the_widest_terminal(columns):
    columns(400)
    assert max(len(line) for line in fitted(LINE * 2, Terminal())) <= 120


def test_a_last_column_that_would_be_too_narrow_is_broken_under_an_earlier_one(columns):
    columns(50)
    lines = fitted("  ab  " + "c" * 30 + "  some words that do not fit beside the others", Terminal())
    assert [line[:7] for line in lines[1:]] == [" " * 6 + line[6] for line in lines[1:]]
    assert all(len(line) <= 50 for line in lines)


def test_lines_in_files_and_pipes_stay_whole(columns):
    columns(60)
    assert fitted(LINE, io.StringIO()) == [LINE]


@pytest.mark.parametrize("word", ["x" * 300, "a" * 64 + "/" + "b" * 64])
def test_a_word_is_never_broken(word, columns):
    columns(60)
    assert word in fitted(f"path  {word}", Terminal())[-1]


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_quick_work_shows_nothing(clock, capsys):
    with Bar() as bar:
        for k in range(10):
            bar(k, 10, "samples")
            clock[0] += progress.PATIENCE / 20
    assert capsys.readouterr() == ("", "")


def test_outside_a_terminal_progress_is_a_line_now_and_then_on_stderr(clock, capsys):
    with Bar() as bar:
        for k in range(100):
            clock[0] += 1.0
            bar(k, 100, "samples")
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[0] == "samples: 0 of 100"
    assert len(lines) == 10


def test_on_a_terminal_progress_is_a_bar_on_stderr(clock, capsys, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(progress.sys, "stderr", terminal)
    with Bar() as bar:
        clock[0] += 2 * progress.PATIENCE
        bar(3, 10, "samples")
        bar(1, 4, "assembling")
    assert capsys.readouterr().out == ""
    assert "assembling" in terminal.getvalue()
    assert "1/4" in terminal.getvalue()
