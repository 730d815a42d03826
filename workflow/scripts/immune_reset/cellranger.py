"""Cell Ranger's output folders: where the matrix and the contigs of a sample lie.

Known are the folders of `cellranger count`, `vdj` and `multi` (versions 2 to 9): the run's folder,
its `outs`, and a sample's folder under `per_sample_outs`.
"""

from pathlib import Path

from immune_reset.errors import at

MATRICES = (
    "sample_filtered_feature_bc_matrix",
    "sample_feature_bc_matrix",
    "filtered_feature_bc_matrix",
    "filtered_gene_bc_matrices",
)
"""Names of the filtered matrix, newest first: multi from 7, multi 6, count from 3, count 2."""

ENDINGS = (".h5", "_h5.h5")
RAW = ("sample_raw_feature_bc_matrix", "raw_feature_bc_matrix", "raw_gene_bc_matrices")
CONTIGS = ("filtered_contig_annotations.csv", "filtered_contig_annotations.csv.gz")
RECEPTORS = {"bcr": ("vdj_b",), "tcr": ("vdj_t", "vdj_t_gd")}
MEND = "Give the folder that Cell Ranger wrote for this sample, or name the files in gex, bcr, tcr"


def find_outputs(folder: Path, *, sample: str, place: str) -> dict[str, Path]:
    """Return {"gex", "raw_gex", "bcr", "tcr"} of what a Cell Ranger folder holds for a sample.

    Contigs that lie beside no receptor's name (`cellranger vdj`) are returned as "contigs"; what
    they are is in the file.

    Parameters
    ----------
    folder
        The run's folder, its `outs`, or a sample's own.
    sample
        Name of the row, which chooses among several samples of one run.
    place
        Sheet and row, for messages.

    Raises
    ------
    InputError
        If the folder is not there, holds none of these, only an unfiltered matrix, the matrix of
        several libraries, or several samples of which none has the row's name.
    """
    if not folder.is_dir():
        raise at(place, f"no folder {folder}", MEND)
    base = _sample_folder(folder, sample, place)
    found: dict[str, Path] = {}
    matrix = _matrix(base, place)
    if matrix is not None:
        found["gex"] = matrix
        raw = _raw(matrix.parent, base)
        if raw is not None:
            found["raw_gex"] = raw
    for kind, names in RECEPTORS.items():
        paths = [base / name / file for name in names for file in CONTIGS]
        path = next((path for path in paths if path.is_file()), None)
        if path is not None:
            found[kind] = path
    loose = next((base / name for name in CONTIGS if (base / name).is_file()), None)
    if loose is not None:
        found["contigs"] = loose
    if not found:
        holds = ", ".join(sorted(entry.name for entry in base.iterdir())[:6]) or "nothing"
        raise at(
            place, f"{base} has neither a filtered matrix nor contigs (it holds {holds})", MEND
        )
    return found


def _sample_folder(folder: Path, sample: str, place: str) -> Path:
    for base in (folder, folder / "outs"):
        parent = base if base.name == "per_sample_outs" else base / "per_sample_outs"
        if parent.is_dir():
            own = sorted(entry for entry in parent.iterdir() if entry.is_dir())
            named = [entry for entry in own if entry.name == sample]
            if named or len(own) == 1:
                return (named or own)[0]
            names = ", ".join(entry.name for entry in own) or "none"
            found = f"{parent} has {len(own)} samples ({names}), none of the name '{sample}'"
            raise at(place, found, "Name one of their folders")
    return folder / "outs" if (folder / "outs").is_dir() else folder


def _matrix(base: Path, place: str) -> Path | None:
    """Return the filtered matrix below a sample's folder, the HDF5 file before the folder."""
    for where in (base / "count", base):
        if (where / "aggregation.csv").is_file() or (base / "aggregation.csv").is_file():
            found = f"{base} is an output of cellranger aggr: one matrix of several libraries"
            raise at(place, found, "Give each library's own output")
        for name in MATRICES:
            for ending in ENDINGS:
                if (where / f"{name}{ending}").is_file():
                    return where / f"{name}{ending}"
            if (where / name).is_dir():
                return _of_genome(where / name, place)
    raw = [where / f"{name}{end}" for where in (base, base / "count") for name in RAW
           for end in ("", *ENDINGS)]  # fmt: skip
    if any(path.exists() for path in raw):
        raise at(place, f"{base} has the raw matrix alone, not the filtered one", MEND)
    return None


def _raw(beside: Path, base: Path) -> Path | None:
    """Return the unfiltered matrix of the library, in HDF5 or version 3's folder, if it is there.

    `multi` keeps what its samples share apart from them.
    """
    shared = base.parents[1] / "multi/count" if base.parent.name == "per_sample_outs" else base
    for where in (beside, base, shared):
        for name in RAW:
            for path in (*(where / f"{name}{end}" for end in ENDINGS), where / name):
                if path.is_file() or (path / "matrix.mtx.gz").is_file():
                    return path
    return None


def _of_genome(folder: Path, place: str) -> Path:
    """Return the folder itself, or the one genome's folder that Cell Ranger 2 put below it."""
    genomes = sorted(entry for entry in folder.iterdir() if entry.is_dir())
    if not genomes:
        return folder
    if len(genomes) > 1:
        names = ", ".join(entry.name for entry in genomes)
        raise at(place, f"{folder} has several genomes ({names})", "Name one of them in gex")
    return genomes[0]


def which_receptors(loci: set[str], *, path: Path) -> list[str]:
    """Return the columns ("bcr", "tcr") that a contig table with these `loci` belongs to.

    Raises
    ------
    InputError
        If it has chains of neither.
    """
    if not loci:
        found = "it has no contig, so that nothing tells of which receptor it is"
        raise at(path, found, "Name the file in the column bcr or tcr")
    kinds = {"IG": "bcr", "TR": "tcr"}
    found = {kinds[name[:2]] for name in map(str.upper, loci) if name[:2] in kinds}
    if not found:
        raise at(path, "no contig of it has a chain IG. or TR.", MEND)
    return sorted(found)
