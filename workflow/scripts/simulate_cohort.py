"""Simulate a cohort of patients before and after CAR T cells, with everything that is true of it.

As a command: `python workflow/scripts/simulate_cohort.py FOLDER --patients 6 --cells 2000`;
as the script of a rule: the fixed demo cohort, matrices and contigs and truth, without its sheets.
"""

import argparse
import logging
import re
import sys
from dataclasses import fields, replace
from pathlib import Path

from immune_reset.errors import InputError, at
from immune_reset.runtime import start
from immune_reset.simulation.cohort import cohort_files
from immune_reset.simulation.course import PRESETS, CohortSpec, Timepoint
from immune_reset.simulation.writers import write_cohort

logger = logging.getLogger("simulate_cohort")

HELP = {
    "patients": "number of patients",
    "cells": "droplets a sample",
    "genes": "genes of the matrix",
    "seed": "the cohort is a function of its parameters and this number",
    "prefix": "start of the patients' names",
    "folder": "folder of the samples, below the sheets' own",
    "interferon": "log2 change of type I interferon (ISG28) at the follow-ups",
    "jak_stat": "log2 change of the IL6-JAK-STAT3 genes that are in no interferon set",
    "effect_sd": "sd of these changes between patients",
    "patient_sd": "log2 sd of the patients' batch effect, gene by gene",
    "library_sd": "log2 sd of the libraries' batch effect, gene by gene; None is .1, with --null 0",
    "depth": "mean UMIs of a CD4 memory T cell",
    "depth_sd": "log sd of the depth between libraries",
    "depth_ratio": "depth of the follow-ups relative to the first sample",
    "chemistry": "log2 sd, gene by gene, of the follow-ups' chemistry, the same in all patients",
    "genes_lost": "share of the genes that the follow-ups' reference lacks",
    "cells_ratio": "droplets of the follow-ups relative to the first sample",
    "cells_sd": "log sd of the number of droplets",
    "doublets": "share of droplets that hold two cells",
    "doublets_bt": "share of the doublets that are made of a B and a T cell",
    "low_quality": "share of droplets with a dying cell",
}


def build_parser() -> argparse.ArgumentParser:
    """Return the command's parser: one option for each parameter of a cohort."""
    parser = argparse.ArgumentParser(prog="simulate_cohort", description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path, help="folder to write to; its sheets are samples.tsv ...")
    parser.add_argument("--preset", choices=sorted(PRESETS), help="parameters to start from")
    for item in fields(CohortSpec):
        if item.name in HELP:
            kind = float if item.default is None else type(item.default)
            flag = "--" + item.name.replace("_", "-")
            text = f"{HELP[item.name]} (default {item.default})"
            parser.add_argument(flag, type=kind, default=None, help=text)
    parser.add_argument("--ambient", type=float, nargs=2, help="range of the ambient share of UMIs")
    parser.add_argument(
        "--timepoints", nargs="+", metavar="NAME:DAY[:STATE]",
        help="samples of each patient; state is baseline, depleted or returned",
    )  # fmt: skip
    parser.add_argument("--null", action="store_true", help="nothing changes between timepoints")
    parser.add_argument("--no-car", action="store_true", help="no CAR T cells")
    return parser


def parse_timepoints(texts: list[str]) -> tuple[Timepoint, ...]:
    """Return timepoints from `name:day[:state]`; without a state the day says it.

    Before the infusion baseline, within 60 days of it depleted, later returned.
    """
    points = []
    for text in texts:
        match = re.fullmatch(
            r"([A-Za-z0-9][\w.-]*):(-?\d+)(?::(baseline|depleted|returned))?", text
        )
        if match is None:
            raise at(
                f"--timepoints {text}",
                "not NAME:DAY or NAME:DAY:STATE",
                "Write e.g. month_1:28 or month_1:28:depleted; other states: baseline, returned",
            )
        name, day, state = match[1], int(match[2]), match[3]
        usual = "baseline" if day <= 0 else "depleted" if day < 60 else "returned"
        points.append(Timepoint(name, day, state or usual))
    return tuple(points)


def spec_of(options: argparse.Namespace) -> CohortSpec:
    """Return the cohort that the command's options ask for."""
    spec = PRESETS[options.preset] if options.preset else CohortSpec()
    given = {name: getattr(options, name) for name in HELP if getattr(options, name) is not None}
    if options.null:
        given["null"] = True
    if options.ambient:
        given["ambient"] = tuple(options.ambient)
    if options.timepoints:
        given["timepoints"] = parse_timepoints(options.timepoints)
    if options.no_car:
        given["car"] = False
    return replace(spec, **given)


def main(smk) -> None:
    """Snakemake entry point: write the demo's samples and truth; its sheets are there already."""
    start(smk)
    root = Path(smk.output.truth).parents[1]
    write_cohort(cohort_files(PRESETS["demo"], with_sheets=False), root)


def command(arguments: list[str]) -> int:
    """Run the command; return its exit status."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    options = build_parser().parse_args(arguments)
    try:
        write_cohort(cohort_files(spec_of(options)), options.out)
    except InputError as error:
        logger.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    if "snakemake" in globals():
        main(snakemake)
    else:
        sys.exit(command(sys.argv[1:]))
