"""Cells per microlitre of blood: shares among the cells that a blood count counts, times the count.

After depletion the fractions of all other cells rise by arithmetic; their numbers do not. The count
comes from the clinical table (measures `lymphocyte_count`, `monocyte_count`), the share from the
labelled cells.
"""

import logging
import re

import numpy as np
import pandas as pd

from immune_reset.annotation import T_TYPES
from immune_reset.errors import at
from immune_reset.intervals import wilson

logger = logging.getLogger(__name__)

LYMPHOCYTES = ("B", "plasma", "T", *T_TYPES, "NK")
MONONUCLEAR = (*LYMPHOCYTES, "monocyte", "DC")
COUNTS = ("lymphocyte_count", "monocyte_count")
COLUMNS = ["cells_per_ul", "cells_per_ul_low", "cells_per_ul_high"]
PER_UL = {
    **dict.fromkeys(("10^9/l", "10e9/l", "1e9/l", "g/l", "giga/l", "10^3/ul", "k/ul"), 1000.0),
    **dict.fromkeys(("cells/ul", "/ul", "1/ul", "cells/mm3", "/mm3", "10^6/l"), 1.0),
}
"""Unit of a blood count, in the form of `plain_unit`, and the cells per microlitre of 1 of it."""
BLOOD = re.compile(r"blood|pbmc|^pb$", re.IGNORECASE)


def plain_unit(unit: object) -> str:
    """Return a unit in small letters without spaces: 10^9/l of "x 10⁹/L", ul of "µL"."""
    text = str(unit).strip().lower().replace(" ", "")
    text = text.translate(str.maketrans({"µ": "u", "μ": "u", "⁹": "^9", "³": "^3", "⁶": "^6"}))
    text = text.replace("**", "^").replace("10*", "10^").replace("mcl", "ul").replace("mm^3", "mm3")
    return re.sub(r"^[x×*·](?=10)", "", text)


def blood_counts(clinical: pd.DataFrame) -> pd.DataFrame:
    """Return cells per microlitre by patient and timepoint (index), a column for each of `COUNTS`.

    `clinical` as tables/clinical.tsv: rows far from every sample (no timepoint) are left out; of
    several near one timepoint the nearest counts, of two equally near the earlier.

    Raises
    ------
    InputError
        If the unit is none of `PER_UL`, or a value is no number or negative.
    """
    rows = clinical.loc[(clinical["kind"] == "measure") & clinical["measure"].isin(COUNTS)]
    rows = rows.loc[rows["value"].notna() & rows["value"].astype(str).str.strip().ne("")]
    factor = rows["unit"].map(plain_unit).map(PER_UL)
    for row in rows.loc[factor.isna()].itertuples():
        found = f"{row.measure} of {row.patient} has the unit '{row.unit}'"
        raise at("clinical table", found, "Give it in 10^9/L or in cells/uL")
    values = pd.to_numeric(rows["value"], errors="coerce")
    for row in rows.loc[~(values >= 0)].itertuples():
        found = f"{row.measure} of {row.patient} is '{row.value}'"
        raise at("clinical table", found, "Give a number that is not negative, or leave it empty")
    rows = rows.assign(per_ul=values * factor, distance=rows["days_from_sample"].abs())
    rows = rows.loc[rows["timepoint"].notna() & rows["timepoint"].ne("")]
    rows = rows.sort_values(["distance", "day"], kind="stable")
    rows = rows.drop_duplicates(["patient", "timepoint", "measure"])
    wide = rows.pivot(index=["patient", "timepoint"], columns="measure", values="per_ul")
    return wide.reindex(columns=list(COUNTS)).astype(float)


def per_microlitre(
    shares: pd.DataFrame, samples: pd.DataFrame, counts: pd.DataFrame | None, *, level: float
) -> pd.DataFrame:
    """Return the table of shares with `COLUMNS`: cells per microlitre, and the interval's ends.

    Lymphocytes: share among the labelled lymphocytes, times the lymphocyte count. Monocytes and DC:
    share among lymphocytes, monocytes and DC, times the sum of both counts, where both are known.
    The ends are those of the share's Wilson interval alone: the blood count is taken as exact. NaN
    without a count, for cells that no such count holds (platelets, unassigned), in tissues other
    than blood, and for CAR T cells where not all T cells have a call.

    `shares`: as `composition.shares`; `samples`: sample, and tissue where known; `counts`: as
    `blood_counts`, or None.
    """
    out = shares.assign(**dict.fromkeys(COLUMNS, np.nan))
    if counts is None or counts.empty or out.empty:
        return out
    keys = pd.MultiIndex.from_frame(out[["patient", "timepoint"]].astype(str))
    blood = counts.reindex(keys).set_axis(out.index)
    whole = out.loc[out["level"] == "cell_type"]
    sums = {}
    for name, kinds in (("lymphocytes", LYMPHOCYTES), ("all", MONONUCLEAR), ("T", ("T", *T_TYPES))):
        own = whole.loc[whole["cell_type"].isin(kinds)].groupby("sample")["n_cells"].sum()
        sums[name] = out["sample"].map(own).fillna(0)
    kind = out["parent"].where(out["level"] != "cell_type", out["cell_type"])
    lymphoid = kind.isin(LYMPHOCYTES)
    total = sums["lymphocytes"].where(lymphoid, sums["all"])
    count = blood["lymphocyte_count"]
    count = count.where(lymphoid, count + blood["monocyte_count"])
    known = kind.isin(MONONUCLEAR) & (total > 0) & out["sample"].isin(_of_blood(samples))
    known &= (out["level"] != "car") | (out["n_total"] == sums["T"])
    low, high = wilson(out["n_cells"].where(known, 0), total.where(known, 0), level)
    share = out["n_cells"] / total.where(known)
    values = dict(zip(COLUMNS, (share * count, low * count, high * count), strict=True))
    logger.info(
        "cells per microlitre: %d of %d rows", values["cells_per_ul"].notna().sum(), len(out)
    )
    return out.assign(**values)


def _of_blood(samples: pd.DataFrame) -> list[str]:
    if "tissue" not in samples:
        return list(samples["sample"])
    tissue = samples["tissue"].fillna("").astype(str)
    return list(samples.loc[tissue.eq("") | tissue.str.contains(BLOOD), "sample"])
