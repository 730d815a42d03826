"""Claims of the invented cohort, and how its tables are written to disk."""

from pathlib import Path

import numpy as np
import pandas as pd
from unit import report_beside
from unit import report_tables as made

from immune_reset import tables

COLUMNS = tables.fixed_columns("claims")
NUMBERS = COLUMNS[COLUMNS.index("n_baseline") : COLUMNS.index("direction")]
PATHWAYS = ("ifn_b_cells", "ifn_t_cells", "ifn_monocytes", "ifn_nk_cells", "ifn_dc")


def claim(name: str, family: str, scope: str, comparison: str, **values) -> dict:
    """Return one row of the claims table; what is not given is empty."""
    blank = dict.fromkeys(NUMBERS, np.nan)
    texts = {"compartment": "all", "measure": "", "reason": "", "detail": "", "guard": ""}
    row = blank | texts | {"claim": name, "family": family, "scope": scope}
    return row | {"comparison": comparison} | values


def of_patient(scope: str, comparison: str) -> list[dict]:
    """Return one patient's claims of one comparison."""
    own = {"evidence": "within-patient"}
    early = comparison.startswith("month_1")
    none = {"direction": "not estimable", "evidence": "descriptive"}
    rows = [
        claim("ifn_b_cells", "pathways", scope, comparison, n_baseline=168, n_followup=2)
        | {"compartment": "B", "measure": "log2_ratio"}
        | none
        | {"reason": "2 B cells at the follow-up"}
        | {"detail": "at least 10 cells in both samples would be enough"}
    ]
    for i, name in enumerate(PATHWAYS[0 if not early else 1 :]):
        value = -1.68 + 0.2 * i
        rows.append(
            claim(name, "pathways", scope, comparison, n_baseline=300 + i, n_followup=280 - i)
            | own
            | {"measure": "log2_ratio", "estimate": value, "q_value": 0.002}
            | {"ci_low": value - 0.6, "ci_high": value + 0.61, "direction": "decreased"}
        )
    rows = rows if early else rows[1:]
    rows += [
        claim("jak_stat_b_cells", "pathways", scope, comparison, n_baseline=168, n_followup=120)
        | own
        | {"compartment": "B", "measure": "log2_ratio", "estimate": -1.2, "ci_low": -1.5}
        | {"ci_high": -0.9, "direction": "decreased", "detail": "same signal as interferon"},
        claim("tcr_diversity", "diversity", scope, comparison, n_baseline=700, n_followup=760)
        | own
        | {"measure": "ln_D1", "estimate": -0.03, "ci_low": -0.21, "ci_high": 0.15}
        | {"direction": "no change shown"},
        claim("bcr_diversity", "diversity", scope, comparison, n_baseline=160, n_followup=3)
        | none
        | {"measure": "ln_D1", "reason": "3 cells with a BCR at the follow-up"}
        | {"detail": "at least 20 cells with a BCR and 10 repeats would be enough"},
        claim("b_cell_fraction", "composition", scope, comparison, n_baseline=1400, n_followup=1390)
        | own
        | {"measure": "log2_share_ratio", "ci_high": -4.1, "direction": "decreased"}
        | {"detail": "bound: 2 B cells at the follow-up"},
        claim("naive_b_fraction", "composition", scope, comparison, n_baseline=168, n_followup=120)
        | own
        | {"compartment": "B", "measure": "log2_share_ratio", "estimate": 0.9, "ci_low": 0.7}
        | {"ci_high": 1.1, "direction": "increased"},
        claim("baseline_clones", "clones", scope, comparison, n_baseline=160, n_followup=130)
        | own
        | {"compartment": "BCR", "measure": "log2_share_ratio", "estimate": -3.2, "ci_low": -5.1}
        | {"ci_high": -2.2, "direction": "decreased"},
        claim("clinical_SLEDAI-2K", "clinical", scope, comparison, n_baseline=1, n_followup=1)
        | {"measure": "difference", "estimate": -12.0, "direction": "decreased"}
        | {"evidence": "descriptive"},
        claim("car_t_fraction", "car", scope, comparison, n_baseline=500, n_followup=530)
        | {"measure": "difference", "estimate": 0.031, "ci_low": 0.02, "ci_high": 0.045}
        | {"direction": "increased", "evidence": "descriptive"},
    ]
    return rows


