"""What the demo's finished run found of what was planted; writes docs/demo.md.

    .venv/bin/python benchmarks/demo_truth.py [--results results] [--out docs/demo.md]

Reads the tables of a finished run of the demo and the truth files beside its matrices, and takes
seconds. Nothing of it is part of the workflow, which never sees the truth.
"""

import argparse
import textwrap
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
COMMAND = ".venv/bin/python benchmarks/demo_truth.py"
LEVELS = ["B", "plasma", "CD4 T", "CD8 T", "NK", "monocyte", "DC"]
CALLED = ["doublet_expression", "doublet_receptors"]
CLAIMED_IN = {
    "ifn_b_cells": "B",
    "ifn_t_cells": "CD4 T",
    "ifn_monocytes": "monocyte",
    "ifn_nk_cells": "NK",
    "ifn_dc": "DC",
}
INTRO = f"""# The demo against its truth

Written by `{COMMAND}` from the finished run of `make demo`.

The demo cohort is simulated. Three patients with lupus-like blood (LN01 to LN03) are sampled
before, one month and three months after an infusion of CAR T cells: {{samples}} samples,
{{droplets:,}} droplets, in Cell Ranger's own formats (10x HDF5 and contig tables). It is made as
unpleasant as real data: ambient RNA, doublets, dying cells, dropouts, unequal depth, a patient
batch effect, missing chains, two alpha chains, and LN02's month 1 with a handful of B cells and no
BCR file.

Planted are: at month 1 the B cells gone, at month 3 back and nearly all naive; the interferon
response and JAK-STAT lower at both follow-ups; expanded BCR clones erased (one of LN03 returns);
TCR clones that persist, contract, expand and appear; CAR T cells that come and mostly go. The
truth lies in `resources/demo/data/truth/` once the demo has run.
"""


