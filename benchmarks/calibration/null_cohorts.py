"""How often does a cohort in which nothing changes carry a claim?

Simulates tiny cohorts with the null switch (two patients, two timepoints, 300 droplets a sample, no
batch effect between libraries), runs the workflow up to the claims on each, and counts the patients
that carry a within-patient claim, family by family. Writes docs/calibration_null.md.

    python benchmarks/calibration/null_cohorts.py --seeds 20

takes about half a minute per seed on one core.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
from in_process import run  # noqa: E402

ALLOWED = 0.08
CHANGES = ["increased", "decreased"]


def claims_of(seed: int, folder: Path) -> pd.DataFrame:
    """Simulate and run one null cohort; return its within-patient rows of tables/claims.tsv."""
    cohort, out = folder / f"cohort_{seed}", folder / f"out_{seed}"
    simulate = [sys.executable, ROOT / "workflow/scripts/simulate_cohort.py", cohort]
    options = ["--preset", "tiny", "--null", "--seed", str(seed)]
    subprocess.run([*map(str, simulate), *options], check=True, capture_output=True)
    target = out / "tables/claims.tsv"
    run({"samples": f"{cohort}/samples.tsv", "outdir": str(out)}, target)
    claims = pd.read_csv(target, sep="\t", keep_default_na=False)
    return claims[claims["scope"] != "cohort"].assign(seed=seed)


def by_family(claims: pd.DataFrame) -> pd.DataFrame:
    """Return family, patient_runs, examined (with an estimable claim), false_claims, share."""
    claims = claims.assign(
        claimed=claims["direction"].isin(CHANGES) & (claims["evidence"] == "within-patient"),
        estimable=claims["direction"].ne("not estimable"),
    )
    runs = claims.groupby(["family", "seed", "scope"], sort=True)[["claimed", "estimable"]].any()
    table = runs.groupby("family").agg(
        patient_runs=("claimed", "size"),
        examined=("estimable", "sum"),
        false_claims=("claimed", "sum"),
    )
    table["share"] = table["false_claims"] / table["patient_runs"]
    return table.reset_index()


def page(table: pd.DataFrame, claims: pd.DataFrame, seeds: int) -> str:
    """Return docs/calibration_null.md."""
    lines = [
        "# Calibration: cohorts in which nothing changed",
        "",
        "Written by `python benchmarks/calibration/null_cohorts.py "
        f"--seeds {seeds}`. Tiny simulated cohorts",
        "(two patients, two timepoints, 300 droplets a sample) with equal composition, clones and",
        "expression at both times and no batch effect between libraries, through the whole",
        "workflow up to the claims. A patient-run is one patient of one cohort; at most",
        f"{ALLOWED:.0%} of them may carry a within-patient claim in any family.",
        "",
        "| family | patient-runs | with an estimable claim | with a false claim | share |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.family} | {row.patient_runs} | {row.examined} | {row.false_claims} "
        f"| {row.share:.1%} |"
        for row in table.itertuples()
        if row.family != "clinical"
    ]
    false = claims[claims["direction"].isin(CHANGES) & (claims["evidence"] == "within-patient")]
    lines += ["", "The false claims, one by one:" if len(false) else "No false claim was made."]
    lines += [
        f"- seed {row.seed}, {row.scope}: {row.claim} {row.compartment} {row.direction}, "
        f"{row.n_baseline} to {row.n_followup} cells, q {row.q_value}"
        for row in false.itertuples()
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run the study; the exit code says whether every family holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="keep the cohorts here (default: temporary)")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        found = []
        for seed in range(chosen.first, chosen.first + chosen.seeds):
            found.append(claims_of(seed, folder))
            sys.stdout.write(f"seed {seed} done\n")
            sys.stdout.flush()
    claims = pd.concat(found, ignore_index=True)
    table = by_family(claims)
    (ROOT / "docs/calibration_null.md").write_text(page(table, claims, chosen.seeds), "utf-8")
    sys.stdout.write(table.to_string(index=False) + "\n")
    judged = table[table["family"] != "clinical"]
    return int((judged["share"] > ALLOWED).any())


if __name__ == "__main__":
    sys.exit(main())
