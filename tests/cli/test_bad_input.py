"""Wrong input of every kind, to every verb: each is refused with 2 and a message, and nothing is left behind."""

import shlex

import pytest

SMALL = "darcy-2d-small --out new.h5 --set grid.points=16 --set splits.train=2 --set splits.valid=1 --set splits.test=1"
CASES: dict[str, tuple[str, ...]] = {  # what is wrong: (command, what the message says ...)
    "verb": ("generat x", "Error: No such command 'generat'. Did you mean 'generate'?"),
    "no-out": ("generate darcy-2d", "Error: Missing option '--out'."),
    "option": (
        "generate {small} --sed 1",
        "Error: No such option: --sed (Possible options: --scheduler, --seed, --set)",
    ),
    "seed-word": (
        "generate {small} --seed one",
        "Error: Invalid value for '--seed': Input should be a valid integer, unable",
    ),
    "workers-word": (
        "generate {small} --workers many",
        "Error: Invalid value for '--workers': Input should be a valid integer,",
    ),
    "list": (
        "list solver",
        "there is no list named 'solver'.",
        "allowed: did you mean 'solvers'? all: datasets, metrics, problems, solvers",
    ),
    # recipes by name and by path
    "recipe-name": (
        "generate darcy-2e --out new.h5",
        "there is no data set named 'darcy-2e'.",
        "allowed: did you mean 'darcy-2d', 'darcy-3d', 'darcy-2d-small'? all:",
        "next: `pdekit list datasets`, or give a path to a .toml",
    ),
    "recipe-path": (
        "generate my.toml --out new.h5",
        "there is no recipe at 'my.toml'.",
        "next: `pdekit list` shows what comes with pdekit",
    ),
    "recipe-folder": ("generate {bad}/folder --out new.h5", "holds no recipe.toml.", "next: `pdekit list datasets`"),
    "recipe-not-toml": (
        "generate {bad}/broken.toml --out new.h5",
        "this is not valid TOML.",
        "in recipe",
        "found: Invalid value (at line 2, column 9)",
    ),
    "recipe-nested": ("generate {bad}/nested.toml --out new.h5", "this TOML is nested too deeply.", "in recipe"),
    "recipe-binary": ("generate {bad}/binary.toml --out new.h5", "cannot be read as text."),
    "recipe-empty": (
        "generate {bad}/empty.toml --out new.h5",
        "has 6 fault(s)",
        "format: this key is required",
        "title: this key is required",
        "problem: this key is required",
    ),
    "recipe-typo": (
        "generate {bad}/typo.toml --out new.h5",
        "has 2 fault(s)",
        "splits: this key is required",
        "splitz (line 33): unknown key",
        "did you mean 'splits'?",
    ),
    "recipe-several-faults": (
        "generate {bad}/several-faults.toml --out new.h5",
        "has 2 fault(s)",
        "grid (line 10): points along y cannot be used",
        "found: -1",
        "allowed: an integer >= 2",
    ),
    "recipe-format": ("generate {small} --set format=2", "format (as overridden): Input should be 1", "found: 2"),
    # overrides
    "set-no-value": (
        "generate {small} --set grid.points",
        "an override cannot be read.",
        "found: 'grid.points",
        "allowed: key=value, e.g. grid.points=64",
    ),
    "set-no-key": (
        "generate {small} --set =3",
        "an override cannot be read.",
        "found: '=3",
        "allowed: key=value, e.g. grid.points=64",
    ),
    "set-words": (
        "generate {small} --set 'title=two words'",
        "an override cannot be read.",
        "found: 'title=two words",
        "allowed: a TOML value or one bare word",
    ),
    "set-typo": (
        "generate {small} --set grid.pionts=64",
        "grid.pionts (as overridden): unknown key",
        "did you mean 'points'?",
    ),
    "set-through": (
        "generate {small} --set title.x=1",
        "the override 'title.x' goes through 'title', which is not a table.",
    ),
    "set-empty-part": (
        "generate {small} --set grid..points=1",
        "grid. (as overridden): unknown key",
        "allowed: boundary, boundary_value, length, location, points, robin",
    ),
    # the grid
    "points-one": (
        "generate {small} --set grid.points=1",
        "grid (as overridden): points along x cannot be used",
        "found: 1",
        "allowed: an integer >= 2",
    ),
    "points-negative": (
        "generate {small} --set grid.points=[16,-16]",
        "grid (as overridden): points along y cannot be used",
        "found: -16",
        "allowed: an integer >= 2",
    ),
    "points-word": (
        "generate {small} --set grid.points=many",
        "grid.points (as overridden): Input should be a valid integer, unable to",
        "found: 'many' or: Input should be a valid list",
        "found: 'many",
    ),
    "points-half": (
        "generate {small} --set grid.points=2.5",
        "grid.points (as overridden): Input should be a valid integer, got a number",
        "found: 2.5 or: Input should be a valid list",
        "found: 2.5",
    ),
    "points-true": (
        "generate {small} --set grid.points=true",
        "grid (as overridden): points along x cannot be used",
        "found: 1",
        "allowed: an integer >= 2",
    ),
    "points-4d": (
        "generate {small} --set grid.points=[4,4,4,4]",
        "grid (as overridden): points and length do not describe a box in 1 to 3",
        "found: points = [4, 4, 4, 4], length = [1.0, 1.0]",
        "allowed: 1 to 3 entries each, the same number in both, or one number for",
    ),
    "points-empty": (
        "generate {small} --set grid.points=[]",
        "grid (as overridden): points and length do not describe a box in 1 to 3",
        "found: points = [], length = [1.0, 1.0]",
        "allowed: 1 to 3 entries each, the same number in both, or one number for",
    ),
    "points-huge": (
        "generate {small} --set grid.points=10000000",
        "the disk has no room for 'new.h5'.",
        "next: choose another --out, fewer samples, or storage.compression",
    ),
    "length-zero": (
        "generate {small} --set grid.length=0",
        "grid (as overridden): length along x cannot be used",
        "found: 0.0",
        "allowed: a number > 0",
    ),
    "length-nan": (
        "generate {small} --set grid.length=nan",
        "grid (as overridden): length along x cannot be used",
        "found: nan",
        "allowed: a number > 0",
    ),
    "length-count": (
        "generate {small} --set grid.points=[16,16] --set grid.length=[1,1,1]",
        "grid (as overridden): points and length do not describe a box in 1 to 3",
        "found: points = [16, 16], length = [1.0, 1.0, 1.0]",
        "allowed: 1 to 3 entries each, the same number in both, or one number for",
    ),
    "location": (
        "generate {small} --set grid.location=node",
        "grid.location (as overridden): Input should be 'cell' or 'vertex",
        "found: 'node",
    ),
    "boundary-typo": (
        "generate {small} --set grid.boundary=dirichlt",
        "grid (as overridden): there is no boundary type (face x_low) named 'dirichlt",
        "allowed: did you mean 'dirichlet'? all: dirichlet, neumann, periodic, robin",
    ),
    "boundary-no-solution": (
        "generate {small} --set grid.boundary=periodic",
        "the equation has no solution: the operator is singular and the right-hand",
        "in split 'train', sample 0",
        "found: no face is dirichlet or robin, and the sources do not sum to what",
    ),
    "boundary-one-face": (
        "generate {small} --set 'grid.boundary={x_low=\"periodic\"}'",
        "grid (as overridden): axis x is periodic on one face only",
        "found: x_low = 'periodic', x_high = 'dirichlet",
        "allowed: both faces of an axis periodic, or neither",
    ),
    "boundary-face": (
        "generate {small} --set 'grid.boundary={w_low=\"neumann\"}'",
        "grid (as overridden): there is no face in boundary named 'w_low",
        "allowed: did you mean 'y_low', 'x_low'? all: x_high, x_low, y_high, y_low",
    ),
    "boundary-value-nan": (
        "generate {small} --set grid.boundary_value=nan",
        "grid (as overridden): boundary value on face x_low cannot be used",
        "found: nan",
        "allowed: a finite number",
    ),
    "boundary-value-law": (
        "generate {small} --set 'grid.boundary_value={x_low={law=\"sine\"}}'",
        "grid (as overridden): there is no law named 'sine",
        "allowed: did you mean 'sine-series', 'gaussian'? all: blobs, bump, column, constant,",
    ),
    "robin-pair": (
        "generate {small} --set grid.boundary=robin --set 'grid.robin={x_low=[0.0,1.0]}'",
        "grid (as overridden): the robin pair on face x_low cannot be used",
        "found: (0.0, 1.0)",
        "allowed: (alpha, beta), both finite and > 0 (alpha = 0 is neumann, beta = 0",
    ),
    "one-dimension": (
        "generate darcy-2d-small --out new.h5 --set grid.points=[16] --set grid.length=[1.0]",
        "grid: problem 'darcy' needs a grid with 2 or 3 axes",
        "found: 1 axis",
    ),
    # problem, parameters, solver
    "problem": (
        "generate {small} --set problem=darcyy",
        "problem (as overridden): there is no problem named 'darcyy",
        "allowed: did you mean 'darcy'? all: advection, advection-diffusion, allen-cahn,",
        "found: 'darcyy",
    ),
    "parameter": (
        "generate {small} --set parameters.viscosity=1",
        "parameters: there is no parameter of problem 'darcy' named 'viscosity",
        "parameters",
        "allowed: face_mean",
    ),
    "parameter-value": (
        "generate {small} --set parameters.face_mean=geometric",
        "parameters: face_mean of Darcy",
        "found: 'geometric",
        'allowed: "arithmetic", "harmonic"',
    ),
    "parameter-negative": (
        "generate poisson-2d --out new.h5 --set parameters.diffusivity=-1",
        "parameters: diffusivity of Poisson",
        "found: -1",
        "allowed: a number > 0",
    ),
    "parameter-law": (
        "generate poisson-2d --out new.h5 --set 'parameters.diffusivity={law=\"gaussian\",gauss={}}'",
        "parameters.diffusivity: variance_factor of a Gaussian field",
        "found: None",
    ),
    "solver": (
        "generate {small} --set solver=pcg-multigird",
        "solver (as overridden): there is no solver named 'pcg-multigird",
        "allowed: did you mean 'pcg-multigrid', 'fno+pcg-multigrid', 'multigrid'? all: amg,",
        "next: `pdekit list solvers`, or give a path to a .toml",
    ),
    "solver-learned": (
        "generate {small} --set solver=fno",
        "solver (as overridden): 'fno' is a learned solver",
        "data are made by classical ones",
        "found: 'fno",
    ),
    "solver-does-not-serve": (
        "generate {small} --set solver=fast-poisson",
        "has 2 fault(s)",
        "solver: 'fast-poisson' asks for a problem that is constant-coefficient",
        "darcy' is not",
        "solver_settings: there is no setting of solver 'fast-poisson' named 'rtol",
    ),
    "solver-setting": (
        "generate {small} --set solver_settings.rtoll=1e-8",
        "solver_settings: there is no setting of solver 'pcg-multigrid' named 'rtoll",
        "allowed: did you mean 'rtol', 'atol'? all: atol, grid_factor, max_steps,",
    ),
    "rtol-zero": (
        "generate {small} --set solver_settings.rtol=0",
        "solver_settings.rtol: found 0",
        "allowed: a number below 1 and not below 2.2e-16, the rounding of float64",
    ),
    "rtol-nan": (
        "generate {small} --set solver_settings.rtol=nan",
        "solver_settings.rtol: found nan",
        "allowed: a number below 1 and not below 2.2e-16, the rounding of float64",
    ),
    "rtol-word": (
        "generate {small} --set solver_settings.rtol=small",
        "solver_settings.rtol: found 'small",
        "allowed: a number below 1 and not below 2.2e-16, the rounding of float64",
    ),
    "rtol-below-attainable": (
        "generate {small} --set solver_settings.rtol=1e-30",
        "solver_settings.rtol: found 1e-30",
        "allowed: a number below 1 and not below 2.2e-16, the rounding of float64",
    ),
    "max-steps": (
        "generate {small} --set solver_settings.max_steps=-1",
        "max_steps of a solver.",
        "found: -1",
        "allowed: an integer >= 0, or none",
    ),
    "precond-dtype": (
        "generate {small} --set solver_settings.precond_dtype=float16",
        "precond_dtype of multigrid.",
        "found: float16",
        "allowed: float32, float64",
    ),
    # fields and their laws
    "field-missing": (
        "generate {bad}/no-field.toml --out new.h5",
        "fields.source: the problem 'darcy' needs a law for this input",
    ),
    "field-unknown": (
        "generate {small} --set 'fields.porosity={law=\"constant\",value=1}'",
        "fields: there is no input field of problem 'darcy' named 'porosity",
        "allowed: did you mean 'permeability'? all: permeability, source",
    ),
    "law-unknown": (
        "generate {small} --set fields.permeability.law=two-phases",
        "fields (as overridden): there is no law named 'two-phases",
        "allowed: did you mean 'two-phase'? all: blobs, bump, column, constant,",
    ),
    "law-key": (
        "generate {small} --set fields.permeability.hihg=3",
        "fields (as overridden): there is no key of law 'two-phase' named 'hihg",
        "allowed: did you mean 'high'? all: gauss, high, low, threshold",
    ),
    "law-nan": (
        "generate {small} --set fields.source.value=nan",
        "fields (as overridden): value of law 'constant' is out of range",
        "found: nan",
    ),
    "law-word": (
        "generate {small} --set fields.source.value=one",
        "fields (as overridden): value of law 'constant' is out of range",
        "found: 'one",
    ),
    "law-gauss-alpha": (
        "generate {small} --set fields.permeability.gauss.alpha=-1",
        "fields (as overridden): alpha of a Gaussian field",
        "found: -1",
    ),
    "law-gauss-boundary": (
        "generate {small} --set fields.permeability.gauss.boundary=robin",
        "fields (as overridden): there is no boundary of a Gaussian field named",
        "allowed: dirichlet, neumann, periodic",
    ),
    "law-gauss-key": (
        "generate {small} --set fields.permeability.gauss.sigma=1",
        "fields (as overridden): there is no key of a Gaussian field named 'sigma",
        "allowed: alpha, boundary, tau, unit_box, variance_factor, zero_mean",
    ),
    "law-not-a-table": (
        "generate {small} --set fields.source=1.0",
        "fields.source (as overridden): Input should be a valid dictionary",
        "found: 1.0",
    ),
    "permeability-negative": (
        "generate {small} --set fields.permeability.low=-3",
        "input field 'permeability' of problem 'darcy' must be positive.",
        "found: -3 in sample 0",
        "next: check the law of this field, or the units of the imported data",
    ),
    "contrast": (
        "generate darcy-lognormal-2d --out new.h5 --set fields.permeability.contrast=0.5",
        "fields (as overridden): contrast of law 'log-normal' is out of range",
        "found: 0.5",
    ),
    # units, splits, storage
    "unit": (
        "generate {small} --set 'units.pressure=\"\"'",
        "units (as overridden): the unit of 'pressure' cannot be read:",
        "allowed: e.g. 'm', 'kg m-3', '1",
    ),
    "unit-of-what": (
        "generate {small} --set units.presure=Pa",
        "units: there is no quantity named 'presure",
        "allowed: did you mean 'pressure', 'source'? all: face_mean, length,",
    ),
    "splits-none": (
        "generate {small} --set 'splits={}'",
        "splits (as overridden): at least one split is needed, e.g. train = 100",
    ),
    "split-zero": (
        "generate {small} --set splits.train=0",
        "splits.train (as overridden): Input should be greater than or equal to 1",
        "found: 0",
    ),
    "split-half": (
        "generate {small} --set splits.train=1.5",
        "splits.train (as overridden): Input should be a valid integer, got a number",
        "found: 1.5",
    ),
    "split-name": (
        "generate {small} --set splits.Test=2",
        "splits (as overridden): the split name 'Test' cannot be used",
        "allowed: lower-case letters, digits, _",
    ),
    "split-path": (
        "generate {small} --set 'splits=\"all\"'",
        "splits (as overridden): at least one split is needed, e.g. train = 100",
        "found: 'all",
    ),
    "split-sets-solver": (
        "generate {small} --set 'splits.hard={samples=2,set={solver=\"cg\"}}'",
        "splits.hard.set (as overridden): a split cannot set 'solver",
        "allowed: keys below grid, parameters, fields",
    ),
    "split-sets-wrong": (
        "generate {small} --set 'splits.hard={samples=2,set={\"fields.permeability.hihg\"=1}}'",
        "split 'hard' has 1 fault(s):",
        "fields: there is no key of law 'two-phase' named 'hihg",
    ),
    "dtype": (
        "generate {small} --set storage.dtype=float16",
        "storage.dtype (as overridden): Input should be 'float32' or 'float64",
        "found: 'float16",
    ),
    "compression": (
        "generate {small} --set storage.compression=snappy",
        "storage.compression (as overridden): Input should be 'none', 'gzip', 'lzf',",
        "found: 'snappy",
    ),
    "batch": (
        "generate {small} --set storage.batch=0",
        "storage.batch (as overridden): Input should be greater than or equal to 1",
        "found: 0",
    ),
    "on-failure": (
        "generate {small} --set on_failure=ignore",
        "on_failure (as overridden): Input should be 'stop', 'drop' or 'keep",
        "found: 'ignore",
    ),
    "reference-method": (
        "generate {small} --set reference_error.method=guess",
        "reference_error.method (as overridden): Input should be 'refine', 'tighten', 'step' or 'both",
        "found: 'guess",
    ),
    "reference-tighten": (
        "generate poisson-2d --out new.h5 --set reference_error.method=tighten",
        "reference_error.method: 'tighten' needs a solver with rtol",
        "fast-poisson' has none",
    ),
    "no-room": (
        "generate {small} --set splits.train=100000000000",
        "the disk has no room for 'new.h5'.",
        "next: choose another --out, fewer samples, or storage.compression",
    ),
    # seeds, workers
    "seed-negative": (
        "generate {small} --seed -1",
        "seed (as overridden): Input should be greater than or equal to 0",
        "found: -1",
    ),
    "seed-huge": (
        "generate {small} --seed 18446744073709551616",
        "seed (as overridden): Input should be less than 9223372036854775808",
        "found: 18446744073709551616",
    ),
    "workers-zero": (
        "generate {small} --workers 0",
        "the number of workers cannot be used.",
        "found: 0",
        "allowed: an integer from 1 to",
    ),
    "workers-negative": (
        "generate {small} --workers -1",
        "the number of workers cannot be used.",
        "found: -1",
        "allowed: an integer from 1 to",
    ),
    "workers-thousand": (
        "generate {small} --workers 1000",
        "the number of workers cannot be used.",
        "found: 1000",
        "allowed: an integer from 1 to",
    ),
    "scheduler": (
        "generate {small} --scheduler nowhere",
        "the dask scheduler at 'nowhere' does not answer.",
        "found: missing port number in address 'nowhere",
        "allowed: an address such as tcp://host:8786, as `dask scheduler` prints it",
    ),
    # targets
    "out-folder": (
        "generate darcy-2d-small --out {bad}/folder",
        "is a folder.",
        "allowed: a file name, e.g. runs/darcy.h5",
    ),
    "out-below-file": (
        "generate darcy-2d-small --out {bad}/text.h5/new.h5",
        "nothing can be written to",
        "found: the folder is read-only or not a folder",
        "next: choose an --out in a folder that you may write to",
    ),
    "out-foreign": (
        "generate darcy-2d-small --out {bad}/text.h5",
        "exists and is no pdekit file.",
        "is not an HDF5 file.",
        "found: first bytes b'this is",
    ),
    "out-other-recipe": (
        "generate darcy-2d-small --out {data}",
        "exists and was made from another recipe or seed.",
        "next: choose another --out, or delete the file first",
    ),
    # data files: info looks at everything that can be wrong
    "file-missing": ("info nothing.h5", "there is no file 'nothing.h5'."),
    "file-empty": (
        "info {bad}/empty.h5",
        "is not an HDF5 file.",
        "found: first bytes b",
        "allowed: a file written by pdekit; `pdekit import` reads other formats",
    ),
    "file-text": (
        "info {bad}/text.h5",
        "is not an HDF5 file.",
        "found: first bytes b'this is",
        "allowed: a file written by pdekit; `pdekit import` reads other formats",
    ),
    "file-truncated": ("info {bad}/truncated.h5", "is truncated.", "next: copy or generate it again"),
    "file-superblock": ("info {bad}/superblock.h5", "is a damaged HDF5 file.", "next: copy or generate it again"),
    "file-foreign": (
        "info {bad}/foreign.h5",
        "is HDF5 but not a pdekit file.",
        "found: no attribute pdekit_format",
        "next: `pdekit import` reads other people's layouts",
    ),
    "file-external-link": (
        "info {bad}/external-link.h5",
        "holds something that is never followed.",
        "in /test/secret",
        "found: an external link to '/etc/shadow':'/root",
    ),
    "file-soft-link": (
        "info {bad}/soft-link.h5",
        "holds something that is never followed.",
        "in /test/alias",
        "found: a soft link to '/train/pressure",
    ),
    "file-virtual": (
        "info {bad}/virtual.h5",
        "holds something that is never followed.",
        "in /test/borrowed",
        "found: a virtual data set that takes its values from '../../elsewhere.h5",
    ),
    "file-raw-outside": (
        "info {bad}/raw-outside.h5",
        "holds something that is never followed.",
        "in /test/outside",
        "found: raw data outside the file, in '/etc/hostname",
    ),
    "file-reference": (
        "info {bad}/reference.h5",
        "holds something that is never followed.",
        "in /test/pointer",
        "found: object references",
    ),
    "file-filter": (
        "info {bad}/filter.h5",
        "uses a filter that is not read.",
        "in /test/squeezed",
        "found: filter 32001 (blosc)",
    ),
    "file-compound": (
        "info {bad}/compound.h5",
        "holds something that is never followed.",
        "in /test/pairs",
        "found: values of type [('a', '<f4'), ('b', '<i4')]",
    ),
    "file-future": (
        "info {bad}/future.h5",
        "has a format that this version cannot read.",
        "found: pdekit_format 99",
        "allowed: 1",
    ),
    "file-no-splits": ("info {bad}/no-splits.h5", "holds no split.", "allowed: groups such as train, valid, test"),
    "file-unequal": (
        "info {bad}/unequal.h5",
        "the variables of a split differ in their number of samples.",
        "split /test",
        "found: [1, 2]",
    ),
    "info-folder": (
        "info {bad}/folder",
        "is not a run folder.",
        "found: a folder without run.json and card.toml",
        "allowed: a data set (.h5), or a folder written by `pdekit train`",
    ),
    "info-broken-run": (
        "info {bad}/run-broken-record",
        "cannot be read as JSON.",
        "found: Expecting property name enclosed in double quotes: line 1 column 2",
    ),
    "check-missing": ("check nothing.h5", "there is no file 'nothing.h5'."),
    "check-folder": ("check {bad}/folder", "is not a file.", "allowed: a pdekit file (.h5)"),
    "check-against-missing": ("check {data} --against nothing.h5", "there is no file 'nothing.h5'."),
    "check-against-foreign": (
        "check {data} --against {bad}/foreign.h5",
        "is HDF5 but not a pdekit file.",
        "found: no attribute pdekit_format",
        "next: `pdekit import` reads other people's layouts",
    ),
    "show-missing": ("show nothing.h5", "there is no file 'nothing.h5'."),
    "show-sample": (
        "show {data} --sample 99 --out new.png",
        "has no sample 99.",
        "found: 4 samples",
        "allowed: 0 to 3",
    ),
    "show-sample-negative": (
        "show {data} --sample -1 --out new.png",
        "has no sample -1.",
        "found: 4 samples",
        "allowed: 0 to 3",
    ),
    "show-ending": (
        "show {data} --out new.xyz",
        "a picture cannot be written as 'new.xyz'.",
        "found: ending '.xyz",
        "allowed: .png, .pdf, .svg, .gif, .mp4 (the last two for trajectories)",
    ),
    "show-link": (
        "show {bad}/external-link.h5 --out new.png",
        "holds something that is never followed.",
        "in /test/secret",
        "found: an external link to '/etc/shadow':'/root",
    ),
    # other people's files
    "import-missing": ("import nothing.npz --out new.h5", "there is no file or folder 'nothing.npz'."),
    "import-text": (
        "import {bad}/text.h5 --out new.h5",
        "is in no layout that is known.",
        "found: first bytes b'this is",
        "allowed: npz or npy arrays; PDEBench (tensor, density or velocity at the",
    ),
    "import-own": ("import {data} --out new.h5", "is a pdekit file already.", "next: use it as it is"),
    "import-foreign": (
        "import {bad}/foreign.h5 --out new.h5",
        "is HDF5 in no layout that is known.",
        "found: pressure",
        "allowed: npz or npy arrays; PDEBench (tensor, density or velocity at the",
    ),
    "import-folder": (
        "import {bad}/folder --out new.h5",
        "holds no layout that is known.",
        "found: nothing in it",
        "allowed: npz or npy arrays; PDEBench (tensor, density or velocity at the",
    ),
    "import-roles": (
        "import {bad}/good.npz --out new.h5",
        "nothing says which of the arrays in",
        "found: a",
        "allowed: a role for each: input, output, parameter, geometry, boundary",
    ),
    "import-role": (
        "import {bad}/good.npz --out new.h5 --set roles.a=inputs --set roles.u=output",
        "the role of variable 'a' is not known.",
        "found: 'inputs",
        "allowed: input, output, parameter, geometry, boundary",
    ),
    "import-option": (
        "import {bad}/good.npz --out new.h5 --set boundry=periodic",
        "boundry: unknown key",
        "did you mean 'boundary'?",
    ),
    "import-boundary": (
        "import {bad}/good.npz --out new.h5 --set boundary=open --set roles.a=input --set roles.u=output",
        "there is no boundary type (face x_low) named 'open'.",
        "allowed: dirichlet, neumann, periodic, robin",
    ),
    "import-nan": (
        "import {bad}/nan.npz --out new.h5 --set roles.a=input --set roles.u=output",
        "holds samples that are not finite, and a split would have no others.",
        "found: train: 3 of 3 samples (0, 1, 2)",
    ),
    "import-counts": (
        "import {bad}/counts.npz --out new.h5 --set roles.a=input --set roles.u=output",
        "the variables of split 'train' differ in their number of samples.",
        "found: a 3, u 2",
    ),
    "import-shapes": (
        "import {bad}/shapes.npz --out new.h5 --set roles.a=input --set roles.u=output",
        "variable 'u' does not lie on the grid.",
        "found: shape (n, 8, 9)",
        "allowed: (n, [t], 8, 8, [c]); an axis t needs time=",
    ),
    "import-words": (
        "import {bad}/words.npz --out new.h5 --set roles.a=input --set roles.u=output",
        "variable 'u' is no array of real numbers.",
        "found: <U1, shape (3, 8, 8)",
    ),
    "import-objects": (
        "import {bad}/objects.npz --out new.h5",
        "holds Python objects, which may run code when they are loaded, and is not",
        "allowed: arrays of numbers",
    ),
    "import-object": (
        "import {bad}/object.npy --out new.h5",
        "cannot be read as NumPy arrays.",
        "found: Array can't be memory-mapped: Python objects in dtype.",
    ),
    "import-nothing": (
        "import {bad}/empty.npz --out new.h5",
        "is an archive of neither arrays nor tensors.",
        "found: nothing in it",
        "allowed: npz or npy arrays; PDEBench (tensor, density or velocity at the",
    ),
    "import-broken": ("import {bad}/broken.npz --out new.h5", "is a damaged archive.", "found: File is not a zip file"),
    "import-pickle": (
        "import {bad}/trap.pt --out new.h5",
        "holds Python objects, which may run code when they are loaded, and is not",
        "allowed: a dict of tensors, numbers and text",
        "next: its author can save it anew: torch.save({'x': x, 'y': y}, path)",
    ),
    "import-pickle-new": (
        "import {bad}/trap-new.pt --out new.h5",
        "holds Python objects, which may run code when they are loaded, and is not",
        "allowed: a dict of tensors, numbers and text",
        "next: its author can save it anew: torch.save({'x': x, 'y': y}, path)",
    ),
    "import-list": (
        "import {bad}/list.pt --out new.h5",
        "is not a dict of tensors.",
        "found: list",
        "allowed: {'x': ..., 'y': ...}",
    ),
    "import-zip": (
        "import {bad}/other.zip --out new.h5",
        "is an archive of neither arrays nor tensors.",
        "found: readme.txt",
        "allowed: npz or npy arrays; PDEBench (tensor, density or velocity at the",
    ),
    "import-existing": (
        "import {bad}/good.npz --out {data} --set roles.a=input --set roles.u=output",
        "exists.",
        "next: choose another path, or say --overwrite (in Python overwrite=True)",
    ),
    "import-out-folder": (
        "import {bad}/good.npz --out {bad}/folder --set roles.a=input --set roles.u=output",
        "exists.",
        "next: choose another path, or say --overwrite (in Python overwrite=True)",
    ),
    "export-layout": (
        "export {data} --to netcdf --out new",
        "there is no layout to export to named 'netcdf'.",
        "allowed: neuralop, npz, pdebench, well",
    ),
    "export-missing": ("export nothing.h5 --to npz --out new.npz", "there is no file 'nothing.h5'."),
    "export-foreign": (
        "export {bad}/foreign.h5 --to npz --out new.npz",
        "is HDF5 but not a pdekit file.",
        "found: no attribute pdekit_format",
        "next: `pdekit import` reads other people's layouts",
    ),
    "export-existing": (
        "export {data} --to npz --out {bad}/good.npz",
        "exists.",
        "next: choose another --out, or remove it",
    ),
    # training
    "train-solver": (
        "train fnoo {data} --out new",
        "there is no solver named 'fnoo'.",
        "allowed: did you mean 'fno', 'tfno', 'fno+sor'? all: amg, ars443, bicgstab, cg,",
        "next: `pdekit list solvers`, or give a path to a .toml",
    ),
    "train-classical": (
        "train pcg-multigrid {data} --out new",
        "solver 'pcg-multigrid' has nothing to train.",
        "found: a card without [model]: a classical solver",
        "next: use it as it is: `pdekit compare FILE --solver pcg-multigrid ...`",
    ),
    "train-missing": ("train pod-ridge nothing.h5 --out new", "there is no file 'nothing.h5'."),
    "train-foreign": (
        "train pod-ridge {bad}/foreign.h5 --out new",
        "is HDF5 but not a pdekit file.",
        "found: no attribute pdekit_format",
        "next: `pdekit import` reads other people's layouts",
    ),
    "train-virtual": (
        "train pod-ridge {bad}/virtual.h5 --out new",
        "holds something that is never followed.",
        "in /test/borrowed",
        "found: a virtual data set that takes its values from '../../elsewhere.h5",
    ),
    "train-no-train": (
        "train pod-ridge {bad}/only-test.h5 --out new",
        "has no split to train on.",
        "found: test",
        "allowed: train",
    ),
    "train-no-valid": (
        "train pod-ridge {bad}/no-valid.h5 --out new",
        "has no split 'valid' to choose the best weights by.",
        "found: train, test",
        "next: --set training.hold_out=50 keeps the last 50 training samples for it;",
    ),
    "train-unknown-problem": (
        "train pod-ridge {bad}/unknown-problem.h5 --out new",
        "there is no problem named 'stokes'.",
        "allowed: did you mean 'navier-stokes', 'navier-stokes-3d'? all: advection,",
    ),
    "train-broken-recipe": (
        "train pod-ridge {bad}/other-equation.h5 --out new",
        "this is not valid TOML.",
        "in the recipe in",
        "found: Invalid value (at end of document)",
    ),
    "train-existing": (
        "train pod-ridge {data} --out {run}",
        "exists already.",
        "next: --resume goes on with it; or choose another folder for a new run",
    ),
    "train-out-file": (
        "train pod-ridge {data} --out {data}",
        "exists already.",
        "next: --resume goes on with it; or choose another folder for a new run",
    ),
    "train-out-below-file": (
        "train pod-ridge {data} --out {data}/run",
        "cannot be made.",
        "found: Not a directory",
        "next: choose an --out in a folder that you may write to",
    ),
    "train-typo": (
        "train fno {data} --out new --set model.widht=8",
        "model.widht: unknown key",
        "did you mean 'width'?",
    ),
    "train-epochs": (
        "train fno {data} --out new --set training.epochs=0",
        "training.epochs: Input should be greater than or equal to 1",
        "found: 0",
    ),
    "train-rate": (
        "train fno {data} --out new --set training.optimizer.learning_rate=-1.0",
        "training.optimizer.learning_rate: Input should be greater than 0",
        "found: -1.0",
    ),
    "train-rate-nan": (
        "train fno {data} --out new --set training.optimizer.learning_rate=nan",
        "training.optimizer.learning_rate: Input should be a finite number",
        "found: nan",
    ),
    "train-loss": (
        "train fno {data} --out new --set training.loss=l3",
        "training.loss: Input should be 'relative_l2' or 'h1",
        "found: 'l3",
    ),
    "train-test-split": (
        "train fno {data} --out new --set training.select=test",
        "training.select: the best weights are never chosen on the test or train",
        "allowed: 'valid",
        "found: 'test",
    ),
    "train-hold-out": (
        "train fno {data} --out new --set training.hold_out=4",
        "training.hold_out leaves nothing to train on.",
        "found: 4 of 4 training samples",
        "allowed: 1 to 3",
    ),
    "train-modes": (
        "train fno {data} --out new --set model.n_modes=[16,16,16]",
        "n_modes does not fit the dimension of the data.",
        "found: model.n_modes = [16, 16, 16] on a grid of 2 axes",
        "allowed: 2 numbers, e.g. --set model.n_modes=[16, 16]",
    ),
    "train-scaling": (
        "train fno {data} --out new --set scaling.input=minmax",
        "scaling.input: Input should be 'standard', 'scale' or 'none",
        "found: 'minmax",
    ),
    "train-device": (
        "train fno {data} --out new --device tpu",
        "there is no such device.",
        "found: 'tpu",
        'allowed: "auto", "cpu", "cuda"',
    ),
    "train-devices": (
        "train fno {data} --out new --devices 2",
        "training on several devices is not part of this version.",
        "found: devices = 2, nodes = 1",
        "allowed: devices = 1, nodes = 1",
    ),
    "train-seed": (
        "train fno {data} --out new --seed -1",
        "the seed cannot be used.",
        "found: -1",
        "allowed: an integer from 0 to 2^63 - 1",
    ),
    "train-resume-seed": (
        "train pod-ridge {data} --out {run} --resume --seed 5",
        "cannot be resumed: it began with another seed.",
        "found: seed = 5",
        "allowed: seed = 0",
    ),
    "train-resume-nothing": (
        "train pod-ridge {data} --out {bad}/run-no-record --resume",
        "is not a run that could be resumed.",
        "found: no run.json in it",
    ),
    # evaluation
    "evaluate-missing": (
        "evaluate nowhere {data}",
        "nowhere' is not a run folder.",
        "allowed: a folder written by `pdekit train`, with run.json and card.toml",
        "next: a classical solver is scored by `pdekit compare FILE --solver NAME`",
    ),
    "evaluate-no-run": (
        "evaluate {bad}/folder {data}",
        "is not a run folder.",
        "allowed: a folder written by `pdekit train`, with run.json and card.toml",
        "next: a classical solver is scored by `pdekit compare FILE --solver NAME`",
    ),
    "evaluate-no-record": (
        "evaluate {bad}/run-no-record {data}",
        "is not a run folder.",
        "allowed: a folder written by `pdekit train`, with run.json and card.toml",
        "next: a classical solver is scored by `pdekit compare FILE --solver NAME`",
    ),
    "evaluate-no-file": ("evaluate {run} nothing.h5", "there is no file 'nothing.h5'."),
    "evaluate-foreign": (
        "evaluate {run} {bad}/foreign.h5",
        "is HDF5 but not a pdekit file.",
        "found: no attribute pdekit_format",
        "next: `pdekit import` reads other people's layouts",
    ),
    "evaluate-split": (
        "evaluate {run} {data} --split tset",
        "there is no split named 'tset'.",
        "allowed: did you mean 'test'? all: test, train, valid",
    ),
    "evaluate-problem": (
        "evaluate {run} {poisson}",
        "the learned solver 'run' cannot serve the problem 'poisson'.",
        "allowed: 'darcy",
        "next: train it on data of this problem",
    ),
    "evaluate-no-weights": (
        "evaluate {bad}/run-no-weights {data}",
        "there are no weights at",
        "next: the run has not finished an epoch: train it with --resume",
    ),
    "evaluate-truncated": (
        "evaluate {bad}/run-truncated {data}",
        "is not a checkpoint of pdekit.",
        "allowed: a safetensors file written by `pdekit train`; pickled checkpoints",
    ),
    "evaluate-pickled": (
        "evaluate {bad}/run-pickled {data}",
        "is not a checkpoint of pdekit.",
        "allowed: a safetensors file written by `pdekit train`; pickled checkpoints",
    ),
    "evaluate-foreign-weights": (
        "evaluate {bad}/run-foreign-weights {data}",
        "is a safetensors file, but not one of pdekit.",
        "found: no entry 'pdekit' in its header",
        "next: train the solver with `pdekit train`",
    ),
    "evaluate-code": (
        "evaluate {bad}/run-code {data}",
        "the code 'os:system' of a card is not allowed.",
        "in solver card",
        "allowed: 'pdekit.<room>.<file>:<Class>', or an installed entry point of",
    ),
    "evaluate-other-class": (
        "evaluate {bad}/run-other-class {data}",
        "belongs to another solver than its card.",
        "found: pdekit.models.pod:PODRidge",
        "allowed: pdekit.models.mean:MeanField",
    ),
    "evaluate-not-a-class": (
        "evaluate {bad}/run-not-a-class {data}",
        "the code 'pdekit.errors:unknown_name' of a card is not a solver.",
        "in solver card",
        "found: function",
    ),
    # comparison
    "compare-missing": ("compare nothing.toml --out new", "there is no file 'nothing.toml'."),
    "compare-no-file": (
        "compare nothing.h5 --solver cg --out new",
        "there is no plan or data file 'nothing.h5'.",
        "allowed: a plan (.toml), a data set (.h5)",
    ),
    "compare-no-solver": (
        "compare {data} --out new",
        "no solver is named.",
        "next: --solver pcg-multigrid --solver runs/fno",
    ),
    "compare-solver": (
        "compare {data} --solver pcg-multigird --out new",
        "there is no solver named 'pcg-multigird'.",
        "allowed: did you mean 'pcg-multigrid', 'fno+pcg-multigrid', 'multigrid'? all: amg,",
        "next: `pdekit list solvers`, or give a path to a .toml",
    ),
    "compare-run": (
        "compare {data} --solver {bad}/folder --out new",
        "is not a run folder.",
        "allowed: a folder written by `pdekit train`, with run.json and card.toml;",
    ),
    "compare-foreign": (
        "compare {bad}/foreign.h5 --solver cg --out new",
        "is HDF5 but not a pdekit file.",
        "found: no attribute pdekit_format",
        "next: `pdekit import` reads other people's layouts",
    ),
    "compare-does-not-serve": (
        "compare {data} --solver fast-poisson --out new",
        "solver 'fast-poisson' cannot serve problem 'darcy'.",
        "found: the problem is not constant-coefficient",
        "next: `pdekit list solvers` shows what each solver asks of a problem",
    ),
    "compare-other-problem": (
        "compare {poisson} --solver {run} --out new",
        "the learned solver 'run' cannot serve the problem 'poisson'.",
        "allowed: 'darcy",
        "next: train it on data of this problem",
    ),
    "compare-split": (
        "compare {data} --solver cg --out new --set split=tset",
        "there is no split named 'tset'.",
        "in the data",
        "allowed: did you mean 'test'? all: test, train, valid",
    ),
    "compare-train-split": (
        "compare {data} --solver cg --out new --set split=train",
        "split: solvers were trained on 'train' and chosen on 'valid",
        "compare on a split they never saw",
        "found: 'train",
    ),
    "compare-samples": (
        "compare {data} --solver cg --out new --set samples=99",
        "holds fewer samples than the plan asks for.",
        "found: samples = 99",
        "allowed: 1 to 2",
    ),
    "compare-no-samples": (
        "compare {data} --solver cg --out new --set samples=0",
        "samples: Input should be greater than or equal to 1",
        "found: 0",
    ),
    "compare-metric": (
        "compare {data} --solver cg --out new --set 'metrics=[\"relative_l3\"]'",
        "metrics: there is no metric 'relative_l3",
        "allowed: boundary_rmse, conserved_error, correlation, energy_error,",
        "found: ['relative_l3']",
    ),
    "compare-rank": (
        "compare {data} --solver cg --out new --set 'metrics=[\"residual\"]'",
        "metrics: 'residual' cannot rank: the first metric must be an error against",
        "found: ['residual']",
    ),
    "compare-reference": (
        "compare {data} --solver cg --out new --set reference.solver=gc",
        "there is no solver named 'gc'.",
        "allowed: did you mean 'cg'? all: amg, ars443, bicgstab, cg,",
        "next: `pdekit list solvers`, or give a path to a .toml",
    ),
    "compare-reference-rtol": (
        "compare {data} --solver cg --out new --set reference.rtol=0.1",
        "reference.rtol: Input should be less than or equal to 0.0001",
        "found: 0.1",
    ),
    "compare-repeats": (
        "compare {data} --solver cg --out new --set timing.repeats=1",
        "timing.repeats: Input should be greater than or equal to 3",
        "found: 1",
    ),
    "compare-batch": (
        "compare {data} --solver cg --out new --set 'timing.batch=[7]'",
        "timing.batch.0: Input should be 1 or 'best",
        "found: 7",
    ),
    "compare-out-file": (
        "compare {data} --solver cg --out {data}",
        "the target",
        "allowed: a folder for the report, new or old",
    ),
    "compare-ladder": (
        "compare {bad}/plan-ladder.toml --out new",
        "named 'rtoll'.",
        "allowed: did you mean 'rtol', 'atol'? all: atol, grid_factor, max_steps,",
    ),
    "compare-recipe": (
        "compare {bad}/plan-recipe.toml --out new",
        "there is no data set named 'darcy-2e'.",
        "allowed: did you mean 'darcy-2d', 'darcy-3d', 'darcy-2d-small'? all:",
        "next: `pdekit list datasets`, or give a path to a .toml",
    ),
    "compare-no-solvers": ("compare {bad}/plan-no-solvers.toml --out new", "solvers: this key is required"),
    "compare-typo": (
        "compare {bad}/plan-typo.toml --out new",
        "metric (line 4): unknown key",
        "did you mean 'metrics'?",
    ),
    "compare-twice": (
        "compare {bad}/plan-twice.toml --out new",
        "the file: two solvers are called cg: give one of them another 'label",
    ),
    "compare-run-and-name": (
        "compare {bad}/plan-both.toml --out new",
        "solvers.0: one of the keys 'name' (a card) and 'run' (a folder) is needed,",
    ),
    "compare-plan-and-solver": (
        "compare {bad}/plan-typo.toml --solver cg --out new",
        "solvers are named twice.",
        "found: a plan and cg",
        "next: write them into the plan",
    ),
    # cards
    "card-code": (
        "train {bad}/card-code.toml {data} --out new",
        "the code 'os:system' of a card is not allowed.",
        "in solver card",
        "allowed: 'pdekit.<room>.<file>:<Class>', or an installed entry point of",
    ),
    "card-missing-class": (
        "train {bad}/card-missing-class.toml {data} --out new",
        "the code 'pdekit.models.pod:PODRigde' of a card cannot be imported.",
        "in solver card",
        "found: module 'pdekit.models.pod' has no attribute 'PODRigde",
    ),
    "card-missing-file": (
        "train {bad}/card-missing-file.toml {data} --out new",
        "the code 'pdekit.models.dop:PODRidge' of a card cannot be imported.",
        "in solver card",
        "found: No module named 'pdekit.models.dop",
    ),
    "card-no-class": (
        "train {bad}/card-no-class.toml {data} --out new",
        "the code 'pdekit.models.pod' of a card is not allowed.",
        "in solver card",
        "allowed: 'pdekit.<room>.<file>:<Class>', or an installed entry point of",
    ),
    "card-function": (
        "train {bad}/card-function.toml {data} --out new",
        "the code 'pdekit.errors:unknown_name' of a card is not a solver.",
        "in solver card",
        "found: function",
    ),
    "card-typo": (
        "train {bad}/card-typo.toml {data} --out new",
        "scalling (line 12): unknown key",
        "did you mean 'scaling'?",
    ),
    "card-setting": (
        "generate {small} --set solver={bad}/card-cg.toml",
        "there is no setting of solver",
        "allowed: did you mean 'rtol', 'atol'? all: atol, grid_factor, max_steps,",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_wrong_input_is_refused(case, shop, bad, room, pdekit):
    command, *parts = CASES[case]
    for name, value in {"small": SMALL, "bad": bad, **shop.names()}.items():
        command = command.replace(f"{{{name}}}", str(value))
    places = (shop.folder, bad, room)
    before = [listing(place) for place in places]

    result = pdekit(*shlex.split(command))

    assert result.code == 2, result.err
    assert result.out == ""
    assert parts
    assert [part for part in parts if part not in result.err] == [], result.err
    assert [listing(place) for place in places] == before


def listing(folder):
    return {p.relative_to(folder): (p.stat().st_size, p.stat().st_mtime_ns) for p in sorted(folder.rglob("*"))}
