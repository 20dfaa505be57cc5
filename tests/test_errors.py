"""Messages: what, where, found, allowed, next, in this order; near names first; exit codes follow the class."""

import errno

import pytest

from pdekit.errors import BadInput, FormatError, PdekitError, SolveError, StorageError, unknown_name


def test_a_message_has_its_parts_in_order():
    error = BadInput.of("it cannot be used.", where="a.toml", found=0, allowed="1 to 3", hint="try 2")
    assert str(error) == "it cannot be used.\n  in a.toml\n  found: 0\n  allowed: 1 to 3\n  next: try 2"


def test_parts_that_are_not_given_leave_no_line():
    assert str(BadInput.of("no.")) == "no."
    assert str(BadInput.of("no.", hint="yes")) == "no.\n  next: yes"
    assert str(BadInput.of("no.", found="")) == "no.\n  found: "  # an empty text was found; None: nothing is said


def test_of_keeps_the_class():
    assert type(FormatError.of("x")) is FormatError


@pytest.mark.parametrize("kind", [BadInput, FormatError, SolveError, StorageError])
def test_all_are_caught_as_one(kind):
    assert issubclass(kind, PdekitError)


def test_wrong_use_is_a_value_error_and_a_failed_solve_is_not_wrong_use():
    assert issubclass(BadInput, ValueError)
    assert issubclass(FormatError, BadInput)
    assert not issubclass(SolveError, BadInput)
    assert not issubclass(StorageError, BadInput)


def test_near_names_come_first_and_all_are_listed():
    text = str(unknown_name("solver", "pcg-multigird", ["direct", "multigrid", "pcg-multigrid"], hint="look"))
    first, allowed, hint = text.splitlines()
    assert first == "there is no solver named 'pcg-multigird'."
    assert allowed == "  allowed: did you mean 'pcg-multigrid', 'multigrid'? all: direct, multigrid, pcg-multigrid"
    assert hint == "  next: look"


def test_nothing_is_guessed_where_nothing_is_near():
    assert "did you mean" not in str(unknown_name("solver", "zzz", ["cg", "direct"]))
    assert str(unknown_name("solver", "zzz", [])).endswith("allowed: none")


def test_storage_errors_say_what_the_system_said():
    text = str(StorageError.of("a.h5", OSError(errno.ENOSPC, "No space left on device")))
    assert text.startswith("'a.h5' cannot be written.\n  found: No space left on device\n  next: ")