def read_truth(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the droplets (by cell_id), the clones and the effects as they were planted.

    `level` is the cell type; of a CAR T cell it is the lineage of the T cell that carries the CAR,
    since a label says what a cell is, and `call_car_cells` whether it carries the CAR.
    """
    cells = pd.read_csv(folder / "cells.tsv.gz", sep="\t", dtype=str)
    cells["cell_id"] = cells["sample"] + ":" + cells["barcode"]
    for name in ("is_doublet", "low_quality"):
        cells[name] = cells[name].isin(["True", "1"])
    lineage = cells["car_lineage"].replace({"CD4": "CD4 T", "CD8": "CD8 T"})
    cells["level"] = cells["cell_type"].mask(cells["cell_type"] == "CAR T", lineage)
    clones = pd.read_csv(folder / "clones.tsv", sep="\t", dtype={"patient": str})
    effects = pd.read_csv(folder / "effects.tsv", sep="\t", dtype={"patient": str})
    return cells.set_index("cell_id"), clones, effects


def markdown(frame: pd.DataFrame, corner: str) -> str:
    """Return a frame as a Markdown table, its index first."""
    head = [corner, *map(str, frame.columns)]
    lines = [head, ["---"] + ["---:"] * frame.shape[1]]
    rows = zip(frame.index, frame.to_numpy(), strict=True)
    lines += [[str(index), *map(str, row)] for index, row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def label_section(truth: pd.DataFrame, labels: pd.DataFrame) -> str:
    """Return the section on the annotation: agreement, confusion matrix, CAR T cells apart."""
    single = truth[~truth["is_doublet"]].join(labels["cell_type"].rename("label"), how="inner")
    shown = single[single["level"].isin(LEVELS)]
    agree = shown["level"] == shown["label"]
    matrix = pd.crosstab(single["level"], single["label"])
    order = [*LEVELS, *sorted(set(matrix.index) - set(LEVELS))]
    columns = [name for name in order if name in matrix]
    matrix = matrix.reindex(index=order)[[*columns, *sorted(set(matrix.columns) - set(columns))]]
    right = [matrix.loc[name, name] / matrix.loc[name].sum() for name in order]
    table = matrix.assign(**{"recovered": [f"{100 * share:.1f} %" for share in right]})
    carriers = single[single["cell_type"] == "CAR T"]
    kept = (carriers["level"] == carriers["label"]).mean()
    return f"""## Cell types

Of {len(shown):,} kept singlets of the types {", ".join(LEVELS)}, {100 * agree.mean():.1f} % carry
their own label. Rows are the truth, columns the label of `annotate_cells`. The {len(carriers)} CAR
T cells stand under the lineage of the T cell that carries the CAR, which {100 * kept:.1f} % of
them are given; whether a cell carries the CAR is another call (below).

{markdown(table, "truth")}
"""


def doublet_section(truth: pd.DataFrame, cells: pd.DataFrame) -> str:
    """Return the section on doublets: how many were called, and what that cost."""
    reason = cells.set_index("cell_id")["reason"].reindex(truth.index)
    called = reason.isin(CALLED)
    pair = truth["level"].fillna("") + "+" + truth["partner_type"].fillna("")
    of_b, of_t = pair.str.contains(r"\bB\b"), pair.str.contains(r"\b(?:CD4|CD8|other|CAR) T\b")
    other = pair.str.split("+").map(lambda two: len(set(two)) == 2)
    double = truth["is_doublet"]
    rows = {
        "B with T cell": double & of_b & of_t,
        "other two types": double & other & ~(of_b & of_t),
        "twice the same type": double & ~other,
        "singlets (the cost)": ~double & ~truth["low_quality"],
        "dying cells": ~double & truth["low_quality"],
    }
    table = pd.DataFrame(
        {
            "droplets": {name: f"{rows[name].sum():,}" for name in rows},
            "called a doublet": {name: _share(called[rows[name]]) for name in rows},
            "lost for any reason": {name: _share(reason[rows[name]] != "kept") for name in rows},
        }
    )
    return f"""## Doublets and dying cells

Scrublet's score and the receptors together. Two cells of the same type look like one cell: no
method that reads expression finds them, and they harm no label.

{markdown(table, "droplets of")}
"""


def car_section(truth: pd.DataFrame, car: pd.DataFrame) -> str:
    """Return the sentence on CAR T cells: how many carriers were called, how many others."""
    single = truth[~truth["is_doublet"]].join(car.set_index("cell_id")["car"], how="inner")
    carrier = single["cell_type"] == "CAR T"
    hit = single["car"].fillna(False).astype(bool)
    return f"""## CAR T cells

{_share(hit[carrier])} of {carrier.sum()} kept carriers are called, and {(hit & ~carrier).sum()} of
{(~carrier).sum():,} other singlets. A carrier in which too few transcripts of the CAR were captured
cannot be told from a cell without it, which is why "CAR-negative" is never said.
"""


def effect_section(effects: pd.DataFrame, claims: pd.DataFrame) -> str:
    """Return the section on the interferon response: planted and found, by claim and patient."""
    planted = effects[effects["program"] == "interferon"].set_index(
        ["patient", "comparison", "cell_type"]
    )["log2_effect"]
    own = claims[claims["claim"].isin(CLAIMED_IN) & (claims["scope"] != "cohort")].copy()
    keys = zip(own["scope"], own["comparison"], own["claim"].map(CLAIMED_IN), strict=True)
    own["planted"] = planted.reindex(list(keys)).to_numpy()
    known = own.dropna(subset=["estimate", "ci_low", "ci_high"])
    inside = known["planted"].between(known["ci_low"], known["ci_high"])
    interval = [
        f"{row.estimate:+.2f} [{row.ci_low:+.2f}, {row.ci_high:+.2f}]"
        if pd.notna(row.estimate)
        else row.direction
        for row in own.itertuples()
    ]
    own["found"] = interval
    own["truth and found"] = own["planted"].map("{:+.2f}: ".format) + own["found"]
    own["row"] = own["claim"] + ", " + own["comparison"].str.replace("_", " ")
    table = own.pivot(index="row", columns="scope", values="truth and found")
    table = table.reindex(list(dict.fromkeys(own["row"])))
    return f"""## Interferon response

log2 change, planted: found with its 95 % interval. {inside.sum()} of {len(known)} intervals hold
what was planted{_dilution(known)}.

{markdown(table, "claim")}
"""


def _dilution(known: pd.DataFrame) -> str:
    """Say by how much the estimates lie nearer to 0 than what was planted."""
    nearer = (known["estimate"] - known["planted"]).median()
    return (
        f"; the median difference is {nearer:+.2f}. Ambient RNA and the genes of the set that are "
        "no interferon targets in the simulation pull a share of UMIs towards no change"
        if nearer > 0.03
        else f"; the median difference is {nearer:+.2f}"
    )


def claim_section(claims: pd.DataFrame, last: str) -> str:
    """Return the table of the other planted changes with the verdict in each scope."""
    expected = {
        ("b_cell_fraction", "all", "month_1"): "decreased",
        ("plasma_fraction", "all", "month_1"): "decreased",
        ("naive_b_fraction", "all", last): "increased",
        ("class_switched_fraction", "all", last): "decreased",
        ("bcr_diversity", "all", last): "increased",
        ("tcr_diversity", "all", last): "through clones alone",
        ("baseline_clones", "BCR", last): "decreased",
        ("jak_stat_b_cells", "all", last): "decreased",
        ("car_t_fraction", "all", "month_1"): "increased",
    }
    claims = claims.assign(compartment=claims["compartment"].replace("", "all"))
    rows = {}
    for (claim, compartment, time), planted in expected.items():
        own = claims[(claims["claim"] == claim) & (claims["compartment"] == compartment)]
        own = own[own["comparison"].str.startswith(f"{time} vs")]
        said = dict(zip(own["scope"], own["direction"], strict=True))
        rows[f"{claim}, {time.replace('_', ' ')}"] = {"planted": planted} | said
    table = pd.DataFrame(rows).T
    return f"""## The other claims

What was planted, and the verdict for the cohort and within each patient. "Not estimable" is the
right answer where a month without B cells leaves nothing to compare, and where three patients or
some dozen cells cannot carry a number. No change of TCR diversity is planted as such: it moves with
the few clones of each patient that were made to contract, to expand and to appear.

{markdown(table, "claim")}
"""


def fate_section(
    clones: pd.DataFrame, truth: pd.DataFrame, clonotypes: pd.DataFrame, fates: pd.DataFrame
) -> str:
    """Return the section on clones: planted fate against the fate found, at the last timepoint.

    A planted clone is the found clone that most of its cells were put in; naive cells, one clone
    each, are not followed. Clones of fewer than 3 cells in all cannot be tested and are left out.
    """
    planted = truth["bcr_clone"].fillna(truth["tcr_clone"]).rename("planted")
    own = clonotypes.set_index("cell_id")[["clone_id"]].join(planted[~truth["is_doublet"]])
    own = own[own["planted"].isin(clones["clone_id"])]
    match = own.groupby("planted")["clone_id"].agg(lambda ids: ids.mode().iloc[0])
    whole = (own["clone_id"] == own["planted"].map(match)).mean()
    last = fates["comparison"].iloc[-1]
    found = fates[fates["comparison"] == last].set_index("clone_id")["fate"]
    rows = clones.set_index("clone_id").join(match.rename("found_id"), how="inner")
    rows["found"] = rows["found_id"].map(found)
    tested = rows[rows["found"].notna() & (rows["found"] != "too few to test")]
    table = pd.crosstab([tested["receptor"], tested["fate"]], tested["found"])
    table.index = [f"{receptor}: {fate}" for receptor, fate in table.index]
    return f"""## Fates of clones

{100 * whole:.1f} % of the cells of planted clones stand in the clone that holds most of their own.
Rows are what was planted, columns what `track_clones` says of {last.replace("_", " ")}, for the
{len(tested):,} clones with cells enough for a test. An erased clone of few cells is "below
detection": that it is gone cannot be known from so small a sample. "Eradicated"
says that at its former share the clone would have been seen, not that its last cell is gone: a
clone that contracted more than tenfold, and of which no cell was captured, is so called too.

{markdown(table, "planted")}
"""


def filled(text: str) -> str:
    """Return the text, its paragraphs filled to 100 columns; headings and tables stay."""
    blocks = [block.strip("\n") for block in text.strip().split("\n\n")]
    return "\n\n".join(b if b[0] in "|#" else textwrap.fill(b, 100) for b in blocks) + "\n"


def _share(hits: pd.Series) -> str:
    return f"{100 * hits.mean():.1f} %" if len(hits) else "–"


def main() -> None:
    """Read the run and the truth, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--results", type=Path, default=ROOT / "results")
    parser.add_argument("--truth", type=Path, default=ROOT / "resources/demo/data/truth")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/demo.md")
    options = parser.parse_args()
    truth, clones, effects = read_truth(options.truth)
    run = options.results
    claims = pd.read_csv(run / "tables/claims.tsv", sep="\t", keep_default_na=False)
    for name in ("estimate", "ci_low", "ci_high"):
        claims[name] = pd.to_numeric(claims[name], errors="coerce")
    fates = pd.read_csv(run / "tables/clone_fates.tsv", sep="\t")
    labels = pd.read_parquet(run / "cohort/labels.parquet").set_index("cell_id")
    car = pd.read_parquet(run / "cohort/car_cells.parquet")
    cells = pd.concat(map(pd.read_parquet, sorted(run.glob("samples/*/cells.parquet"))))
    clonotypes = pd.concat(map(pd.read_parquet, sorted(run.glob("patients/*/clonotypes.parquet"))))
    sections = [
        INTRO.format(samples=truth["sample"].nunique(), droplets=len(truth)),
        label_section(truth, labels),
        doublet_section(truth, cells),
        car_section(truth, car),
        effect_section(effects, claims),
        claim_section(claims, fates["comparison"].iloc[-1].split(" vs ")[0]),
        fate_section(clones, truth, clonotypes, fates),
    ]
    options.out.write_text(filled("\n\n".join(sections)), encoding="utf-8")
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
