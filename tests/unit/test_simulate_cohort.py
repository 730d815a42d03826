import gzip
import io
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats

import simulate_cohort
from immune_reset.errors import InputError
from immune_reset.genes import CAR_PATTERN, MT_PATTERN, RIBO_PATTERN, is_vdj_segment, matches
from immune_reset.simulation import chemistry, programs
from immune_reset.simulation.clones import build_pools
from immune_reset.simulation.cohort import (
    BCR,
    MATRIX,
    TCR,
    cohort_files,
    sheets,
    simulate_sample,
)
from immune_reset.simulation.course import (
    PRESETS,
    CohortSpec,
    Timepoint,
    composition,
    effects,
    rng_for,
    validate,
)
from immune_reset.simulation.library import draw_barcodes, draw_poisson, library_levels
from immune_reset.simulation.panel import build_panel
from immune_reset.simulation.receptors import mutate, new_receptors, translate
from immune_reset.simulation.types import KINDS, NAMES, index

ISG28 = [
    "CXCL10", "DDX60", "EPSTI1", "GBP1", "HERC5", "HERC6", "IFI27", "IFI44", "IFI44L", "IFI6",
    "IFIT1", "IFIT2", "IFIT3", "IFIT5", "ISG15", "LAMP3", "LY6E", "MX1", "OAS1", "OAS2", "OAS3",
    "OASL", "RSAD2", "RTP4", "SIGLEC1", "SOCS1", "SPATS2L", "USP18",
]  # fmt: skip
SMALL = CohortSpec(patients=2, cells=100, genes=1200, seed=7)
CLEAN = CohortSpec(
    patients=1, cells=3500, genes=1000, seed=3, library_sd=0.0, ambient=(0.0, 0.0), doublets=0.0,
    low_quality=0.0, handful=False, depth_sd=0.0,
    timepoints=(Timepoint("before", -7, "baseline"), Timepoint("after", 90, "returned")),
)  # fmt: skip


def one_sample(spec, patient=0, time=0):
    spec = validate(spec)
    panel = build_panel(spec.genes)
    pools = build_pools(spec, patient)
    return simulate_sample(spec, panel, pools, patient=patient, time=time), panel


def contents(spec):
    files = {}
    for piece in cohort_files(spec):
        files[piece.path] = files.get(piece.path, b"") + piece.content
    return files


@pytest.fixture(scope="module")
def small():
    return contents(SMALL)


@pytest.fixture(scope="module")
def clean():
    return {time: one_sample(CLEAN, time=time) for time in (0, 1)}


def read_truth(files, name):
    content = files[f"truth/{name}"]
    if name.endswith("gz"):
        content = gzip.decompress(content)
    return pd.read_csv(io.BytesIO(content), sep="\t", keep_default_na=False)


# --- files


def test_scanpy_reads_the_matrix(small, tmp_path):
    import scanpy as sc

    path = tmp_path / "m.h5"
    path.write_bytes(small[f"LN01_month_1/{MATRIX}"])
    data = sc.read_10x_h5(path)
    truth = read_truth(small, "cells.tsv.gz").query("sample == 'LN01_month_1'")
    assert data.shape == (100, 1200)
    assert data.obs_names.tolist() == truth["barcode"].tolist() == sorted(truth["barcode"])
    np.testing.assert_array_equal(np.asarray(data.X.sum(axis=1)).ravel(), truth["total_umis"])
    assert set(data.var["feature_types"]) == {"Gene Expression"}
    assert data.var_names.is_unique and data.var["gene_ids"].is_unique
    carriers = np.asarray(data[:, "CAR_BCMA"].X.sum(axis=1)).ravel() >= 2
    assert set(truth["cell_type"][carriers]) == {"CAR T"}


@pytest.mark.filterwarnings("ignore:Support for Awkward Arrays")
@pytest.mark.parametrize(("name", "loci"), [(BCR, "IG"), (TCR, "TR")])
def test_scirpy_reads_the_contigs(small, tmp_path, name, loci):
    import scirpy as ir

    path = tmp_path / name
    path.write_bytes(small[f"LN01_baseline/{name}"])
    data = ir.io.read_10x_vdj(path, filtered=False)
    table = pd.read_csv(path)
    assert set(data.obs_names) == set(table["barcode"])
    assert table["chain"].str.startswith(loci).all()
    assert table["contig_id"].is_unique
    good = table[table["productive"] & table["is_cell"]]
    assert (good["cdr3_nt"].map(translate) == good["cdr3"]).all()
    assert good["cdr3"].str.fullmatch(r"C[A-Z]+[FW]").all()
    assert (table["umis"] >= 1).all() and (table["reads"] >= table["umis"]).all()


