"""Find receptors that more than one patient carries: possible contamination, or public receptors.

Clones are never defined across patients; here only V gene and junction (nucleotides) are compared.
"""

import logging

import pandas as pd

from immune_reset import tables
from immune_reset.runtime import start

logger = logging.getLogger("find_shared_clones")

KEYS = ["receptor", "locus", "v_call", "junction"]
COLUMNS = ["receptor", "locus", "v_call", "j_call", "junction", "n_patients", "patients", "cells"]


def find_shared(clonotypes: pd.DataFrame, persons: dict[str, str]) -> pd.DataFrame:
    """Return the receptors with one V gene and junction in two patients or more.

    Parameters
    ----------
    clonotypes
        Cells of all patients: `clone_id` ("{patient}:..."), `receptor`, `locus`, `v_call`,
        `j_call`, `junction`.
    persons
        Who a patient of `clone_id` is: a further tissue of a patient has a name of its own, and
        shares clones with the blood by nature. A patient that is not named is itself.

    Returns
    -------
    receptor, locus, v_call, j_call (the most frequent), junction, n_patients, patients ("P1,P2")
    and cells ("30,1": cells of each, in the same order), sorted by the keys.
    """
    cells = clonotypes[["clone_id", "j_call", *KEYS]].astype(object).dropna(subset=KEYS)
    patient = cells["clone_id"].str.split(":").str[0]
    cells["patient"] = patient.map(persons).fillna(patient)
    own = cells.groupby([*KEYS, "patient"], sort=True).size().rename("n").reset_index()
    own = own[own.duplicated(KEYS, keep=False)]
    own["n"] = own["n"].astype(str)
    shared = own.groupby(KEYS, sort=True, as_index=False).agg(
        n_patients=("patient", "size"), patients=("patient", ",".join), cells=("n", ",".join)
    )
    genes = cells.merge(shared[KEYS], on=KEYS).groupby([*KEYS, "j_call"], sort=True).size()
    genes = genes.rename("n").reset_index().sort_values("n", ascending=False, kind="stable")
    shared = shared.merge(genes.drop_duplicates(KEYS)[[*KEYS, "j_call"]], on=KEYS, how="left")
    words = [column for column in COLUMNS if column != "n_patients"]
    return shared.astype({**dict.fromkeys(words, "string"), "n_patients": "int64"})[COLUMNS]


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    cells = tables.read_many(smk.input.clonotypes, ["clone_id", "j_call", *KEYS])
    persons = {row["patient"]: row["person"] for row in smk.params.design["samples"]}
    shared = find_shared(cells, persons)
    logger.info("%d receptors in two patients or more", len(shared))
    tables.write(shared, smk.output.shared)


if __name__ == "__main__":
    main(snakemake)
