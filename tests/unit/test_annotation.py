"""The mixture over marker states, on simulated cells and against scipy's distributions."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats
from unit.annotation_jobs import block_graph, marker_table, simulate

from immune_reset import annotation, marker_evidence
from immune_reset.errors import InputError
from immune_reset.marker_evidence import Evidence, log_likelihood

BLOOD = {
    "CD4 naive": 200, "CD4 memory": 150, "CD8 naive": 60, "CD8 effector": 120, "NK": 60,
    "CD14 monocyte": 150, "CD16 monocyte": 40, "naive B": 40, "switched memory B": 20,
}  # fmt: skip


def fit(truth, frames, clusters, graph=None):
    table = marker_table()
    cells, evidence, genes = marker_evidence.gather(frames, table["symbol"].unique().tolist())
    assert cells["cell_id"].tolist() == truth["cell_id"].tolist()
    reference = annotation.build_reference(table, genes)
    graph = block_graph(clusters) if graph is None else graph
    logp = annotation.assign_states(evidence, reference, np.asarray(clusters), graph)
    best = reference.states.iloc[logp.argmax(axis=1)].reset_index(drop=True)
    return evidence, reference, logp, best


def coarse(state):
    """What a clustering would see of the states: CD4, CD8 and their naive cells mix."""
    known = {"CD4 naive": "t", "CD8 naive": "t", "CD4 memory": "t", "CD8 effector": "c", "NK": "c"}
    return known.get(state, "b" if state.endswith("B") else "m")


def test_likelihood_is_the_negative_binomials():
    rng = np.random.default_rng(1)
    counts = rng.poisson(2.0, (40, 6))
    totals = rng.integers(500, 9000, 40).astype(float)
    level = rng.uniform(0.05, 40, (3, 6))
    measured = {"a": np.ones(6, bool), "b": np.array([1, 1, 0, 1, 0, 1], bool)}
    samples = np.array(["a"] * 25 + ["b"] * 15)
    found = log_likelihood(Evidence(sparse.csr_matrix(counts), totals, samples, measured), level)
    expected = np.zeros((40, 3))
    for k in range(3):
        mean = level[k] * totals[:, None] / 1e4
        each = stats.nbinom.logpmf(counts, 1.0, 1 / (1 + mean))
        each[25:, ~measured["b"]] = 0
        expected[:, k] = each.sum(axis=1)
    np.testing.assert_allclose(np.diff(found, axis=1), np.diff(expected, axis=1), atol=2e-3)


def test_levels_are_inherited_from_lineage_and_type():
    rows = [
        ("T", "", "CD3D", 5), ("CD4 T", "", "CD4", 1), ("CD4 T", "Treg", "FOXP3", 2),
        ("CD4 T", "CD4 naive", "CCR7", 3), ("B", "", "CD3D", 0), ("B", "", "MS4A1", 8),
    ]  # fmt: skip
    markers = pd.DataFrame(rows, columns=["cell_type", "cell_subtype", "symbol", "level"])
    genes = ["CD3D", "CD4", "FOXP3", "CCR7", "MS4A1"]
    reference = annotation.build_reference(markers, genes)
    states = reference.states["cell_subtype"].where(reference.states["cell_subtype"] != "", "B")
    level = pd.DataFrame(reference.level, index=states, columns=genes)
    assert set(states) == {"Treg", "CD4 naive", "B"}
    assert level.loc["Treg"].tolist() == pytest.approx([5, 1, 2, 0.09, 0.24])
    assert level.loc["B", "CD3D"] == pytest.approx(0.05)  # expected absent, below background
    assert not reference.listed[:, 0].any() and reference.listed[states == "Treg", 2].all()


@pytest.fixture(scope="module")
def blood():
    truth, frames = simulate(BLOOD)
    clusters = truth["state"].map(coarse)
    return truth, frames, clusters, *fit(truth, frames, clusters)


def test_cells_of_mixed_clusters_get_their_own_type(blood):
    truth, _, _, _, reference, _, best = blood
    kinds = dict(zip(reference.states["cell_subtype"], reference.states["cell_type"], strict=True))
    assert (best["cell_type"] == truth["state"].map(kinds)).mean() > 0.97
    assert (best["cell_subtype"] == truth["state"]).mean() > 0.9


def test_a_state_that_blood_lacks_takes_no_cells(blood):
    best = blood[-1]
    absent = {"CD8 exhausted", "plasmablast", "atypical B", "pDC", "Tfh"}
    assert best["cell_subtype"].isin(absent).sum() <= 5


def test_a_few_cells_in_a_foreign_cluster_are_found():
    """Five pDC and four plasmablasts among monocytes and T cells: no cluster of their own."""
    truth, frames = simulate({**BLOOD, "pDC": 5, "plasmablast": 4})
    clusters = truth["state"].map(coarse).where(truth["state"] != "plasmablast", "t")
    best = fit(truth, frames, clusters)[-1]
    rare = truth["state"].isin(["pDC", "plasmablast"])
    assert (best["cell_subtype"][rare] == truth["state"][rare]).mean() >= 0.8


def test_the_cluster_holds_a_cell_without_evidence():
    truth, frames = simulate(BLOOD)
    markers = frames[0].columns[2:]
    blank = truth["state"].eq("CD14 monocyte").idxmax()
    frames[0].loc[blank, markers] = 0
    frames[0].loc[blank, "total_counts"] = 300
    best = fit(truth, frames, truth["state"].map(coarse))[-1]
    assert best["cell_type"][blank] == "monocyte"


def test_a_batch_that_lowers_lineage_genes_moves_no_subtype():
    """Monocytes that lose S100A8, S100A9 and LYZ, as under interferon, stay CD14 monocytes."""
    change = {"S100A8": 0.2, "S100A9": 0.2, "LYZ": 0.2, "CST3": 0.5}
    truth, frames = simulate(BLOOD, n_samples=2, change=change)
    best = fit(truth, frames, truth["state"].map(coarse))[-1]
    mono = truth["state"].eq("CD14 monocyte")
    classical = best["cell_subtype"].eq("CD14 monocyte")[mono].groupby(truth["sample"]).mean()
    assert (classical > 0.93).all()


def test_levels_are_learned_and_shared_within_a_lineage_where_the_table_parts_no_states(blood):
    """Two genes read a tenth as deep as in the table, where S100A8 parts no monocytes."""
    truth, frames = blood[0], [blood[1][0].copy()]
    rng = np.random.default_rng(0)
    for gene in ("CD79A", "TCL1A"):
        frames[0][gene] = rng.binomial(frames[0][gene], 0.1)
    classical = truth["state"] == "CD14 monocyte"
    frames[0].loc[classical, "S100A8"] *= 3
    evidence, reference, logp, _ = fit(truth, frames, blood[2])
    level = annotation.learn_levels(evidence, reference, np.exp(logp))
    states, column = reference.states["cell_subtype"].tolist(), reference.genes.index
    naive = states.index("naive B")
    for gene in ("CD79A", "TCL1A"):
        assert level[naive, column(gene)] < 0.6 * reference.level[naive, column(gene)]
    c14, c16 = states.index("CD14 monocyte"), states.index("CD16 monocyte")
    assert level[c14, column("S100A8")] == level[c16, column("S100A8")]
    assert level[c14, column("VCAN")] > 3 * level[c16, column("VCAN")]


def test_a_platelet_on_a_t_cell_leaves_it_a_t_cell():
    truth, frames = simulate({**BLOOD, "platelet": 15})
    alone = truth["state"].eq("platelet")
    with_platelet = truth.index[truth["state"] == "CD4 memory"][:10]
    for gene, umis in {"PPBP": 60, "PF4": 35, "GNG11": 12, "CAVIN2": 9, "TUBB1": 6}.items():
        frames[0].loc[with_platelet, gene] += umis
    clusters = truth["state"].map(coarse).where(~alone, "p")
    best = fit(truth, frames, clusters)[-1]
    assert (best["cell_type"][with_platelet] == "CD4 T").all()
    assert (best["cell_type"][alone] == "platelet").all()


def test_a_gene_that_a_sample_lacks_is_no_zero_there():
    truth, frames = simulate(BLOOD, n_samples=2)
    frames[1] = frames[1].drop(columns=["CD79A", "MS4A1", "CD3D", "CD3E", "LYZ"])
    _, reference, _, best = fit(truth, frames, truth["state"].map(coarse))
    kinds = dict(zip(reference.states["cell_subtype"], reference.states["cell_type"], strict=True))
    second = truth["sample"] == "S1"
    assert (best["cell_type"] == truth["state"].map(kinds))[second].mean() > 0.96


def test_cells_that_the_table_does_not_know_are_given_up():
    truth, frames = simulate(BLOOD)
    fibroblasts = frames[0].iloc[:40].copy()
    fibroblasts.loc[:, fibroblasts.columns[2:]] = 0
    fibroblasts["cell_id"] = [f"S0:x{i}" for i in range(40)]
    more = pd.DataFrame({"cell_id": fibroblasts["cell_id"], "sample": "S0", "state": "x"})
    truth = pd.concat([truth, more], ignore_index=True)
    frames = [pd.concat([frames[0], fibroblasts], ignore_index=True)]
    clusters = truth["state"].map(coarse).where(truth["state"] != "x", "x").to_numpy()
    evidence, reference, _, best = fit(truth, frames, clusters)
    kinds = best["cell_type"].to_numpy()
    lacking = annotation.unsupported(evidence, reference, clusters, kinds)
    strange = (truth["state"] == "x").to_numpy()
    assert lacking[strange].all() and not lacking[~strange].any()


def test_the_same_cells_in_another_order_get_the_same_states(blood):
    truth, frames, clusters, _, _, logp, _ = blood
    order = np.random.default_rng(0).permutation(len(truth))
    shuffled = [frames[0].iloc[order].reset_index(drop=True)]
    graph = block_graph(clusters)[order][:, order]
    again = fit(truth.iloc[order], shuffled, clusters.to_numpy()[order], graph)[2]
    np.testing.assert_allclose(again, logp[order], atol=1e-6)


def test_constants_of_switched_cells_count_together():
    frame = pd.DataFrame({"cell_id": ["S:a"], "total_counts": [900], "IGHG1": [3], "IGHA1": [4]})
    frame["IGHM"] = 2
    _, evidence, genes = marker_evidence.gather([frame], ["IGHM", marker_evidence.TOGETHER, "CD19"])
    assert genes == ["IGHM", marker_evidence.TOGETHER]
    assert evidence.counts.toarray().tolist() == [[2, 7]]


@pytest.mark.real_data
@pytest.mark.parametrize("patient", ["P1", "P2"])
def test_markers_agree_with_the_receptors_of_real_cells(real_data, patient):
    """Lupus blood with and without interferon beta: receptors have no part in the labels."""
    import scanpy as sc
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.neighbors import kneighbors_graph

    folder = real_data / "hybrid_cohort"
    frames, bcr, tcr, parts = [], set(), set(), []
    symbols = marker_table()["symbol"].unique().tolist()
    for sample in (f"{patient}_pre", f"{patient}_post"):
        data = sc.read_10x_mtx(folder / sample / "filtered_feature_bc_matrix")
        data.obs_names = f"{sample}:" + data.obs_names
        parts.append(data)
        known = [name for name in symbols if name in data.var_names]
        frame = data[:, known].to_df().astype(int)
        frame.insert(0, "total_counts", np.asarray(data.X.sum(axis=1)).ravel())
        frames.append(frame.rename_axis("cell_id").reset_index())
        for kind, cells in (("b", bcr), ("t", tcr)):
            table = pd.read_csv(folder / sample / f"vdj_{kind}_filtered_contig_annotations.csv")
            cells |= set(f"{sample}:" + table["barcode"])
    matrix = sparse.vstack([part.X for part in parts], format="csr").toarray()
    logged = np.log1p(1e4 * matrix / matrix.sum(axis=1, keepdims=True))
    scaled = logged[:, np.argsort(-logged.var(axis=0))[:1500]]
    points = PCA(20, random_state=0).fit_transform(scaled - scaled.mean(axis=0))
    clusters = KMeans(10, n_init=3, random_state=0).fit_predict(points).astype(str)
    truth = pd.concat([frame[["cell_id"]] for frame in frames], ignore_index=True)
    best = fit(truth, frames, clusters, sparse.csr_matrix(kneighbors_graph(points, 15)))[-1]
    in_b, in_t = truth["cell_id"].isin(bcr - tcr), truth["cell_id"].isin(tcr - bcr)
    assert in_b.sum() > 40 and in_t.sum() > 200
    assert (best["cell_type"] == "B")[in_b].mean() >= 0.9
    assert best["cell_type"].isin(annotation.T_TYPES)[in_t].mean() >= 0.85


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda t: t.drop(columns="level"), "no column 'level'"),
        (lambda t: t.assign(level=-1.0), "the level of MS4A1 is no number of 0 or more"),
        (lambda t: t.iloc[:0], "it holds no marker"),
    ],
)
def test_an_unusable_panel_is_named(change, message):
    with pytest.raises(InputError, match=message) as error:
        marker_evidence.combine(change(marker_table()), place="mine.tsv")
    assert str(error.value).startswith("mine.tsv: ")
