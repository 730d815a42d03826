"""Genes by name: the groups that quality control and gene selection need, and current symbols.

Patterns are matched against current HGNC symbols, upper case, of human genes.
"""

import re
from collections.abc import Iterable

import pandas as pd

MT_PATTERN = r"^MT-"
"""Genes on the mitochondrial genome."""

RIBO_PATTERN = r"^(RP[SL]\d+[AXY]?\d*(L\d?)?|RPLP[012]|RPSA|RACK1)$"
"""Cytosolic ribosomal proteins (and RACK1, part of the 40S subunit); pseudogenes are left out."""

HB_PATTERN = r"^HB(A1|A2|B|D|E1|G1|G2|M|Q1|Z)$"
"""Haemoglobin chains: red blood cells, or their lysate."""

VDJ_PATTERN = r"^(IG[HKL][VJ]|IGHD\d|TR[ABDG][VJ]|TR[BD]D\d)"
"""V, D and J segments: they name a clone, not a cell type. Constants (IGHD, TRDC) do not match."""

KEPT_SEGMENTS = ("TRAV1-2", "TRAV10", "TRBV25-1", "TRDV2", "TRGV9")
"""Segments of a cell type: MAIT (TRAV1-2), iNKT (TRAV10, TRBV25-1), Vg9Vd2 (TRDV2, TRGV9)."""

CAR_PATTERN = r"(?i)^(anti[-_.]?)?(BCMA|CD19|CD20)?[-_.]?(CAR|CART|CAR[-_.]T)([-_.].*)?$"
"""Transgenes of a chimeric antigen receptor; the default of the config's `car.pattern`."""

ALIASES = {
    # interferon and JAK-STAT signatures
    "WARS": "WARS1",
    "DDX58": "RIGI",
    "MARCH1": "MARCHF1",
    "C19orf66": "SHFL",
    "DNAPTP6": "SPATS2L",
    "FAM26F": "CALHM6",
    "TMEM173": "STING1",
    "C10orf54": "VSIR",
    "FAM46A": "TENT5A",
    "TMEM110": "STIMATE",
    "PTPLAD2": "HACD4",
    "CECR1": "ADA2",
    "IL8": "CXCL8",
    "MB21D1": "CGAS",
    # markers of blood cells
    "IGJ": "JCHAIN",
    "MGC29506": "MZB1",
    "FAM46C": "TENT5C",
    "FAM65B": "RIPOR2",
    "FAM129C": "NIBAN3",
    "KIAA0226L": "RUBCNL",
    "LRMP": "IRAG2",
    "FYB": "FYB1",
    "SDPR": "CAVIN2",
    "KIAA0101": "PCLAF",
    "HIST1H4C": "H4C3",
    "HIST1H2AC": "H2AC6",
    "HN1": "JPT1",
    "SEPT5": "SEPTIN5",
    "SEPT6": "SEPTIN6",
    "SEPT7": "SEPTIN7",
    "SEPT9": "SEPTIN9",
    "FAM105A": "OTULINL",
    "GPR56": "ADGRG1",
    "EMR1": "ADGRE1",
    "CD97": "ADGRE5",
    "C9orf142": "PAXX",
    "FAM101B": "RFLNB",
    "KIAA1551": "RESF1",
    "LINC00152": "CYTOR",
    # abundant genes
    "GNB2L1": "RACK1",
    "ATP5E": "ATP5F1E",
    "ATP5L": "ATP5MG",
    "ATP5G2": "ATP5MC2",
    "TCEB2": "ELOB",
    "MYEOV2": "COPS9",
    "SEPW1": "SELENOW",
    "SEP15": "SELENOF",
    "SHFM1": "SEM1",
    "C14orf2": "ATP5MJ",
}
"""Former symbol -> current HGNC symbol, for matrices aligned to older annotations."""


def current_symbols(symbols: Iterable[str]) -> list[str]:
    """Return the symbols with former ones brought up to date (`ALIASES`).

    A former symbol is kept where the current one is also among `symbols`, so that no two genes
    become one by renaming.
    """
    given = [str(symbol) for symbol in symbols]
    taken = set(given)
    return [
        current if (current := ALIASES.get(symbol, symbol)) not in taken else symbol
        for symbol in given
    ]


def matches(symbols: Iterable[str], pattern: str) -> pd.Series:
    """Return, symbol by symbol, whether it matches `pattern` from its start (as `re.match`)."""
    compiled = re.compile(pattern)
    return pd.Series([compiled.match(str(symbol)) is not None for symbol in symbols], dtype=bool)


def is_vdj_segment(symbols: Iterable[str], *, keep: Iterable[str] = KEPT_SEGMENTS) -> pd.Series:
    """Return whether each symbol is a V, D or J segment, those named in `keep` apart."""
    symbols = pd.Series(list(symbols), dtype=str)
    return matches(symbols, VDJ_PATTERN) & ~symbols.isin(list(keep))


def is_car_feature(symbols: Iterable[str]) -> pd.Series:
    """Return whether each symbol is named as a CAR transgene is (`CAR_PATTERN`)."""
    return matches(symbols, CAR_PATTERN)
