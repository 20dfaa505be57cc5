"""The place an export is written to: a temporary name beside it first, renamed when whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pdekit.errors import BadInput, StorageError


@contextmanager
def fresh(out: Path, *, folder: bool = False) -> Iterator[Path]:
    """Give a path to write to, which becomes `out` when the block ends well and is removed when it does not.

    Raises BadInput where `out` exists or its folder cannot be written, StorageError where the disk refuses.
    """
    if out.exists():
        raise BadInput.of(f"{str(out)!r} exists.", hint="choose another --out, or remove it")
    parent = out.absolute().parent
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise BadInput.of(
            f"nothing can be written to {str(parent)!r}.", hint="choose an --out in a folder that you own"
        )
    partial = out.with_name(f".partial-{os.getpid()}-{out.name}")
    try:
        if folder:
            partial.mkdir()
        yield partial
        partial.replace(out)
    except OSError as error:
        raise StorageError.of(out, error) from None
    except RuntimeError as error:  # h5py and torch so report a disk that refuses a file while it is closed
        if type(error) is not RuntimeError:  # RecursionError, NotImplementedError: no fault of a disk
            raise
        raise StorageError.of(out, OSError(str(error).partition("\n")[0])) from None
    finally:
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)
