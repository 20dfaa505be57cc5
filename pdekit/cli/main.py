"""`pdekit`: the entry point and its verbs. Exit codes: 0 fine, 1 a check or solve failed, 2 wrong use, 130 stopped."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from pdekit import __version__
from pdekit.cli.check import check
from pdekit.cli.compare import compare
from pdekit.cli.evaluate import evaluate
from pdekit.cli.exports import export_file
from pdekit.cli.generate import generate
from pdekit.cli.imports import import_file
from pdekit.cli.info import info
from pdekit.cli.listing import list_
from pdekit.cli.output import fitted
from pdekit.cli.show import show
from pdekit.cli.train import train
from pdekit.errors import BadInput, PdekitError

app = typer.Typer(
    name="pdekit",
    help="Generate PDE data sets with classical solvers, train learned solvers on them, compare the two honestly.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
VERBS = {
    "list": list_,
    "generate": generate,
    "info": info,
    "check": check,
    "show": show,
    "import": import_file,
    "export": export_file,
    "train": train,
    "evaluate": evaluate,
    "compare": compare,
}


def _guarded(verb: Callable[..., None]) -> Callable[..., None]:
    """The verb with its errors as one message and an exit code, before typer sees them and makes codes of its own."""

    @functools.wraps(verb)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            verb(*arguments, **options)
            sys.stdout.flush()
        except KeyboardInterrupt:
            code = _say("stopped; the same command again goes on where it can", 130)
        except PdekitError as error:
            code = _say(str(error), 2 if isinstance(error, BadInput) else 1)
        except BrokenPipeError:  # the reader, `head` for one, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 0
        except MemoryError as error:
            code = _say(f"the memory of this machine is too small for this.\n  found: {error}", 1)
        except OSError as error:
            if error.filename is None:
                raise
            code = _say(f"{str(error.filename)!r} cannot be used.\n  found: {error.strerror}", 1)
        else:
            return
        raise typer.Exit(code)

    return run


for name, verb in VERBS.items():
    app.command(name)(_guarded(verb))


def _print_version(asked: bool) -> bool:
    if asked:
        print(__version__)
        raise typer.Exit
    return asked


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Generate PDE data sets with classical solvers, train learned solvers on them, compare the two honestly."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line on `arguments` (those of the process by default) and return the exit code."""
    try:
        app(args=arguments, prog_name="pdekit")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    return 0


def _say(text: str, code: int) -> int:
    for line in f"pdekit: {text}".splitlines():
        print(*fitted(line, sys.stderr), sep="\n", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
