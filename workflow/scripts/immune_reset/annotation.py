"""Which cell type a cell is, from the counts of marker genes, its cluster and its neighbours.

The model is a mixture over *states* (the finest labels of the marker table) with negative-binomial
counts, in the line of CellAssign (Zhang 2019, 10.1038/s41592-019-0529-1). The marker table gives
each state an expected level of every marker (UMIs per 10,000); a state inherits the levels of its
type and of its lineage, and a marker that is listed nowhere on that path is background. From there
the levels are learned from the data by expectation-maximisation, the table acting as a prior worth
some cells, so that a protocol which reads a gene deeper or shallower decides no label. The prior of
a state in a cell is how common it is in the cell's cluster and among its nearest neighbours: a cell
leaves the company it keeps only on evidence, and a population too small for a cluster of its own is
still found. Nothing random is drawn. Receptors are not used: labels are the same without V(D)J.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import log_softmax

from immune_reset.marker_evidence import Evidence, log_likelihood, only_genes

T_TYPES = ("CD4 T", "CD8 T", "other T")
CARRIED_TYPES = ("platelet", "erythroid")  # stick to, or leak onto, other cells
CARRIED_SHARE, CARRIED_LEVEL = 0.03, 0.5
BACKGROUND_SHARE, BACKGROUND_FLOOR = 0.03, 0.02
ABSENT_SHARE, ABSENT_FLOOR = 0.01, 0.01
PRIOR_CELLS = 30
ITERATIONS = 8
MIN_SUPPORT = 0.2
MIN_GROUP = 10
LONER = 1e-4  # prior of a state that neither a cell's cluster nor its neighbours hold


@dataclass
class Reference:
    """Expected marker levels, states x genes in UMIs per 10,000, and what the table says of them.

    `listed`: the table has the gene for that state or its type, below the lineage (only these may
    part the states of one lineage); `positive`: the gene marks the state.
    """

    states: pd.DataFrame
    genes: list[str]
    level: np.ndarray
    listed: np.ndarray
    positive: np.ndarray


def lineage_of(cell_type: str) -> str:
    """Return the lineage that holds a cell type: the T cells are one, every other is its own."""
    return "T" if cell_type in T_TYPES else cell_type


def build_reference(markers: pd.DataFrame, genes: list[str]) -> Reference:
    """Return the expected level of each gene in each state, inherited from lineage and type.

    `markers`: cell_type (or the lineage `T`), cell_subtype ("" = the whole type), symbol,
    level (UMIs per 10,000; 0 = expected absent). A type without subtypes is its own state.
    """
    pairs = markers[["cell_type", "cell_subtype"]].drop_duplicates()
    split = {*pairs.loc[pairs["cell_subtype"] != "", "cell_type"], "T"}
    states = pairs[(pairs["cell_subtype"] != "") | ~pairs["cell_type"].isin(split)]
    states = states.reset_index(drop=True)
    states["lineage"] = states["cell_type"].map(lineage_of)
    top = markers.groupby("symbol")["level"].max().reindex(genes).to_numpy(float)
    level = np.tile(np.maximum(BACKGROUND_SHARE * top, BACKGROUND_FLOOR), (len(states), 1))
    absent = np.maximum(ABSENT_SHARE * top, ABSENT_FLOOR)
    listed = np.zeros(level.shape, dtype=bool)
    table = markers[markers["symbol"].isin(genes)]
    column = pd.Index(genes).get_indexer(table["symbol"])
    for k, state in enumerate(states.itertuples(index=False)):
        path = [(state.lineage, ""), (state.cell_type, ""), (state.cell_type, state.cell_subtype)]
        for step, (cell_type, subtype) in enumerate(path):
            rows = (table["cell_type"] == cell_type) & (table["cell_subtype"] == subtype)
            found = column[rows.to_numpy()]
            level[k, found] = np.maximum(table.loc[rows, "level"], absent[found])
            listed[k, found] |= step > 0 and path[step] != path[0]
    return Reference(states, genes, level, listed, level >= np.maximum(0.3 * top, 0.2))


def state_likelihood(evidence: Evidence, reference: Reference, level: np.ndarray) -> np.ndarray:
    """Return `log_likelihood` in which any cell may carry platelet or erythroid transcripts.

    Platelets stick to leukocytes and haemoglobin leaks: on the markers of these two, another
    state's likelihood is a mixture of its own level and of half the carried type's level, with
    weights .97 and .03. A T cell with a platelet stays a T cell; a platelet alone is a platelet.
    """
    types = reference.states["cell_type"].to_numpy()
    carried = {
        name: reference.positive[types == name].any(axis=0) & (level[types == name] > 1).any(axis=0)
        for name in CARRIED_TYPES
        if (types == name).any()
    }
    rest = ~np.logical_or.reduce(list(carried.values()) or [np.zeros(level.shape[1], bool)])
    total = log_likelihood(only_genes(evidence, rest), level[:, rest])
    for name, genes in carried.items():
        block = only_genes(evidence, genes)
        own = log_likelihood(block, level[:, genes])
        other = log_likelihood(block, CARRIED_LEVEL * level[types == name][:1][:, genes])
        mixed = np.logaddexp(np.log1p(-CARRIED_SHARE) + own, np.log(CARRIED_SHARE) + other)
        total += np.where(types == name, own, mixed)
    return total


def learn_levels(evidence: Evidence, reference: Reference, posterior: np.ndarray) -> np.ndarray:
    """Return levels (states x genes) from the cells of each state and the table as prior.

    States of one lineage share a gene's level, relative to what the table expects of them, unless
    the table lists that gene for one of them: nothing else (an interferon response, a stress
    programme of one library) can grow into a difference between subtypes.
    """
    prior = PRIOR_CELLS * np.median(evidence.totals) / 1e4
    seen = np.zeros(reference.level.shape)
    exposure = np.zeros(reference.level.shape)
    for sample, measured in evidence.measured.items():
        cells = evidence.samples == sample
        weight = posterior[cells]
        seen += np.asarray(weight.T @ evidence.counts[cells])
        exposure += np.outer(weight.T @ evidence.totals[cells] / 1e4, measured)
    level = (seen + prior * reference.level) / (exposure + prior)
    for rows in reference.states.groupby("lineage").indices.values():
        shared = ~reference.listed[rows].any(axis=0)
        pooled = (seen[rows].sum(axis=0) + prior * reference.level[rows].mean(axis=0)) / (
            exposure[rows].sum(axis=0) + prior
        )
        level[np.ix_(rows, np.flatnonzero(shared))] = pooled[shared]
    return np.maximum(level, 0.005)


def own_markers(reference: Reference, state: int) -> tuple[np.ndarray, bool]:
    """Return the mask of the genes that set a state apart in its lineage, and whether they lead.

    Those that the table expects at 1.5 times the highest sister state (they lead); where these are
    fewer than three, at 2.5 times the median sister; of a state without sisters, all its markers.
    """
    lineages = reference.states["lineage"].to_numpy()
    sisters = (lineages == lineages[state]) & (np.arange(len(lineages)) != state)
    if not sisters.any():
        return reference.positive[state], False
    level, others = reference.level[state], reference.level[sisters]
    lead = reference.positive[state] & (level >= 1.5 * others.max(axis=0))
    if lead.sum() >= 3:
        return lead, True
    return reference.positive[state] & (level >= 2.5 * np.median(others, axis=0)), False


def support(evidence: Evidence, reference: Reference, weight: np.ndarray) -> np.ndarray:
    """Return, per state, how much of its own markers' expected level its cells show (0 to 1).

    The mean over `own_markers` of min(seen / expected, 1); NaN where the data measure none, and 0
    where markers that should lead do so (by 1.2 times, over each state of its type with `MIN_GROUP`
    cells) in no more than half of them: then the cells differ from their sisters in something else.
    `weight`: cells x states.
    """
    seen = np.asarray(weight.T @ evidence.counts)
    exposure = np.zeros(seen.shape)
    for sample, measured in evidence.measured.items():
        cells = evidence.samples == sample
        exposure += np.outer(weight[cells].T @ evidence.totals[cells] / 1e4, measured)
    rate = seen / np.maximum(exposure, 1e-9)
    types, size = reference.states["cell_type"].to_numpy(), weight.sum(axis=0)
    out = np.full(len(types), np.nan)
    for k in range(len(out)):
        own, leads = own_markers(reference, k)
        use = own & (exposure[k] > 0)
        if not use.any():
            continue
        out[k] = np.minimum(rate[k, use] / reference.level[k, use], 1).mean()
        sisters = (types == types[k]) & (size >= MIN_GROUP)
        sisters[k] = False
        if leads and sisters.any():
            ahead = rate[k, use] > 1.2 * rate[sisters][:, use].max(axis=0)
            out[k] *= ahead.mean() > 0.5
    return out


def assign_states(
    evidence: Evidence,
    reference: Reference,
    clusters: np.ndarray,
    graph: sparse.csr_matrix,
) -> np.ndarray:
    """Return the log probability of each state in each cell (cells x states).

    `clusters`: one name per cell; `graph`: neighbour weights, cells x cells. A state whose cells
    show less than `MIN_SUPPORT` of its own markers is given up for its sisters: blood without
    exhausted T cells has none, however the other T cells differ among themselves.
    """
    degree = np.asarray(graph.sum(axis=1)).ravel()
    near = sparse.diags(1 / np.where(degree > 0, degree, 1)) @ graph
    codes, names = pd.factorize(clusters)
    shape = (len(names), len(codes))
    member = sparse.csr_matrix((np.ones(len(codes)), (codes, np.arange(len(codes)))), shape=shape)
    first = state_likelihood(evidence, reference, reference.level)
    logp = log_softmax(first + near @ first, axis=1)
    barred = np.zeros(len(reference.states))
    for step in range(ITERATIONS):
        posterior = np.exp(logp)
        if step:
            barred[~(support(evidence, reference, posterior) >= MIN_SUPPORT)] = -50.0
        level = learn_levels(evidence, reference, posterior)
        shares = np.asarray(member @ posterior)
        shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1e-9)
        company = 0.5 * shares[codes] + 0.5 * (near @ posterior)
        logp = state_likelihood(evidence, reference, level) + np.log(LONER + company) + barred
        logp = log_softmax(logp, axis=1)
    return logp


def unsupported(
    evidence: Evidence, reference: Reference, clusters: np.ndarray, cell_types: np.ndarray
) -> np.ndarray:
    """Return a mask of the cells that lack the markers of the lineage they were given.

    The cells of one cluster and lineage, `MIN_GROUP` or more, must together show `MIN_SUPPORT` of
    the lineage's markers (mean of min(seen / expected, 1)), else they are something that the table
    does not know. `cell_types`: the type of each cell.
    """
    lineages = reference.states["lineage"].to_numpy()
    given = np.array([lineage_of(name) for name in cell_types], dtype=object)
    lacking = np.zeros(len(clusters), dtype=bool)
    for (_, lineage), cells in pd.Series(given).groupby([clusters, given]).indices.items():
        rows = lineages == lineage
        measured = np.any([evidence.measured[s] for s in set(evidence.samples[cells])], axis=0)
        own = reference.positive[rows].all(axis=0) & measured
        if len(cells) < MIN_GROUP or not own.any():
            continue
        seen = np.asarray(evidence.counts[cells].sum(axis=0)).ravel()[own]
        rate = seen / max(evidence.totals[cells].sum() / 1e4, 1e-9)
        expected = reference.level[rows][:, own].mean(axis=0)
        lacking[cells] = np.minimum(rate / expected, 1).mean() < MIN_SUPPORT
    return lacking