def test_the_sheets_name_the_files_that_are_written(small):
    sheet = pd.read_csv(
        io.BytesIO(small["samples.tsv"]), sep="\t", dtype=str, keep_default_na=False
    )
    named = {path for column in ("gex", "bcr", "tcr") for path in sheet[column] if path}
    others = {path for path in small if "/" in path and not path.startswith("truth/")}
    assert named == others
    without = sheet.loc[sheet["bcr"] == "", "sample"].tolist()
    assert without == ["LN02_month_1"]
    truth = read_truth(small, "cells.tsv.gz").query("sample == 'LN02_month_1'")
    assert 3 <= (truth["cell_type"] == "B").sum() <= 12
    assert (truth["bcr_chains"] == "").all()


def test_the_committed_sheets_are_those_of_the_demo(root):
    for name, content in sheets(PRESETS["demo"]).items():
        assert (root / "resources" / "demo" / name).read_bytes() == content


def test_same_seed_same_bytes_and_another_seed_another_cohort(small):
    assert contents(SMALL) == small
    other = contents(replace(SMALL, seed=8, patients=1))
    assert other[f"LN01_baseline/{MATRIX}"] != small[f"LN01_baseline/{MATRIX}"]


def test_a_sample_does_not_depend_on_the_others(small):
    sample, _ = one_sample(SMALL, patient=1, time=2)
    truth = read_truth(small, "cells.tsv.gz").query("sample == 'LN02_month_3'")
    np.testing.assert_array_equal(sample.truth["total_umis"], truth["total_umis"])
    more = contents(replace(SMALL, timepoints=SMALL.timepoints[:2], patients=3))
    assert more[f"LN01_month_1/{MATRIX}"] == small[f"LN01_month_1/{MATRIX}"]
    assert more[f"LN01_baseline/{BCR}"] == small[f"LN01_baseline/{BCR}"]


def test_command_writes_whole_files(tmp_path):
    arguments = [str(tmp_path / "c"), "--patients", "1", "--cells", "40", "--genes", "1000"]
    assert simulate_cohort.command([*arguments, "--timepoints", "pre:-3", "late:200"]) == 0
    files = {p.relative_to(tmp_path / "c").as_posix() for p in (tmp_path / "c").rglob("*.*")}
    assert {"samples.tsv", "clinical.tsv", "truth/cells.tsv.gz", "truth/effects.tsv"} <= files
    assert f"LN01_late/{MATRIX}" in files and not any("partial" in name for name in files)
    cells = pd.read_csv(tmp_path / "c/truth/cells.tsv.gz", sep="\t")
    assert cells["sample"].value_counts().to_dict() == {"LN01_pre": 40, "LN01_late": 40}


@pytest.mark.parametrize(
    "bad", [["--timepoints", "late"], ["--genes", "50"], ["--doublets", "0.9"], ["--patients", "0"]]
)
def test_command_refuses_what_no_cohort_can_have(tmp_path, bad, caplog):
    assert simulate_cohort.command([str(tmp_path / "c"), *bad]) == 1
    assert bad[0] in caplog.text
    assert not (tmp_path / "c").exists()


def test_rule_writes_below_the_folder_of_the_sheets(tmp_path, monkeypatch):
    monkeypatch.setitem(simulate_cohort.PRESETS, "demo", replace(SMALL, patients=1, folder="data"))
    truth = tmp_path / "demo" / "data" / "truth"
    smk = SimpleNamespace(input=[], output=SimpleNamespace(truth=str(truth)), log=[])
    simulate_cohort.main(smk)
    assert (truth / "clones.tsv").is_file() and not (tmp_path / "demo" / "samples.tsv").exists()
    assert (tmp_path / "demo" / "data" / "LN01_month_1" / MATRIX).is_file()


