"""Delete the results of samples and patients that are no longer in the sheet.

Usage: python workflow/scripts/clean_removed.py [CONFIG]
"""

import argparse
import shutil
import sys
from pathlib import Path

from check_inputs import ROOT, read_config
from immune_reset.errors import InputError
from immune_reset.plan import Plan, make_plan
from immune_reset.planning import patients
from immune_reset.sheets import files_made_for


def left_over(plan: Plan, found: dict[str, list[str]]) -> list[str]:
    """Return what belongs to nobody in the sheet, relative to `outdir`, sorted.

    Parameters
    ----------
    plan
        The run as config and sheet say.
    found
        Names of the folders below `samples` and `patients` of `outdir`.
    """
    known = {"samples": set(plan.rows), "patients": set(patients(plan.design))}
    return sorted(
        f"{kind}/{name}"
        for kind in known
        for name in found.get(kind, [])
        if name not in known[kind]
    )


def main(arguments: list[str]) -> int:
    """Delete, say what was deleted, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", nargs="?", type=Path, default=ROOT / "config.yaml")
    chosen = parser.parse_args(arguments)
    try:
        plan = make_plan(read_config(chosen.config), ROOT, files_made_for(ROOT))
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    outdir = Path(plan.settings["outdir"])
    found = {
        kind: [path.name for path in (outdir / kind).iterdir() if path.is_dir()]
        for kind in ("samples", "patients")
        if (outdir / kind).is_dir()
    }
    gone = left_over(plan, found)
    for name in gone:
        shutil.rmtree(outdir / name)
        sys.stdout.write(f"deleted {outdir / name}\n")
        own = name.split("/")[1]
        for folder in ("logs", "benchmarks"):
            for path in (outdir / folder).glob(f"*/{own}.*"):
                path.unlink()
    sys.stdout.write(f"{len(gone)} of samples and patients were no longer in {plan.sheet}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
