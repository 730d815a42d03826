"""Contigs, receptors and clonotypes built in code, for the tests of the repertoire."""

import types

import numpy as np
import pandas as pd

import define_clonotypes
import read_receptors
from immune_reset import tables

CONFIG = {
    "receptors.min_umis": 1,
    "receptors.productive_only": True,
    "receptors.high_confidence_only": True,
    "clonotypes.bcr_max_distance": 0.15,
    "clonotypes.light_chain": "where_present",
    "clonotypes.tcr_arms": "refined",
    "clonotypes.tcr_sequence": "nt",
    "clones.min_cells": 3,
    "clones.fdr": 0.05,
    "clones.expanded_min_cells": 3,
    "clones.follow_plasma": True,
    "seed": 1,
}
DEFAULT_GENES = {
    "TRA": ("TRAV1-2", "TRAJ33", "TRAC"),
    "TRB": ("TRBV9", "TRBJ2-2", "TRBC2"),
    "TRG": ("TRGV9", "TRGJP", "TRGC1"),
    "TRD": ("TRDV2", "TRDJ1", "TRDC"),
    "IGH": ("IGHV3-23", "IGHJ4", "IGHM"),
    "IGK": ("IGKV1-39", "IGKJ1", "IGKC"),
    "IGL": ("IGLV2-14", "IGLJ2", "IGLC2"),
}


class Files(dict):
    """Named files of a rule, by attribute as Snakemake gives them."""

    __getattr__ = dict.__getitem__


def job(inputs, outputs, *, design=None, wildcards=None, cfg=None):
    """Return what Snakemake would hand to a script's main."""
    return types.SimpleNamespace(
        input=Files(inputs),
        output=Files(outputs),
        params=types.SimpleNamespace(cfg={**CONFIG, **(cfg or {})}, design=design),
        wildcards=types.SimpleNamespace(**(wildcards or {})),
        log=[],
    )


def design(patient="P1", timepoints=("pre", "post"), *, without=()):
    """Return a patient's design; `without` lists (sample, "bcr" or "tcr") that have no file."""
    return {
        "patient": patient,
        "baseline": timepoints[0] if timepoints else None,
        "timepoints": list(timepoints),
        "samples": [
            {
                "sample": f"{patient}_{time}",
                "timepoint": time,
                "day": float(day),
                "has_bcr": (f"{patient}_{time}", "bcr") not in without,
                "has_tcr": (f"{patient}_{time}", "tcr") not in without,
            }
            for day, time in enumerate(timepoints)
        ],
    }