def test_simulating_needs_no_scanpy(root):
    code = "import sys; import simulate_cohort; print(sorted(sys.modules))"
    scripts = root / "workflow" / "scripts"
    done = subprocess.run([sys.executable, "-c", code], cwd=scripts, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not any(f"'{name}'" in done.stdout for name in ("scanpy", "anndata", "scirpy", "numba"))


# --- genes and expression


def test_panel_holds_the_genes_that_the_workflow_looks_for():
    panel = build_panel(3000)
    interferon = {panel.symbols[i] for i in panel.sets["interferon"]}
    assert interferon == {*ISG28, "DDX60L"}
    assert {panel.symbols[i] for i in panel.sets["mitochondrial"]} == {
        name for name in panel.symbols if name.startswith("MT-")
    }
    for pattern, least in ((MT_PATTERN, 13), (RIBO_PATTERN, 75), (CAR_PATTERN, 1)):
        assert matches(panel.symbols, pattern).sum() >= least
    assert is_vdj_segment(panel.symbols).sum() > 100
    np.testing.assert_allclose(panel.levels.sum(axis=1), 1)
    assert len(set(panel.symbols)) == len(set(panel.ids)) == 3000


def test_planted_programs_are_in_no_other_program():
    jak_stat = set(programs.JAK_STAT)
    assert not jak_stat & set(ISG28)
    assert len(build_panel(1000).symbols) == 1000
    assert len(build_panel(4000).symbols) == 4000  # beyond the named fillers


def share_and_error(sample, panel, name, rows):
    """Log2 share of a program's UMIs, and its delta-method standard error over cells."""
    part = np.asarray(sample.counts[rows][:, panel.sets[name]].sum(axis=1)).ravel()
    total = np.asarray(sample.counts[rows].sum(axis=1)).ravel()
    ratio = part.sum() / total.sum()
    spread = np.sum((part / part.sum() - total / total.sum()) ** 2)
    return np.log2(ratio), np.sqrt(spread) / np.log(2)


@pytest.mark.parametrize("cell_type", ["B", "CD4 T", "CD8 T", "NK", "monocyte"])
@pytest.mark.parametrize("program", ["interferon", "interferon_mild", "jak_stat"])
def test_planted_effects_come_back_from_the_counts(clean, cell_type, program):
    effect = next(
        piece for piece in cohort_files(CLEAN) if piece.path == "truth/effects.tsv"
    ).content
    effect = pd.read_csv(io.BytesIO(effect), sep="\t")
    planted = effect.query("cell_type == @cell_type and program == @program")
    assert planted["comparison"].tolist() == ["after vs before"]
    sums = []
    for sample, panel in clean.values():
        # one kind of cell, so that the mixture of subsets cannot move the share
        subtype = {"B": "naive B", "CD4 T": "CD4 memory", "CD8 T": "CD8 effector",
                   "monocyte": "CD14 monocyte"}.get(cell_type, cell_type)  # fmt: skip
        rows = np.flatnonzero(sample.truth["cell_subtype"] == subtype)
        sums.append(share_and_error(sample, panel, program, rows))
    change = sums[1][0] - sums[0][0]
    error = np.hypot(sums[0][1], sums[1][1])
    assert abs(change - planted["log2_effect"].item()) < 3 * error
    assert error < {"interferon": 0.12, "interferon_mild": 0.06, "jak_stat": 0.07}[program]


def test_planted_effects_change_shares_by_exactly_their_log2():
    spec, panel = validate(CLEAN), build_panel(1000)
    before, after = (library_levels(spec, panel, 0, time) for time in (0, 1))
    change = effects(spec, 0, 1)
    for name in ("interferon", "jak_stat"):
        genes = panel.sets[name]
        ratio = np.log2(after[:, genes].sum(axis=1) / before[:, genes].sum(axis=1))
        np.testing.assert_allclose(ratio, change[name], atol=1e-9)
    assert change["interferon"][index("c14")] == pytest.approx(
        1.1 * change["interferon"][index("nB")]
    )


def test_a_null_cohort_changes_in_nothing():
    spec = validate(replace(SMALL, null=True))
    panel = build_panel(spec.genes)
    assert spec.library_sd == 0 and not spec.car
    for patient in range(2):
        for time in (1, 2):
            np.testing.assert_array_equal(
                composition(spec, patient, 0), composition(spec, patient, time)
            )
            np.testing.assert_array_equal(
                library_levels(spec, panel, patient, 0), library_levels(spec, panel, patient, time)
            )
        for pool in build_pools(spec, patient).values():
            assert (pool.share == pool.share[0]).all()
            assert set(pool.fate) == {"persisting"}
    files = contents(replace(SMALL, null=True))
    assert (read_truth(files, "effects.tsv")["log2_effect"] == 0).all()
    assert not (read_truth(files, "cells.tsv.gz")["cell_type"] == "CAR T").any()
    assert validate(replace(SMALL, null=True, library_sd=0.2)).library_sd == 0.2


def test_ambient_rna_is_as_much_as_asked():
    spec = replace(CLEAN, ambient=(0.08, 0.08), cells=2000)
    sample, panel = one_sample(spec)
    truth = sample.truth
    total = truth["ambient_umis"].sum() + truth["cell_umis"].sum()
    assert truth["ambient_umis"].sum() / total == pytest.approx(0.08, rel=0.12)
    # haemoglobin comes from the soup alone, as .4 of 101.2 parts for each of three genes
    blood = sample.counts[:, panel.sets["haemoglobin"]].sum()
    expected = truth["ambient_umis"].sum() * 0.012 / 1.012
    assert blood == pytest.approx(expected, abs=4 * np.sqrt(expected) + 0.02 * expected)
    clear, _ = one_sample(replace(CLEAN, cells=300))
    assert clear.counts[:, panel.sets["haemoglobin"]].sum() == 0


def test_doublets_and_dying_cells_are_as_many_as_asked():
    spec = replace(CLEAN, cells=2000, doublets=0.10, doublets_bt=0.5, low_quality=0.05)
    sample, panel = one_sample(spec)
    truth = sample.truth
    assert abs(truth["is_doublet"].sum() - 200) < 4 * np.sqrt(200 * 0.9)
    pair = truth[["cell_type", "partner_type"]].map(lambda t: "T" if t.endswith(" T") else t)
    mixed = (pair["cell_type"] == "B") & (pair["partner_type"] == "T")
    assert mixed.sum() > 0.4 * truth["is_doublet"].sum()
    both = truth[mixed & (truth["bcr_chains"] != "") & (truth["tcr_chains"] != "")]
    assert len(both) > 0.8 * mixed.sum()
    low = truth["low_quality"].to_numpy()
    assert abs(low.sum() - 0.05 * 0.9 * 2000) < 4 * np.sqrt(90)
    mt = np.asarray(sample.counts[:, panel.sets["mitochondrial"]].sum(axis=1)).ravel()
    mt = mt / truth["total_umis"].to_numpy()
    assert np.median(mt[low]) > 0.15 > 0.08 > np.median(mt[~low])
    size = truth.groupby("is_doublet")["total_umis"].median()
    assert size[True] > 1.4 * size[False]


def test_poisson_draws_follow_the_law():
    rng = np.random.default_rng(5)
    mean = np.tile(np.array([0.01, 0.4, 1.6, 30.0], dtype=np.float32), (60_000, 1))
    drawn = draw_poisson(rng, mean).toarray()
    for column, rate in enumerate(mean[0]):
        counts = np.bincount(drawn[:, column], minlength=60)[:60]
        law = stats.poisson.pmf(np.arange(60), rate) * len(mean)
        often = law > 5
        seen, expected = counts[often], law[often]
        seen, expected = (
            np.append(seen, counts[~often].sum()),
            np.append(expected, law[~often].sum()),
        )
        assert stats.chisquare(seen, expected * seen.sum() / expected.sum()).pvalue > 1e-3


# --- cells and receptors


def test_composition_follows_the_course():
    spec = validate(SMALL)
    b = [index(name) for name in NAMES if KINDS[name].receptor == "BCR"]
    naive = [index("nB"), index("trB")]
    shares = [composition(spec, 0, time) for time in range(3)]
    for share in shares:
        assert share.sum() == pytest.approx(1)
    assert shares[0][b].sum() > 0.08 > 0.002 > shares[1][b].sum()
    assert shares[2][naive].sum() / shares[2][b].sum() == pytest.approx(0.885, abs=0.01)
    assert shares[0][index("car8")] == 0 < shares[2][index("car8")] < shares[1][index("car8")]


def test_every_kind_of_cell_is_there():
    sample, _ = one_sample(replace(CLEAN, cells=4000), time=0)
    kinds = {k.cell_subtype for k in KINDS.values()} - {"CAR T"}
    assert set(sample.truth["cell_subtype"]) == kinds and len(kinds) >= 20


def test_chains_are_missed_and_added_as_in_real_libraries(clean):
    sample, _ = clean[0]
    truth = sample.truth
    t = truth[truth["tcr_clone"] != ""]
    b = truth[truth["bcr_clone"] != ""]
    assert t["tcr_chains"].str.contains("TRB").mean() == pytest.approx(0.85, abs=0.03)
    assert t["tcr_chains"].str.contains("TRA").mean() == pytest.approx(0.76, abs=0.03)
    assert b["bcr_chains"].str.contains("IGH").mean() == pytest.approx(0.80, abs=0.08)
    two = t["tcr_chains"].str.count("TRA") == 2
    assert two.mean() == pytest.approx(0.10 * 0.75 * 0.75, abs=0.02)
    contigs = sample.contigs
    assert (~contigs["productive"]).any() and (contigs["umis"] == 1).any()
    strangers = ~contigs["barcode"].isin(truth["barcode"])
    assert 0.02 < strangers.mean() < 0.15 and set(contigs["is_cell"][strangers]) == {True, False}
    assert not truth.loc[truth["cell_type"] == "monocyte", "tcr_clone"].any()


def test_translation_is_that_of_the_standard_code():
    codes = {"TGTGCGAGAGATTACTACTTTGACTACTGG": "CARDYYFDYW", "TAATAGTGAATG": "***M", "TGGAA": "W"}
    for nucleotides, amino_acids in codes.items():
        assert translate(nucleotides) == amino_acids
    # against the translations of Cell Ranger itself, in scirpy's own test data
    data = Path(find_spec("scirpy").origin).parent / "tests" / "data" / "10x"
    real = pd.read_csv(data / "vdj_nextgem_hs_pbmc3_t_filtered_contig_annotations.csv.gz")
    real = real[real["cdr3_nt"].fillna("None") != "None"]
    assert len(real) > 3000 and (real["cdr3_nt"].map(translate) == real["cdr3"]).all()


def test_junctions_are_in_frame_and_without_stops():
    for receptor in ("BCR", "TCR"):
        frame = new_receptors(np.random.default_rng(1), receptor, 300)
        for chain in ("vdj_nt", "vj_nt"):
            proteins = frame[chain].map(translate)
            assert (frame[chain].str.len() % 3 == 0).all()
            assert proteins.str.fullmatch(r"C[A-Z]{3,30}[FW]").all()
        assert frame["vdj_nt"].is_unique


def hamming(a, b):
    return sum(x != y for x, y in zip(a, b, strict=True)) / len(a)


def test_cells_of_a_clone_stay_a_clone_and_clones_stay_apart():
    rng = np.random.default_rng(2)
    founder = new_receptors(rng, "BCR", 1)["vdj_nt"].item()
    family = mutate(rng, np.array([founder] * 60), 0.04)
    assert max(hamming(a, b) for a, b in combinations(family, 2)) < 0.15
    assert len(set(family)) > 5 and not any("*" in translate(nt) for nt in family)
    for patient in range(3):
        clones = build_pools(validate(PRESETS["demo"]), patient)["b_memory"].receptors
        groups = clones.groupby(["vdj_v", "vdj_j", clones["vdj_nt"].str.len()])["vdj_nt"]
        for _, junctions in groups:
            assert all(hamming(a, b) > 0.15 for a, b in combinations(junctions, 2))


def test_clone_sizes_follow_their_shares(clean):
    sample, _ = clean[0]
    pools = build_pools(validate(CLEAN), 0)
    law = pools["cd8_effector"].share[0]
    kinds = sample.truth["cell_subtype"].isin(["CD8 effector", "CD8 exhausted"])
    drawn = Counter(sample.truth.loc[kinds, "tcr_clone"])
    n = sum(drawn.values())
    for rank in (0, 1, 2, 3, 5):
        seen = drawn[f"LN01:TCR:cd8_effector:{rank}"]
        assert stats.binomtest(seen, n, law[rank]).pvalue > 1e-3
    assert law.sum() == pytest.approx(1) and law[5] == 0


def test_planted_fates_are_what_the_clones_do():
    spec = replace(CLEAN, timepoints=SMALL.timepoints, cells=1500)
    clones = read_truth(contents(spec), "clones.tsv")
    assert clones["clone_id"].is_unique
    assert (clones["junction"].map(translate) == clones["junction_aa"]).all()
    b = clones[(clones["receptor"] == "BCR") & (clones["pool"] == "b_memory")]
    gone = b[b["fate"] == "eradicated"]
    assert (gone[["n_month_1", "n_month_3"]] == 0).all(axis=None) and len(gone) > 20
    back = b[b["fate"] == "returned"]
    assert len(back) == 1 and back["n_month_1"].item() == 0 < back["n_baseline"].item()
    fates = clones[clones["pool"] == "cd8_effector"].set_index("fate")
    assert fates.loc["new", "n_baseline"] == 0 < fates.loc["new", "n_month_3"]
    assert fates.loc["contracted", "n_baseline"] > 3 * fates.loc["contracted", "n_month_3"]
    assert fates.loc["expanded", "n_month_3"] > 3 * fates.loc["expanded", "n_baseline"]
    assert (clones["captured_baseline"] <= clones["n_baseline"]).all()
    total = pd.to_numeric(clones.query("receptor == 'TCR'")["share_baseline"]).sum()
    assert 0.4 < total < 1


def test_barcodes_are_distinct_and_sorted():
    barcodes = draw_barcodes(rng_for(SMALL, 9), 5000)
    assert len(set(barcodes)) == 5000 and barcodes.tolist() == sorted(barcodes)
    assert all(len(code) == 18 and code.endswith("-1") for code in barcodes)


def test_parameters_out_of_range_are_named():
    with pytest.raises(InputError, match="--ambient"):
        validate(replace(SMALL, ambient=(0.5, 0.1)))
    points = simulate_cohort.parse_timepoints(["pre:-3", "early:20", "late:200", "x:9:baseline"])
    assert [point.state for point in points] == ["baseline", "depleted", "returned", "baseline"]


def test_another_chemistry_is_that_of_all_followups_alone():
    spec = validate(replace(SMALL, null=True, chemistry=1.0, genes_lost=0.3))
    panel = build_panel(spec.genes)
    same, some = replace(spec, chemistry=0.0), panel.levels[0] > 0
    ratio = np.array([
        np.log2(library_levels(spec, panel, p, t)[0, some])
        - np.log2(library_levels(same, panel, p, t)[0, some])
        for p in (0, 1) for t in (0, 1, 2)
    ])  # fmt: skip
    np.testing.assert_allclose(ratio[[0, 3]], 0, atol=1e-12)
    centred = ratio - ratio.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(centred[[2, 4, 5]], centred[[1, 1, 1]], atol=1e-9)
    assert np.std(ratio[1]) == pytest.approx(1.0, abs=0.1)
    genes = [chemistry.measured_genes(spec, panel, t) for t in (0, 1, 2)]
    assert len(genes[0]) == len(panel.symbols)
    assert 0.6 < len(genes[1]) / len(genes[0]) < 0.9 and (genes[1] == genes[2]).all()
    kept = {panel.symbols[i] for i in genes[1]}
    assert {programs.CAR_FEATURE, "TRBC1", "IGHM"} <= kept
    sheet = pd.read_csv(io.BytesIO(sheets(spec)["samples.tsv"]), sep="\t")
    batches = sheet.groupby("timepoint")["batch"].agg(set)
    assert not batches["baseline"] & batches["month_1"]
    assert batches["month_1"] == batches["month_3"]


def test_the_matrix_holds_the_genes_of_its_reference():
    spec = validate(replace(SMALL, null=True, genes_lost=0.3, patients=1))
    made = contents(spec)
    sample, panel = one_sample(spec, time=1)
    genes = chemistry.measured_genes(spec, panel, 1)
    with h5py.File(io.BytesIO(made[f"LN01_month_1/{MATRIX}"])) as file:
        group = file["matrix"]
        assert group["features/name"][:].astype(str).tolist() == [panel.symbols[i] for i in genes]
        data = (group["data"][:], group["indices"][:], group["indptr"][:])
        matrix = sparse.csc_matrix(data, shape=group["shape"][:])
    assert (sample.counts[:, genes] != matrix.T).nnz == 0
