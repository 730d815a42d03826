"""Read the user's own label of each cell, which then takes the place of clusters and markers."""

import logging
from pathlib import Path

import pandas as pd

from immune_reset import counts, tables, text_files
from immune_reset.errors import at
from immune_reset.runtime import start

logger = logging.getLogger("read_labels")


def own_labels(table: pd.DataFrame, *, column: str, place: str) -> pd.DataFrame:
    """Return cell_id, cluster (the user's label) and source "own", one row per labelled cell.

    `table` holds `column` and either cell_id (``{sample}:{barcode}``) or sample and barcode. Cells
    with an empty label are counted in the log and left out.

    Raises
    ------
    InputError
        If the label's column or the key is missing, if a cell has two labels, or if all are empty.
    """
    present = ", ".join(map(str, table.columns)) or "none"
    if column not in table:
        mend = f"Add the column {column!r}, or name another in annotation.labels_column"
        raise at(place, f"no column {column!r} (its columns: {present})", mend)
    if "cell_id" in table:
        cell = table["cell_id"].astype(str)
    elif {"sample", "barcode"} <= set(table.columns):
        cell = table["sample"].astype(str) + ":" + table["barcode"].astype(str)
    else:
        mend = "Give cell_id as sample:barcode, or both sample and barcode"
        raise at(place, f"no key of the cells (its columns: {present})", mend)
    label = table[column].astype(object).where(table[column].notna(), "").astype(str).str.strip()
    out = pd.DataFrame({"cell_id": cell.to_numpy(object), "cluster": label.to_numpy(object)})
    labelled = out[out["cluster"] != ""].drop_duplicates().reset_index(drop=True)
    if len(labelled) < len(out):
        logger.warning("%d rows have an empty label or repeat another", len(out) - len(labelled))
    if twice := labelled.loc[labelled["cell_id"].duplicated(), "cell_id"].tolist():
        raise at(place, f"{len(twice)} cells have two labels, such as {twice[0]}", "Keep one each")
    if labelled.empty:
        raise at(place, f"the column {column!r} holds no label", "Fill it, or remove the setting")
    return labelled.assign(source="own")


def key_of_index(obs: pd.DataFrame) -> pd.DataFrame:
    """Return an h5ad's obs with its index as cell_id, unless columns name the cells."""
    named = "cell_id" in obs or {"sample", "barcode"} <= set(obs.columns)
    return obs if named else obs.assign(cell_id=obs.index.astype(str))


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    path = Path(str(smk.input.labels))
    column = smk.params.cfg["annotation.labels_column"]
    if path.suffix == ".h5ad":
        table = key_of_index(counts.read_cells(path))
    else:
        table = text_files.plain_table(path)
    groups = own_labels(table, column=column, place=str(path))
    logger.info("%d cells with %d labels", len(groups), groups["cluster"].nunique())
    tables.write(groups, smk.output.groups)


if __name__ == "__main__":
    main(snakemake)
