"""Rearranged receptors: segments and junctions of random naive cells, and their mutation."""

import numpy as np
import pandas as pd

from immune_reset.simulation.segments import D, J, V

BASES = "TCAG"
AMINO_ACIDS = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
CODONS = [a + b + c for a in BASES for b in BASES for c in BASES]
CODE = dict(zip(CODONS, AMINO_ACIDS, strict=True))
"""The standard genetic code."""

INSERT_WEIGHT = {
    **dict.fromkeys("GRSYDTAV", 2.0),
    **dict.fromkeys("NEQPLWFHKIM", 0.7),
    "C": 0.05,
    "*": 0.0,
}
"""Relative use of amino acids between the V and the J end of a junction."""

INSERT_CODONS = {"IGH": (8.0, 2.6, 5), "TRB": (4.4, 1.3, 2), "TRA": (2.4, 1.0, 1),
                 "IGK": (0.9, 0.8, 0), "IGL": (1.3, 0.8, 0)}  # fmt: skip
"""Mean, sd and least number of inserted codons (D and N nucleotides together)."""

FIELDS = ("v", "d", "j", "nt")


def translate(sequence: str) -> str:
    """Return the amino acids of a nucleotide sequence; an incomplete last codon is left out."""
    return "".join(CODE[sequence[i : i + 3]] for i in range(0, len(sequence) - 2, 3))


def rearrange(
    rng: np.random.Generator,
    locus: str,
    n: int,
    *,
    v_only: tuple[str, ...] = (),
    j_only: tuple[str, ...] = (),
) -> pd.DataFrame:
    """Return `n` productive rearrangements of one locus: columns v, d, j, nt (the junction).

    The junction runs from the V segment's conserved cysteine to the J segment's tryptophan or
    phenylalanine, both included; up to two codons of either end are trimmed, and codons without
    stops are inserted between them. `v_only` and `j_only` restrict the segments (invariant cells).
    """
    v = _choose(rng, V[locus], n, v_only)
    j = _choose(rng, J[locus], n, j_only)
    mean, sd, least = INSERT_CODONS[locus]
    inserted = np.clip(np.rint(rng.normal(mean, sd, n)), least, 26).astype(int)
    weight = np.array([INSERT_WEIGHT[CODE[codon]] for codon in CODONS])
    pool = rng.choice(len(CODONS), inserted.sum(), p=weight / weight.sum())
    ends = np.cumsum(inserted)
    trim_v, trim_j = rng.integers(0, 3, n), rng.integers(0, 3, n)
    junctions = []
    for i in range(n):
        left, right = V[locus].codons[v[i]], J[locus].codons[j[i]]
        left = left[: max(1, len(left) - trim_v[i])]
        right = right[min(trim_j[i], len(right) - 2) :]
        middle = [CODONS[c] for c in pool[ends[i] - inserted[i] : ends[i]]]
        junctions.append("".join((*left, *middle, *right)))
    d = rng.choice(D[locus], n) if locus in D else np.full(n, "")
    d = np.where(rng.random(n) < 0.55, d, "")
    return pd.DataFrame({"v": V[locus].names[v], "d": d, "j": J[locus].names[j], "nt": junctions})


def _choose(rng: np.random.Generator, segments, n: int, only: tuple[str, ...]) -> np.ndarray:
    usage = segments.usage
    if only:
        usage = np.where(np.isin(segments.names, only), usage, 0)
        usage = usage / usage.sum()
    return rng.choice(len(usage), n, p=usage)


def new_receptors(
    rng: np.random.Generator, receptor: str, n: int, *, mait: bool = False
) -> pd.DataFrame:
    """Return `n` unrelated receptors, one a row.

    Columns vdj_* (heavy or beta chain), vj_* (light or alpha), vj2_* (a second alpha in 10 % of T
    cells, a second light chain in 2 % of B cells, else ""), each with locus, v, d, j and nt; and
    isotype, the class the clone switches to where it does.
    """
    if receptor == "BCR":
        vdj = rearrange(rng, "IGH", n).assign(locus="IGH")
        vj, vj2 = _light(rng, n), _light(rng, n)
        second = rng.random(n) < 0.02
    else:
        v_beta = ("TRBV6-1", "TRBV6-4", "TRBV20-1") if mait else ()
        v_alpha, j_alpha = (("TRAV1-2",), ("TRAJ33", "TRAJ12", "TRAJ20")) if mait else ((), ())
        vdj = rearrange(rng, "TRB", n, v_only=v_beta).assign(locus="TRB")
        vj = rearrange(rng, "TRA", n, v_only=v_alpha, j_only=j_alpha).assign(locus="TRA")
        vj2 = rearrange(rng, "TRA", n).assign(locus="TRA")
        second = rng.random(n) < 0.10
    vj2.loc[~second, :] = ""
    switched = ["IGHG1", "IGHG2", "IGHG3", "IGHG4", "IGHA1", "IGHA2"]
    isotype = rng.choice(switched, n, p=[0.45, 0.17, 0.06, 0.02, 0.22, 0.08])
    frame = pd.concat(
        [vdj.add_prefix("vdj_"), vj.add_prefix("vj_"), vj2.add_prefix("vj2_")], axis=1
    )
    return frame.assign(isotype=isotype)


def _light(rng: np.random.Generator, n: int) -> pd.DataFrame:
    kappa = rng.random(n) < 0.6
    chains = rearrange(rng, "IGK", n).assign(locus="IGK")
    other = rearrange(rng, "IGL", n).assign(locus="IGL")
    chains.loc[~kappa, :] = other.loc[~kappa, :]
    return chains


def mutate(
    rng: np.random.Generator, junctions: np.ndarray, rate: float, *, most: float = 0.06
) -> np.ndarray:
    """Return junctions with somatic point mutations, at most `most` of each junction's length.

    The number is Poisson(rate x length); the first and the last codon stay, and a mutation that
    would make a stop codon is left out. Two cells of a clone therefore differ by at most twice
    `most`, below the .15 that defines a clone.
    """
    out = np.array(junctions, dtype=object)
    lengths = np.array([len(junction) for junction in out])
    counts = np.minimum(rng.poisson(rate * lengths), (most * lengths).astype(int))
    for i in np.flatnonzero(counts):
        sequence = list(out[i])
        for place in rng.choice(np.arange(3, lengths[i] - 3), counts[i], replace=False):
            old = sequence[place]
            sequence[place] = "ACGT".replace(old, "")[rng.integers(3)]
            start = place - place % 3
            if CODE["".join(sequence[start : start + 3])] == "*":
                sequence[place] = old
        out[i] = "".join(sequence)
    return out
