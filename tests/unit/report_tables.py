"""Tables of an invented cohort, for the tests of the figures and of the report.

Three patients, three timepoints; B cells gone at month 1 and back, naive, at month 3. P3 has no
BCR file at month 1. The numbers are plausible and consistent enough to be drawn; nothing else.
"""

import numpy as np
import pandas as pd

PATIENTS = ("P1", "P2", "P3")
TIMEPOINTS = ("baseline", "month_1", "month_3")
DAYS = {"baseline": -7, "month_1": 30, "month_3": 90}
SHARES = {
    "B": (0.12, 0.0015, 0.09),
    "plasma": (0.012, 0.0, 0.002),
    "CD4 T": (0.30, 0.36, 0.33),
    "CD8 T": (0.20, 0.26, 0.22),
    "other T": (0.04, 0.05, 0.04),
    "NK": (0.10, 0.12, 0.10),
    "monocyte": (0.19, 0.17, 0.18),
    "DC": (0.02, 0.02, 0.02),
    "platelet": (0.01, 0.01, 0.01),
    "unassigned": (0.008, 0.0085, 0.008),
}
LOSSES = (
    "lost_low_counts",
    "lost_low_genes",
    "lost_high_counts",
    "lost_high_genes",
    "lost_high_mt",
    "lost_doublet_expression",
    "lost_doublet_receptors",
)
FATES = (
    "eradicated",
    "below detection",
    "contracted",
    "stable",
    "expanded",
    "new",
    "returned",
    "too few to test",
)
GENE_SETS = ("ISG28", "HALLMARK_IL6_JAK_STAT3_SIGNALING", "JAK_STAT_BEYOND_INTERFERON")
SETTINGS = {
    "samples": "resources/demo/samples.tsv",
    "outdir": "results",
    "seed": 0,
    "report.title": "Was the immune system reset?",
    "qc.min_counts": 500,
    "qc.min_genes": 200,
    "qc.max_pct_mt": 20,
    "qc.nmads": 5,
    "doublets.max_score": None,
    "doublets.expected_rate": None,
    "doublets.use_receptors": True,
    "doublets.n_genes": 2000,
    "doublets.sim_ratio": 2,
    "doublets.n_components": 30,
    "genes.n_top": 2000,
    "genes.exclude_vdj": True,
    "genes.keep": [],
    "embedding.n_components": 30,
    "embedding.harmony": True,
    "embedding.batch_key": "sample",
    "embedding.theta": 2,
    "graph.n_neighbors": 15,
    "layout.min_dist": 0.3,
    "layout.spread": 1.0,
    "clusters.resolution": 1.0,
    "annotation.min_confidence": 0.1,
    "annotation.labels": None,
    "annotation.overrides": None,
    "car.features": [],
    "car.pattern": "^CAR",
    "car.max_false_positive_rate": 0.001,
    "receptors.min_umis": 1,
    "receptors.productive_only": True,
    "receptors.high_confidence_only": True,
    "clonotypes.bcr_max_distance": 0.15,
    "clonotypes.light_chain": "where_present",
    "clonotypes.tcr_arms": "refined",
    "clonotypes.tcr_sequence": "nt",
    "diversity.min_cells": 20,
    "diversity.min_repeats": 10,
    "diversity.orders": [0, 1, 2],
    "diversity.bootstraps": 200,
    "clones.min_cells": 3,
    "clones.fdr": 0.05,
    "clones.expanded_min_cells": 2,
    "clones.follow_plasma": True,
    "clones.lookup": None,
    "composition.min_expected": 5,
    "expression.min_cells": 10,
    "expression.min_counts": 1000,
    "expression.permutations": 2000,
    "expression.min_set_size": 10,
    "expression.max_set_size": 500,
    "pathways.min_cells": 10,
    "pathways.min_counts": 20,
    "pathways.min_genes": 5,
    "claims.alpha": 0.05,
    "guard.window_days": 28,
    "guard.early_days": 28,
    "guard.max_ratio": 3,
    "claims.min_log2_change": 0.58,
    "claims.min_log_diversity": 0.2,
    "clinical.window_days": 14,
}
VERSIONS = {"scanpy": "1.11.5", "scirpy": "0.22.5", "immune-reset": "0.1.0", "python": "3.11.2"}


def design(patients=PATIENTS, timepoints=TIMEPOINTS) -> dict:
    """Return the gather design of the invented cohort."""
    samples = [
        {
            "sample": f"{patient}_{time}",
            "patient": patient,
            "timepoint": time,
            "day": DAYS.get(time, 30 * i),
            "batch": "",
            "group": "patient",
            "tissue": "PBMC",
            "in_cohort": True,
        }
        for patient in patients
        for i, time in enumerate(timepoints)
    ]
    return {"timepoints": list(timepoints), "baseline": timepoints[0], "samples": samples}


