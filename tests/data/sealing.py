"""Plants a fault in a copy of a file and makes hashes and statistics fit, so that only the fault itself is left to be found."""

import shutil

import h5py
import numpy as np

from pdekit.data.format import content_hash, sample_hashes, split_order
from pdekit.data.statistics import combine, moments


def seal(file):
    """Recompute hashes and statistics of an open file."""
    hashes = {}
    for name in split_order({name: int(np.ravel(group.attrs["split_number"])[0]) for name, group in file.items()}):
        group = file[name]
        stored = {v: group[v][...] for v in group if group[v].attrs.get("role", "record") != "record"}
        hashes[name] = sample_hashes(stored)
        group["sample_hash"][...] = hashes[name]
        if name == "train":
            for v, values in stored.items():
                for key, figure in combine(moments(values), values[0].size).items():
                    group[v].attrs[key] = figure
    file.attrs["content_hash"] = content_hash(hashes.values())


def faulty(path, tmp_path, edit, sealed=True):
    """A copy of a file with `edit(file)` applied, sealed."""
    out = shutil.copy(path, tmp_path / "faulty.h5")
    with h5py.File(out, "r+") as file:
        edit(file)
        if sealed:
            seal(file)
    return out
