"""The kinds of cells a simulated blood sample holds, and how they shade into one another."""

from typing import NamedTuple


class Kind(NamedTuple):
    """One kind of cell: labels, relative RNA content, receptor, and neighbouring kinds."""

    cell_type: str
    cell_subtype: str
    size: float
    receptor: str
    neighbours: tuple[str, ...]


KINDS: dict[str, Kind] = {
    "nB": Kind("B", "naive B", 0.9, "BCR", ("trB",)),
    "trB": Kind("B", "transitional B", 1.0, "BCR", ("nB",)),
    "mB": Kind("B", "memory B", 1.0, "BCR", ("nB", "swB")),
    "swB": Kind("B", "switched memory B", 1.05, "BCR", ("mB",)),
    "aB": Kind("B", "atypical B", 1.1, "BCR", ("swB",)),
    "PB": Kind("plasma", "plasmablast", 2.0, "BCR", ()),
    "n4": Kind("CD4 T", "CD4 naive", 0.9, "TCR", ("m4",)),
    "m4": Kind("CD4 T", "CD4 memory", 1.0, "TCR", ("n4", "tfh")),
    "reg": Kind("CD4 T", "Treg", 1.0, "TCR", ("m4",)),
    "tfh": Kind("CD4 T", "Tfh", 1.05, "TCR", ("m4",)),
    "n8": Kind("CD8 T", "CD8 naive", 0.85, "TCR", ("e8",)),
    "e8": Kind("CD8 T", "CD8 effector", 1.0, "TCR", ("x8", "n8")),
    "x8": Kind("CD8 T", "CD8 exhausted", 1.1, "TCR", ("e8",)),
    "mait": Kind("CD8 T", "MAIT", 1.0, "TCR", ("e8",)),
    "gd": Kind("other T", "gamma-delta T", 1.0, "", ("e8", "nk")),
    "nk": Kind("NK", "NK", 0.95, "", ()),
    "c14": Kind("monocyte", "CD14 monocyte", 1.3, "", ("c16",)),
    "c16": Kind("monocyte", "CD16 monocyte", 1.25, "", ("c14",)),
    "cdc": Kind("DC", "cDC", 1.5, "", ("c14",)),
    "pdc": Kind("DC", "pDC", 1.4, "", ()),
    "plt": Kind("platelet", "platelet", 0.2, "", ()),
    "car4": Kind("CAR T", "CAR T", 1.5, "TCR", ("m4",)),
    "car8": Kind("CAR T", "CAR T", 1.5, "TCR", ("e8",)),
}
"""Short name -> kind; sizes are relative to a CD4 memory T cell."""

GROUPS: dict[str, str] = {
    "B": "nB trB mB swB aB",
    "Bl": "nB trB mB swB aB PB",
    "Bm": "mB swB aB",
    "T4": "n4 m4 reg tfh car4",
    "T8": "n8 e8 x8 mait car8",
    "T": "n4 m4 reg tfh car4 n8 e8 x8 mait car8 gd",
    "Tn": "n4 n8",
    "cyt": "e8 x8 gd nk car8",
    "CAR": "car4 car8",
    "mono": "c14 c16",
    "my": "c14 c16 cdc",
    "DC": "cdc pdc",
}
"""Short names of several kinds together, as the marker table uses them."""

NAMES = tuple(KINDS)
CAR_LINEAGE = {"car4": "CD4", "car8": "CD8"}
LINEAGES = {
    "B": ("nB", "trB", "mB", "swB", "aB"),
    "plasma": ("PB",),
    "T": ("n4", "m4", "reg", "tfh", "n8", "e8", "x8", "mait", "gd", "car4", "car8"),
    "NK": ("nk",),
    "myeloid": ("c14", "c16", "cdc"),
    "pDC": ("pdc",),
    "platelet": ("plt",),
}
"""Kinds whose unspecific genes vary together."""


def index(name: str) -> int:
    """Return the row of a kind in every matrix of kinds."""
    return NAMES.index(name)


def members(token: str) -> list[str]:
    """Return the kinds that a token of the marker table stands for."""
    return GROUPS[token].split() if token in GROUPS else [token]
