"""Names that Snakemake can take: of results, in a folder that can be made, and of inputs."""

import os
from pathlib import Path

from immune_reset.errors import at

PLACE = "configuration, outdir"
FOLDERS = ("samples", "patients", "cohort", "tables", "figures", "logs", "benchmarks")
"""Folders of `outdir` in which a run writes and deletes."""


def check(outdir: str) -> None:
    """Refuse a name that is no folder's, or a folder that cannot be made or written to.

    Raises
    ------
    InputError
        Names the key, what was found and the mend.
    """
    if not outdir.strip().strip("/"):
        raise at(PLACE, f"found '{outdir}', which is no folder for results", "Name one of its own")
    odd = next((sign for sign in outdir if sign in "{}" or not sign.isprintable()), None)
    if odd is not None:
        mend = "Name a folder without braces, line ends and signs that cannot be seen"
        raise at(PLACE, f"{outdir!r} holds {odd!r}", mend)
    folder = Path(outdir)
    there = next(place for place in (folder, *folder.absolute().parents) if os.path.lexists(place))
    if not there.is_dir():
        raise at(PLACE, f"{there} is a file" if there.is_file() else f"{there} is no folder",
                 "Name a folder")  # fmt: skip
    if not os.access(there, os.W_OK | os.X_OK):
        raise at(PLACE, f"{there} may not be written to", "Name another folder, or get the right")


def check_names(files: list[str]) -> None:
    """Refuse inputs with braces in their names, which Snakemake takes for wildcards.

    Raises
    ------
    InputError
        Names the first such file.
    """
    for file in files:
        if odd := next((sign for sign in file if sign in "{}"), None):
            found = f"its name holds '{odd}', which Snakemake takes for a wildcard"
            raise at(file, found, "Rename the file or folder, or give a link of another name")


def check_inputs(outdir: str, files: list[str]) -> None:
    """Refuse inputs in the folders that a run writes, and empties of what has left the sheet.

    Raises
    ------
    InputError
        Names the first such file.
    """
    written = {(Path(outdir) / name).resolve() for name in FOLDERS}
    for file in files:
        if not written.isdisjoint([Path(file).resolve(), *Path(file).resolve().parents]):
            found = f"the input {file} lies in a folder of outdir that a run writes"
            raise at(PLACE, found, "Keep results and inputs in folders of their own")
