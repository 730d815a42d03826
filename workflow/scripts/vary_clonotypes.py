"""Compute one patient's headline repertoire claims anew under other clonotype rules.

Settings: minimum UMIs of a chain x clonotype rule x chain arms, see `immune_reset.settings_varied`.
Cells stay those of the run. A claim that stands in most settings does not hang on the rule.
"""

import logging
from functools import partial

import pandas as pd

from immune_reset import design as designs
from immune_reset import ledger, receptor_model, settings_varied, tables
from immune_reset.clone_units import define_bcr, define_tcr, group_heavy, kept_receptors, usable
from immune_reset.runtime import start

logger = logging.getLogger("vary_clonotypes")


def receptors_at(
    chains: pd.DataFrame, cells: pd.DataFrame, samples: pd.DataFrame, *, min_umis: int
) -> pd.DataFrame:
    """Return the kept cells with their receptors from chains of `min_umis` or more.

    A chain without an UMI count is not judged by it, as in `receptor_model.accept_chains`.
    """
    few = (chains["umi_count"] < min_umis).fillna(False).to_numpy(dtype=bool)
    chains = chains[~few].reset_index(drop=True)
    receptors = receptor_model.judge_chains(receptor_model.index_chains(chains), chains)
    return kept_receptors(receptors, cells, samples)[0]


def define(cells: pd.DataFrame, setting: dict, *, known: dict | None = None) -> pd.DataFrame:
    """Return timepoint and clone of the cells that have a clonotype in this setting.

    `known` keeps the last groups of heavy chains: settings that differ in the light chain alone
    share them, and finding them takes the most time.
    """
    if setting["receptor"] == "BCR":
        options = {name: setting[name] for name in ("bcr_max_distance", "light_chain")}
        required = options["light_chain"] == "required"
        units, _ = usable(cells, receptor="BCR", sequence="junction", partner_required=required)
        key = (setting["min_umis"], options["bcr_max_distance"], required)
        known = {} if known is None else known
        if key not in known:
            known.clear()
            known[key] = group_heavy(units, bcr_max_distance=options["bcr_max_distance"])
        clones, _ = define_bcr(units, **options, groups=known[key])
    else:
        options = {name: setting[name] for name in ("tcr_arms", "tcr_sequence")}
        sequence = "junction" if options["tcr_sequence"] == "nt" else "junction_aa"
        needed = {"sequence": sequence, "partner_required": options["tcr_arms"] == "paired"}
        units, _ = usable(cells, receptor="TCR", **needed)
        clones, _ = define_tcr(units, **options)
    return pd.DataFrame({"timepoint": units["timepoint"].astype(str), "clone": clones})


def compared(design: dict) -> dict[str, list[tuple[str, str, str]]]:
    """Return by receptor the comparisons of which both timepoints were sequenced."""
    found = {}
    for receptor in ledger.RECEPTORS:
        there = ledger.sequenced_at(design, receptor)
        pairs = designs.comparisons(design)
        found[receptor] = [pair for pair in pairs if pair[0] in there and pair[1] in there]
    return found


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    cfg, plan = smk.params.cfg, smk.params.design
    chains = tables.read_many(smk.input.chains)
    cells = tables.read_many(smk.input.cells, ["cell_id", "sample", "keep"])
    own = {
        "min_umis": cfg["receptors.min_umis"],
        "bcr_max_distance": cfg["clonotypes.bcr_max_distance"],
        "light_chain": cfg["clonotypes.light_chain"],
        "tcr_sequence": cfg["clonotypes.tcr_sequence"],
        "tcr_arms": cfg["clonotypes.tcr_arms"],
    }
    samples = designs.frame(plan)
    found = settings_varied.vary(
        lambda floor: receptors_at(chains, cells, samples, min_umis=floor),
        partial(define, known={}),
        compared(plan),
        own,
        min_cells=cfg["diversity.min_cells"],
        min_repeats=cfg["diversity.min_repeats"],
        expanded_min_cells=cfg["clones.expanded_min_cells"],
    )
    found.insert(0, "patient", plan["patient"])
    tables.write(found.astype(settings_varied.TYPES), smk.output.robustness)
    logger.info("%s: %d claims recomputed", plan["patient"], len(found))


if __name__ == "__main__":
    main(snakemake)