def comparisons() -> list[str]:
    return [f"{time} vs {TIMEPOINTS[0]}" for time in TIMEPOINTS[1:]]


def qc() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rows = []
    for row in design()["samples"]:
        lost = dict(zip(LOSSES, rng.integers(5, 90, len(LOSSES)).tolist(), strict=True))
        if row["sample"] == "P3_month_1":
            lost["lost_high_mt"] = 900
        kept = 1500 if row["timepoint"] == "baseline" else 1400
        rows.append(
            {"sample": row["sample"], "barcodes_in": kept + sum(lost.values()), "cells_kept": kept}
            | lost
            | {"thr_min_counts": 500, "thr_max_pct_mt": 12.5, "n_bcr_cells": 120}
        )
    return pd.DataFrame(rows)


def cells(sample: str = "P1_baseline", n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(len(sample) + sum(map(ord, sample)))
    keep = rng.random(n) > 0.2
    return pd.DataFrame(
        {
            "cell_id": [f"{sample}:BC{i}" for i in range(n)],
            "sample": sample,
            "barcode": [f"BC{i}" for i in range(n)],
            "total_counts": np.exp(rng.normal(8, 0.6, n)),
            "n_genes_by_counts": np.exp(rng.normal(7, 0.4, n)),
            "pct_counts_mt": rng.gamma(3, 1.5, n),
            "doublet_score": rng.beta(1, 8, n),
            "keep": keep,
            "reason": np.where(keep, "kept", "lost_low_genes"),
        }
    )


def atlas(n: int = 6000) -> dict[str, pd.DataFrame]:
    """Return umap, labels and cell scores of `n` cells."""
    rng = np.random.default_rng(3)
    rows = []
    for row in design()["samples"]:
        time = TIMEPOINTS.index(row["timepoint"])
        share = np.array([s[time] for s in SHARES.values()])
        count = n // 9
        kinds = rng.choice(list(SHARES), count, p=share / share.sum())
        rows.append(pd.DataFrame({"sample": row["sample"], "cell_type": kinds, "time": time}))
    frame = pd.concat(rows, ignore_index=True)
    frame["cell_id"] = [f"{s}:{i}" for i, s in enumerate(frame["sample"])]
    angle = frame["cell_type"].map({k: 2.4 * i for i, k in enumerate(SHARES)})
    radius = frame["cell_type"].map({k: 3 + 0.8 * i for i, k in enumerate(SHARES)})
    frame["umap_1"] = radius * np.cos(angle) + rng.normal(0, 0.8, len(frame))
    frame["umap_2"] = radius * np.sin(angle) + rng.normal(0, 0.8, len(frame))
    frame["ISG28"] = rng.beta(2, 20, len(frame)) + 0.1 * (frame["time"] == 0)
    frame["cluster"] = frame["cell_type"].map({k: str(i) for i, k in enumerate(SHARES)})
    frame["cell_subtype"], frame["confidence"], frame["source"] = "", 0.8, "marker"
    return {
        "umap": frame[["cell_id", "umap_1", "umap_2"]],
        "labels": frame[
            ["cell_id", "sample", "cluster", "cell_type", "cell_subtype", "confidence", "source"]
        ],
        "scores": frame[["cell_id", "ISG28"]],
    }


def composition() -> pd.DataFrame:
    rows = []
    for row in design()["samples"]:
        for kind, shares in SHARES.items():
            share = shares[TIMEPOINTS.index(row["timepoint"])]
            n = round(share * 1400)
            rows.append(
                {key: row[key] for key in ("sample", "patient", "timepoint")}
                | {"level": "cell_type", "parent": "", "denominator": "all cells"}
                | {"cell_type": kind, "n_cells": n, "fraction": n / 1400}
                | {"ci_low": max(0, share - 0.01), "ci_high": share + 0.012, "n_total": 1400}
            )
        for kind, shares in (("naive B", (0.55, np.nan, 0.9)), ("memory B", (0.3, np.nan, 0.05))):
            share = shares[TIMEPOINTS.index(row["timepoint"])]
            rows.append(
                {key: row[key] for key in ("sample", "patient", "timepoint")}
                | {"level": "cell_subtype", "parent": "B", "denominator": "cells of type B"}
                | {"cell_type": kind, "n_cells": 60, "fraction": share, "ci_low": share - 0.04}
                | {"ci_high": share + 0.04, "n_total": 168}
            )
    return pd.DataFrame(rows)


def composition_change() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    rows = []
    for scope in (*PATIENTS, "cohort"):
        for i, comparison in enumerate(comparisons()):
            for kind, shares in SHARES.items():
                before, after = shares[0], shares[i + 1]
                ok = min(before, after) * 1400 >= 5
                value = np.log2(after / before) + rng.normal(0, 0.1) if ok else np.nan
                rows.append(
                    {"scope": scope, "comparison": comparison, "cell_type": kind}
                    | {"level": "cell_type", "parent": ""}
                    | {"estimate": value, "ci_low": value - 0.4, "ci_high": value + 0.4}
                    | {"status": "estimable" if ok else "bound"}
                )
    frame = pd.DataFrame(rows)
    frame.loc[(frame["status"] == "bound") & (frame["cell_type"] == "B"), "ci_high"] = -4.1
    return frame


def diversity() -> pd.DataFrame:
    rows = []
    level = {"BCR": (90, 60, 260), "TCR": (310, 290, 305)}
    for patient in PATIENTS:
        for t, time in enumerate(TIMEPOINTS):
            for receptor, values in level.items():
                gone = receptor == "BCR" and time == "month_1"
                for q in (0, 1, 2):
                    value = values[t] / (1 + 0.3 * q)
                    rows.append(
                        {"patient": patient, "timepoint": time, "receptor": receptor}
                        | {"compartment": "all", "q": q, "estimator": "rarefied"}
                        | {"n_cells": 3 if gone else 400 + 10 * t, "n_clones": 300, "n_repeats": 40}
                        | {"coverage": 0.5, "m": 320, "value": np.nan if gone else value}
                        | {"ci_low": np.nan if gone else value * 0.8}
                        | {"ci_high": np.nan if gone else value * 1.25}
                        | {"status": "not estimable" if gone else "estimable"}
                    )
    return pd.DataFrame(rows)


def diversity_change() -> pd.DataFrame:
    rows = []
    for patient in PATIENTS:
        for comparison in comparisons():
            for receptor, value in (("BCR", 1.05), ("TCR", -0.03)):
                gone = receptor == "BCR" and comparison.startswith("month_1")
                rows.append(
                    {"patient": patient, "receptor": receptor, "compartment": "all", "q": 1}
                    | {"estimator": "rarefied", "comparison": comparison, "m": 320}
                    | {"log_ratio": np.nan if gone else value, "p_value": 0.001}
                    | {"ci_low": np.nan if gone else value - 0.2}
                    | {"ci_high": np.nan if gone else value + 0.2}
                    | {"status": "not estimable" if gone else "estimable"}
                )
    return pd.DataFrame(rows)


def diversity_curves() -> pd.DataFrame:
    rows = []
    for patient in PATIENTS:
        for t, time in enumerate(TIMEPOINTS):
            for receptor in ("BCR", "TCR"):
                if receptor == "BCR" and time == "month_1":
                    continue
                top = 300 + 80 * t
                for m in range(20, 401, 20):
                    value = top * (1 - np.exp(-m / 200))
                    rows.append(
                        (
                            patient,
                            time,
                            receptor,
                            "all",
                            "rarefaction",
                            m,
                            0,
                            value,
                            value * 0.93,
                            value * 1.07,
                        )
                    )
    columns = [
        "patient",
        "timepoint",
        "receptor",
        "compartment",
        "kind",
        "m",
        "q",
        "value",
        "ci_low",
        "ci_high",
    ]
    return pd.DataFrame(rows, columns=columns)


def clones() -> pd.DataFrame:
    rows = []
    for patient in PATIENTS:
        for receptor, total in (("BCR", (160, 3, 130)), ("TCR", (700, 800, 760))):
            for i in range(12):
                size = max(1, 30 // (i + 1))
                after = (0, 0) if receptor == "BCR" else (max(0, size + 3 - i), size)
                counts = dict(zip([f"n_{t}" for t in TIMEPOINTS], (size, *after), strict=True))
                totals = dict(zip([f"total_{t}" for t in TIMEPOINTS], total, strict=True))
                rows.append(
                    {"patient": patient, "receptor": receptor}
                    | {"clone_id": f"{patient}:{receptor}:{i + 1}", "v_call": "IGHV4-34"}
                    | {"j_call": "IGHJ6", "junction_aa": f"CARGYSSGW{'Y' * i}FDYW"}
                    | counts
                    | totals
                )
    return pd.DataFrame(rows)


def clone_fates() -> pd.DataFrame:
    frame = clones()
    rows = []
    for comparison in comparisons():
        for record in frame.to_dict("records"):
            before = record["n_baseline"]
            after = record[f"n_{comparison.split(' ')[0]}"]
            fate = "stable" if after else ("eradicated" if before >= 10 else "below detection")
            rows.append(
                {key: record[key] for key in ("patient", "receptor", "clone_id")}
                | {key: record[key] for key in ("v_call", "j_call", "junction_aa")}
                | {"comparison": comparison, "n_baseline": before, "n_followup": after}
                | {"fate": fate if before + after >= 3 else "too few to test"}
                | {"flag": "possible contamination" if after == 1 else ""}
                | {"detection_limit": 0.018, "p_value": 0.01, "q_value": 0.04}
                | {"text": f"{before} of 160 cells at baseline, {after} of 130 now: {fate}"}
            )
    return pd.DataFrame(rows)


def baseline_clones() -> pd.DataFrame:
    rows = []
    for patient in PATIENTS:
        for receptor, shares in (("BCR", (np.nan, 0.02)), ("TCR", (0.44, 0.41))):
            for comparison, share in zip(comparisons(), shares, strict=True):
                known = np.nan if np.isnan(share) else 0.5
                rows.append(
                    {"patient": patient, "receptor": receptor, "comparison": comparison}
                    | {"share_baseline": known, "share_baseline_low": known - 0.1}
                    | {"share_baseline_high": known + 0.1, "share_followup": share}
                    | {"share_followup_low": share * 0.8, "share_followup_high": share * 1.2}
                    | {"estimate": share - known, "ci_low": -0.9, "ci_high": 0.1}
                )
    return pd.DataFrame(rows)


def pathway_scores() -> pd.DataFrame:
    rows = []
    for row in design()["samples"]:
        time = TIMEPOINTS.index(row["timepoint"])
        for k, kind in enumerate(SHARES):
            for s, gene_set in enumerate(GENE_SETS):
                n = round(SHARES[kind][time] * 1400)
                missing = n < 10
                score = 4.5 + 0.2 * k - 0.3 * s - (1.8, 0, 0.2)[s] * (time > 0)
                rows.append(
                    {key: row[key] for key in ("sample", "patient", "timepoint")}
                    | {"cell_type": kind, "gene_set": gene_set, "n_cells": n, "n_genes": 27}
                    | {"score": np.nan if missing else score}
                    | {"ci_low": np.nan if missing else score - 0.3}
                    | {"ci_high": np.nan if missing else score + 0.3}
                    | {"status": "not scorable" if missing else "scorable"}
                )
    return pd.DataFrame(rows)


def pathway_change() -> pd.DataFrame:
    rows = []
    for scope in (*PATIENTS, "cohort"):
        for i, comparison in enumerate(comparisons()):
            for kind, shares in SHARES.items():
                for gene_set, value in zip(GENE_SETS, (-1.8, -0.1, 0.1), strict=True):
                    missing = min(shares[0], shares[i + 1]) * 1400 < 10
                    value = np.nan if missing else value
                    rows.append(
                        {"comparison": comparison, "cell_type": kind, "gene_set": gene_set}
                        | {"scope": scope, "estimate": value, "ci_low": value - 0.4}
                        | {"ci_high": value + 0.4, "p_value": np.nan, "p_floor": 0.25}
                        | {"n_patients": 3 if scope == "cohort" else 1}
                        | {"status": "not scorable" if missing else "scorable"}
                    )
    return pd.DataFrame(rows)


def attribution() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"patient": patient, "comparison": comparison, "gene_set": gene_set}
            | {"cell_type": kind, "within": -11.0, "composition": 1.75, "total": -18.5}
            for kind in ("B", "NK")
            for patient in PATIENTS
            for comparison in comparisons()
            for gene_set in GENE_SETS[:2]
        ]
    )