def contig(cell, number, locus, junction, **changes):
    """Return one row of Cell Ranger's contig annotations, as text."""
    v, j, c = DEFAULT_GENES.get(locus, ("V", "J", "C"))
    row = {
        "barcode": cell,
        "is_cell": "True",
        "contig_id": f"{cell}_contig_{number}",
        "high_confidence": "True",
        "length": "500",
        "chain": locus,
        "v_gene": v,
        "d_gene": "None",
        "j_gene": j,
        "c_gene": c,
        "full_length": "True",
        "productive": "True",
        "cdr3": "C" + "A" * (len(junction) // 3 - 1),
        "cdr3_nt": junction,
        "reads": "100",
        "umis": "5",
        "raw_clonotype_id": "None",
        "raw_consensus_id": "None",
    }
    return {**row, **{name: str(value) for name, value in changes.items()}}


def contigs(*rows):
    """Return contig rows as a table."""
    return pd.DataFrame(list(rows), columns=list(contig("A", 1, "TRB", "TGT")), dtype=str)


def cell(name, vdj, vj=None, *, receptor="TCR", time="pre", v=None, j=None, vj2=None, **changes):
    """Return one row of a patient's receptors joined to its cells.

    `vdj` is the junction of the VDJ chain; `vj`, `vj2` are (V gene, J gene, junction) or None.
    """
    heavy, light = ("TRB", "TRA") if receptor == "TCR" else ("IGH", "IGK")
    v_default, j_default, c = DEFAULT_GENES[heavy]
    row = {"cell_id": name, "sample": f"P1_{time}", "timepoint": time, "receptor_type": receptor}
    row["chain_pairing"] = "single pair" if vj else "orphan VDJ"
    fields = {"VDJ_1": (heavy, v or v_default, j or j_default, c, vdj)}
    fields["VJ_1"] = (light, *vj[:2], None, vj[2]) if vj else (None,) * 5
    fields["VJ_2"] = (light, *vj2[:2], None, vj2[2]) if vj2 else (None,) * 5
    for slot, (locus, v_call, j_call, c_call, junction) in fields.items():
        row |= {
            f"{slot}_locus": locus,
            f"{slot}_v_call": v_call,
            f"{slot}_j_call": j_call,
            f"{slot}_c_call": c_call,
            f"{slot}_junction": junction,
            f"{slot}_junction_aa": None if junction is None else "C" * (len(junction) // 3),
            f"{slot}_umi_count": 5,
            f"{slot}_v_identity": np.nan,
        }
    return {**row, **changes}


def cells(*rows):
    """Return rows of `cell` as a table."""
    return pd.DataFrame(list(rows))


def clonotypes(counts, *, patient="P1", receptor="TCR", start=0, **changes):
    """Return clonotypes.parquet of {clone number: {timepoint: cells}}."""
    heavy = "TRB" if receptor == "TCR" else "IGH"
    v, j, c = DEFAULT_GENES[heavy]
    rows = []
    for number, times in counts.items():
        for time, n in times.items():
            rows += [
                {
                    "cell_id": f"{patient}_{time}:{receptor}{number}.{i + start}",
                    "sample": f"{patient}_{time}",
                    "timepoint": time,
                    "receptor": receptor,
                    "clone_id": f"{patient}:{receptor}:{number}",
                    "locus": heavy,
                    "v_call": v,
                    "j_call": j,
                    "c_call": c,
                    "junction": f"TGT{number}",
                    "junction_aa": "CASSF",
                    "umi_count": 5,
                    "v_identity": np.nan,
                    "vj_locus": None,
                    "vj_v_call": None,
                    "vj_j_call": None,
                    "vj_junction": None,
                    "vj_junction_aa": None,
                    "chain_pairing": "orphan VDJ",
                    **changes,
                }
                for i in range(n)
            ]
    columns = [
        "cell_id", "sample", "timepoint", "receptor", "clone_id", "locus", "v_call", "j_call",
        "c_call", "junction", "junction_aa", "umi_count", "v_identity", "vj_locus", "vj_v_call",
        "vj_j_call", "vj_junction", "vj_junction_aa", "chain_pairing",
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    words = [name for name in columns if name not in ("umi_count", "v_identity")]
    types_ = {**dict.fromkeys(words, "string"), "umi_count": "Int64", "v_identity": "float64"}
    return frame.astype(types_)


SHARED = pd.DataFrame(
    {c: pd.Series(dtype="string") for c in ("receptor", "locus", "v_call", "j_call", "junction")}
)


def define(tmp_path, receptors, cells, design, **cfg):
    """Run define_clonotypes on two tables; return its table and its facts."""
    for name, frame in (("receptors", receptors), ("cells", cells)):
        tables.write(frame, tmp_path / f"{name}.parquet")
    outputs = {"clonotypes": tmp_path / "clonotypes.parquet", "facts": tmp_path / "facts.json"}
    inputs = {name: [tmp_path / f"{name}.parquet"] for name in ("receptors", "cells")}
    define_clonotypes.main(job(inputs, outputs, design=design, cfg=cfg))
    return tables.read(outputs["clonotypes"]), tables.read_json(outputs["facts"])


def real_patient(real_data, cohort, patient, tmp_path):
    """Return clonotypes and facts of one patient of a real cohort, every receptor's cell kept."""
    frames = []
    for sample in (f"{patient}_pre", f"{patient}_post"):
        files = {}
        for receptor, letter in (("BCR", "b"), ("TCR", "t")):
            path = real_data / cohort / sample / f"vdj_{letter}_filtered_contig_annotations.csv"
            files[receptor] = (pd.read_csv(path, dtype=str, keep_default_na=False), str(path))
        options = {"min_umis": 1, "productive_only": True, "high_confidence_only": True}
        frames.append(read_receptors.build_receptors(files, sample=sample, **options)[1])
    receptors = pd.concat(frames, ignore_index=True)
    cells = pd.DataFrame({"cell_id": receptors["cell_id"], "keep": True})
    cells["sample"] = cells["cell_id"].str.split(":").str[0]
    return define(tmp_path, receptors, cells, design(patient))