def of_cohort(comparison: str) -> list[dict]:
    """Return the cohort's claims of one comparison."""
    rows = [
        claim(name, "pathways", "cohort", comparison, n_baseline=3, n_followup=3)
        | {"measure": "log2_ratio", "estimate": -1.7, "ci_low": -2.1, "ci_high": -1.3}
        | {"p_value": 0.25, "p_floor": 0.25, "q_value": 0.01, "direction": "decreased"}
        | {"evidence": "cohort"}
        for name in PATHWAYS[1:3]
    ]
    return [
        *rows,
        claim("tcr_diversity", "diversity", "cohort", comparison, n_baseline=3, n_followup=3)
        | {"measure": "ln_D1", "estimate": 0.01, "ci_low": -0.2, "ci_high": 0.22}
        | {"p_value": 1.0, "p_floor": 0.25, "direction": "no change shown", "evidence": "cohort"},
        claim("bcr_diversity", "diversity", "cohort", comparison, n_baseline=1, n_followup=1)
        | {"direction": "not estimable", "evidence": "descriptive", "measure": "ln_D1"}
        | {"reason": "1 patient with an estimable pair"}
        | {"detail": "3 patients with an estimable pair would be enough"},
        claim("clinical_SLEDAI-2K", "clinical", "cohort", comparison, n_baseline=3, n_followup=3)
        | {"measure": "difference", "estimate": -13.2, "ci_low": -16.0, "ci_high": -10.4}
        | {"p_value": 0.25, "p_floor": 0.25, "q_value": 0.004, "direction": "decreased"}
        | {"evidence": "cohort"},
    ]


def claims() -> pd.DataFrame:
    """Return the claims table of the invented cohort."""
    rows = [row for comparison in made.comparisons() for row in of_cohort(comparison)]
    for patient in made.PATIENTS:
        rows += [
            row for comparison in made.comparisons() for row in of_patient(patient, comparison)
        ]
    return pd.DataFrame(rows)[COLUMNS]


def patients() -> pd.DataFrame:
    """Return the wide table of patients."""
    return pd.DataFrame(
        {"patient": made.PATIENTS, "ifn_b_cells|month_3 vs baseline": [-1.7, -1.6, -1.8]}
    )


def car_cells() -> pd.DataFrame:
    """Return the CAR T cells by sample."""
    rows = []
    for row in made.design()["samples"]:
        n = {"baseline": 0, "month_1": 17, "month_3": 3}[row["timepoint"]]
        rows.append(
            {key: row[key] for key in ("sample", "patient", "timepoint")}
            | {"n_t_cells": 520, "n_car": n, "fraction": n / 520, "ci_low": n / 900}
            | {"ci_high": (n + 4) / 520, "cd4": n // 3, "cd8": n - n // 3, "threshold": 2}
            | {"false_positive_bound": 0.0009, "status": "estimable"}
        )
    return pd.DataFrame(rows)


def enrichment() -> pd.DataFrame:
    """Return gene-set enrichment of the pseudobulk comparison."""
    return pd.DataFrame(
        [
            {"comparison": comparison, "cell_type": kind, "gene_set": gene_set, "nes": nes}
            | {"p_value": 0.0005, "q_value": 0.002, "n_genes": 28, "sign_count": 3, "n_pairs": 3}
            for comparison in made.comparisons()
            for kind in ("CD4 T", "monocyte")
            for gene_set, nes in (("ISG28", -2.4), ("HALLMARK_IL2_STAT5_SIGNALING", 0.8))
        ]
    )


def isotypes() -> pd.DataFrame:
    """Return isotype shares by sample."""
    return pd.DataFrame(
        [
            {"patient": patient, "timepoint": time, "isotype": isotype}
            | {"n_cells": n, "n_total": 160, "fraction": n / 160, "ci_low": 0.1, "ci_high": 0.9}
            | {"n_v_identity": n, "mutation_median": 0.02, "n_v_identity_clones": n // 2}
            | {"mutation_median_clones": 0.03, "mutation_low": 0.02, "mutation_high": 0.05}
            | {"mutation": "available", "status": "described"}
            for patient in made.PATIENTS
            for time, shares in (("baseline", (90, 20, 50)), ("month_3", (110, 45, 5)))
            for isotype, n in zip(("IGHM", "IGHD", "IGHG"), shares, strict=True)
        ]
    )


def every_table() -> dict[str, pd.DataFrame]:
    """Return all tables of `tables/` by name."""
    names = ["qc", "composition", "composition_change", "diversity", "diversity_change", "clones"]
    names += ["clone_fates", "pathway_scores", "pathway_change", "attribution", "clinical"]
    names += ["clusters"]
    own = (claims, patients, car_cells, enrichment, isotypes)
    own += (report_beside.design_guard, report_beside.gene_set_overlap, report_beside.reference)
    frames = {name: getattr(made, name)() for name in names} | {f.__name__: f() for f in own}
    return frames | {"composition_change": report_beside.with_numbers(frames["composition_change"])}


def write_all(folder: Path, frames: dict[str, pd.DataFrame] | None = None) -> dict[str, str]:
    """Write the tables as TSV below `folder`; return {name: path}."""
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    paths = {}
    for name, frame in (frames or every_table()).items():
        path = folder / "tables" / f"{name}.tsv"
        frame.to_csv(path, sep="\t", index=False)
        paths[name] = str(path)
    return paths


def write_parquet(folder: Path, frames: dict[str, pd.DataFrame]) -> dict[str, str]:
    """Write the frames as Parquet below `folder`; return {name: path}."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for name, frame in frames.items():
        paths[name] = str(folder / f"{name}.parquet")
        frame.to_parquet(paths[name], index=False)
    return paths