def clinical() -> pd.DataFrame:
    rows = []
    courses = {
        "SLEDAI-2K": ("", (18, 6, 2)),
        "proteinuria_24h": ("g/24h", (8.2, 2.1, 0.9)),
        "C3": ("g/L", (0.45, 0.7, 0.95)),
        "anti_dsDNA": ("IU/mL", (310, 60, 12)),
        "IgG": ("g/L", (14.1, 6.2, 5.4)),
    }
    for p, patient in enumerate(PATIENTS):
        for measure, (unit, values) in courses.items():
            for day, value in zip((-7, 30, 90), values, strict=True):
                rows.append((patient, day, "measure", measure, value * (1 + 0.1 * p), unit))
        rows.append((patient, -7, "drug", "prednisone", 20, "mg"))
        rows.append((patient, 30, "drug", "prednisone", 5, "mg"))
        rows.append((patient, 4, "event", "CRS", 1, "grade"))
    columns = ["patient", "day", "kind", "measure", "value", "unit"]
    return pd.DataFrame(rows, columns=columns)


def clusters() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"cluster": str(i), "n_cells": round(9 * 1400 * shares[0]), "cell_type": kind}
            | {"cell_subtype": "", "confidence": 0.9 - 0.1 * (i % 7), "alternative": "NK"}
            | {"source": "marker", "top_markers": "MS4A1, CD79A, CD19"}
            for i, (kind, shares) in enumerate(SHARES.items())
        ]
    )
