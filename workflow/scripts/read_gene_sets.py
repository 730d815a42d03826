"""Join the shipped gene sets and the user's own into one table.

Inputs: the shipped tables `gene_sets` and `progeny`, and the user's GMT files `extra` (optional).
Outputs: `gene_sets`, one row per gene of a set, columns as in `immune_reset.gene_sets.COLUMNS`, and
`overlap` (tables/gene_set_overlap.tsv), the genes that two of the scored sets share.
"""

import logging

import pandas as pd

from immune_reset import tables, text_files
from immune_reset.gene_sets import SCORED, of_part, overlap, parse_gmt
from immune_reset.runtime import start

logger = logging.getLogger("read_gene_sets")


def join_sets(shipped: list[pd.DataFrame], extra: dict[str, str]) -> pd.DataFrame:
    """Return the shipped sets with the user's behind them.

    Parameters
    ----------
    shipped
        Tables as `parse_table` returns them.
    extra
        Text of each GMT file, by its name.

    Raises
    ------
    InputError
        If a user's file is not GMT, or names a set that exists already.
    """
    parts = list(shipped)
    for name, text in extra.items():
        known = pd.concat(parts)["gene_set"].unique()
        parts.append(parse_gmt(text, name, known=known))
    sets = pd.concat(parts, ignore_index=True)
    counted = sets.groupby("collection", sort=False)["gene_set"].nunique()
    logger.info("gene sets by collection: %s", counted.to_dict())
    return sets


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    given = {path: tables.read(path) for path in (smk.input.gene_sets, smk.input.progeny)}
    extra = tables.optional(smk.input, "extra") or []
    extra = [extra] if isinstance(extra, str) else extra
    texts = {str(path): "\n".join(text_files.lines(path)) for path in extra}
    sets = join_sets([of_part("shipped", given)], texts)
    tables.write(sets, smk.output.gene_sets)
    tables.write(overlap(sets[sets["collection"].isin(SCORED)]), smk.output.overlap)


if __name__ == "__main__":
    main(snakemake)
