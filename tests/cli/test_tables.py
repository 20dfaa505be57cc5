"""The tables of README.md are those of the cards."""

import re
from pathlib import Path

import pytest

from pdekit.cli.tables import TABLES, filled, markdown

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TABLES)
def test_the_readme_has_a_place_for_every_table(name):
    assert len(re.findall(rf"<!-- table: {name} -->\n.*?<!-- end -->", README, flags=re.DOTALL)) == 1


def test_the_tables_of_the_readme_are_up_to_date():
    """Where this fails: .venv/bin/python -m pdekit.cli.tables README.md"""
    assert filled(README) == README


def test_what_stands_between_the_marks_is_replaced_and_nothing_else():
    text = "before\n<!-- table: solvers -->\nold | table\n<!-- end -->\nafter <!-- end -->\n"
    new = filled(text)
    assert (
        new == f"before\n<!-- table: solvers -->\n{markdown(TABLES['solvers']())}\n<!-- end -->\nafter <!-- end -->\n"
    )
    assert filled(new) == new


def test_a_bar_in_a_cell_does_not_make_a_column():
    assert markdown([{"a": "x|y", "b": "z"}]) == "| a | b |\n| --- | --- |\n| x\\|y | z |"


@pytest.mark.parametrize("name", TABLES)
def test_rows_have_the_same_columns_and_text_in_each(name):
    rows = TABLES[name]()
    assert rows
    assert {tuple(row) for row in rows} == {tuple(rows[0])}
    assert all(cell.strip() for row in rows for cell in row.values())
