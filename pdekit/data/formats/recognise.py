"""Which layout a file or folder is in, by what it holds; names and endings decide nothing about a file."""

from __future__ import annotations

import zipfile
from pathlib import Path

import h5py

from pdekit.data.safety import open_safely
from pdekit.errors import BadInput, FormatError

KNOWN = (
    "npz or npy arrays; PDEBench (tensor, density or velocity at the root, or one numbered group a seed); "
    "The Well (dataset_name, t0_fields ...); neuraloperator .pt (a dict with x and y)"
)
HDF5 = b"\x89HDF\r\n\x1a\n"


def recognise(source: Path) -> str:
    """ "neuralop", "pdebench", "well" or "arrays". Raises BadInput (no such path), FormatError (none of them)."""
    if source.is_dir():
        return _folder(source)
    if not source.is_file():
        raise BadInput.of(f"there is no file or folder {str(source)!r}.")
    try:
        with source.open("rb") as raw:
            head = raw.read(8)
    except OSError as error:
        raise BadInput.of(f"{str(source)!r} cannot be read.", found=error.strerror) from None
    if head.startswith(b"\x93NUMPY"):
        return "arrays"
    if head.startswith(b"PK"):
        return _archive(source)
    if head == HDF5:
        with open_safely(source) as file:
            return _hdf5(file, source)
    if head.startswith(b"\x80"):  # a pickle: torch.save before 1.6, or something that the .pt reader refuses
        return "neuralop"
    raise FormatError.of(
        f"{str(source)!r} is in no layout that is known.", found=f"first bytes {head!r}", allowed=KNOWN
    )


def _archive(source: Path) -> str:
    try:
        with zipfile.ZipFile(source) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile as error:
        raise FormatError.of(f"{str(source)!r} is a damaged archive.", found=str(error)) from None
    if any(name.endswith("data.pkl") for name in names):
        return "neuralop"
    if names and all(name.endswith(".npy") for name in names):
        return "arrays"
    raise FormatError.of(
        f"{str(source)!r} is an archive of neither arrays nor tensors.",
        found=", ".join(names[:5]) or "nothing in it",
        allowed=KNOWN,
    )


def _hdf5(file: h5py.File, source: Path) -> str:
    names = list(file)
    if "pdekit_format" in file.attrs:
        raise BadInput.of(f"{str(source)!r} is a pdekit file already.", hint="use it as it is")
    if "dataset_name" in file.attrs or "t0_fields" in names:
        return "well"
    if {"tensor", "density", "velocity"} & set(names):
        return "pdebench"
    if names and all(name.isdigit() for name in names):
        return "pdebench"
    raise FormatError.of(
        f"{str(source)!r} is HDF5 in no layout that is known.",
        found=", ".join(names[:8]) or "nothing in it",
        allowed=KNOWN,
    )


def _folder(source: Path) -> str:
    if any(source.glob("*.pt")):
        return "neuralop"
    if (source / "data").is_dir() or any(p.is_dir() and any(p.glob("*.h*5")) for p in source.iterdir()):
        return "well"
    if any(source.glob("*.npy")) or any(source.glob("*.npz")):
        return "arrays"
    raise FormatError.of(
        f"the folder {str(source)!r} holds no layout that is known.",
        found=", ".join(sorted(p.name for p in source.iterdir())[:8]) or "nothing in it",
        allowed=KNOWN,
    )
