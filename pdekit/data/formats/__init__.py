"""Other people's layouts, recognised by content: neuraloperator `.pt`, PDEBench, The Well, plain npz and npy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pdekit.data.formats import arrays, neuralop, pdebench, well, well_export
from pdekit.data.formats.foreign import Foreign
from pdekit.data.formats.nonfinite import sound
from pdekit.data.formats.options import ImportOptions, read_options
from pdekit.data.formats.recognise import recognise
from pdekit.data.read import open_file
from pdekit.data.write import write_dataset
from pdekit.errors import BadInput, unknown_name

Progress = Callable[[int, int, str], None]
READERS: dict[str, Callable[..., Any]] = {
    "neuralop": lambda source, options, stack: neuralop.read(source, options),
    "pdebench": pdebench.read,
    "well": well.read,
    "arrays": lambda source, options, stack: arrays.read(source, options),
}
WRITERS: dict[str, Callable[..., Path]] = {
    "npz": arrays.write,
    "pdebench": pdebench.write,
    "well": well_export.write,
    "neuralop": neuralop.write,
}


def import_file(
    source: str | Path,
    out: str | Path,
    *,
    overrides: Mapping[str, Any] | Iterable[str] | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Turn a file or folder of another layout into a pdekit file at `out`, streamed.

    source      .npz, .npy or a folder of them; a PDEBench .hdf5 or .h5; a folder or file of The Well; a .pt file of
                neuraloperator or a folder of them. The content decides, not the name.
    overrides   what the source does not say: {"boundary": "dirichlet", "length": 2.0, "roles.u": "output"};
                see `options.ImportOptions`

    The attribute `unknown` of the file says what nobody knows about it. Raises BadInput, FormatError, StorageError.
    """
    source, out = Path(source), Path(out)
    options = read_options(overrides)
    layout = recognise(source)
    with ExitStack() as stack:
        foreign = READERS[layout](source, options, stack)
        _check_names(foreign, options, source)
        foreign = sound(foreign, drop=options.nonfinite == "drop", where=str(source))
        return write_dataset(
            out,
            foreign.splits,
            grid=foreign.grids,
            roles=foreign.roles,
            units=foreign.units,
            long_names=foreign.long_names,
            problem=foreign.problem,
            time=foreign.time,
            time_units=foreign.time_units,
            attributes={"source": source.name, **foreign.attributes},
            dtype=options.dtype or foreign.dtype,
            overwrite=overwrite,
            progress=progress,
        )


def _check_names(foreign: Foreign, options: ImportOptions, source: Path) -> None:
    """Raises BadInput where the options name a variable that is not there."""
    names = {name for arrays in foreign.splits.values() for name in arrays}
    for key, given in (("roles", options.roles), ("units", options.units)):
        for name in given:
            if name not in names:
                raise unknown_name("variable", name, names, where=f"--set {key}.{name}, {str(source)!r}")


def export_file(
    path: str | Path,
    to: str,
    out: str | Path,
    *,
    splits: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write a pdekit file in another layout: "npz", "pdebench", "well" or "neuralop"; returns `out`.

    splits      which splits; all of them by default

    "npz" and "pdebench" write one file, "well" and "neuralop" a folder. What the layout has no place for is carried in a
    JSON note that its own readers ignore, or listed there as dropped. Raises BadInput where the data do not fit.
    """
    if to not in WRITERS:
        raise unknown_name("layout to export to", to, WRITERS)
    with open_file(path) as file:
        chosen = [s for s in file.splits if splits is None or s in splits]
        for split in splits or ():
            file.group(split)
        if not chosen:
            raise BadInput.of("no split is named.", allowed=", ".join(file.splits))
        return WRITERS[to](file, Path(out), chosen, progress)


__all__ = ["export_file", "import_file", "recognise"]
