"""Align one sample's B-cell contigs to the user's germline references with IgBLAST.

Off by default (`receptors.igblast_germline`). Inputs: `bcr`, the contig table; `fasta`, Cell
Ranger's sequences beside it, where the table has none; `V`, `J` and optionally `D`, germline FASTA.
Output: `germline` (sequence_id as in the contig table, v_call, v_identity as a share of 1). See
`immune_reset.igblast`.
"""

import logging
import tempfile
from pathlib import Path

from immune_reset import igblast, tables, text_files
from immune_reset.runtime import start

logger = logging.getLogger("assign_germline")


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    cfg, names = smk.params.cfg, None
    fasta = tables.optional(smk.input, "fasta")
    given = {name: tables.optional(smk.input, name) for name in igblast.GENES}
    germline = {name: Path(path) for name, path in given.items() if path}
    with tempfile.TemporaryDirectory() as folder:
        if fasta is None:
            text_files.check_whole(smk.input.bcr)
            table = text_files.table(smk.input.bcr)
            names, fasta = table["sequence_id"].str.strip().tolist(), Path(folder) / "query.fasta"
            fasta.write_text(igblast.queries(table), encoding="utf-8")
        data, organism = cfg["receptors.igblast_germline"], cfg["receptors.igblast_organism"]
        hits = igblast.align(Path(fasta), germline, data=Path(data), organism=organism)
    found = igblast.assignments(hits, names)
    tables.write(found, smk.output.germline)
    logger.info("%d contigs aligned to a germline V gene", len(found))


if __name__ == "__main__":
    main(snakemake)
