"""Names of genes: groups, V(D)J segments, former symbols."""

import gzip
import re

import pytest
import yaml

from immune_reset import genes

SEGMENTS = ["IGHV4-34", "IGKV1D-39", "IGLV2-14", "IGHD3-10", "IGHJ4", "IGKJ1", "IGLJ2"]
SEGMENTS += ["TRAV1-2", "TRAJ33", "TRBV20-1", "TRBD1", "TRBJ2-7", "TRDV2", "TRDD3", "TRGV9"]
OTHERS = ["IGHD", "IGHM", "IGHG1", "IGKC", "IGLC2", "IGLL5", "JCHAIN", "TRAC", "TRBC1", "TRDC"]
OTHERS += ["TRGC1", "TRAF3", "TRDMT1", "TRADD", "TRAT1", "TRBP", "TRGP", "IGF1R", "IGHMBP2"]


def test_segments_match_and_constants_and_decoys_do_not():
    assert genes.matches(SEGMENTS, genes.VDJ_PATTERN).all()
    assert not genes.matches(OTHERS, genes.VDJ_PATTERN).any()


def test_kept_segments_are_not_left_out():
    found = genes.is_vdj_segment(["TRAV1-2", "TRAV1-1", "IGHM"])
    assert found.tolist() == [False, True, False]
    assert genes.is_vdj_segment(["TRAV1-2"], keep=()).tolist() == [True]


@pytest.mark.real_data
def test_on_the_genes_of_a_real_matrix(real_data):
    path = real_data / "null_cohort/N1_pre/filtered_feature_bc_matrix/features.tsv.gz"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    symbols = [line.split("\t")[1] for line in lines]
    segments = [s for s, hit in zip(symbols, genes.is_vdj_segment(symbols), strict=True) if hit]
    assert all(re.match(r"(IG[HKL]|TR[ABDG])[VDJ][\dI]", s) for s in segments)
    assert {"IGHD", "TRDC", "TRAF3", "TRDMT1", "TRADD", "IGLL5", "JCHAIN"}.isdisjoint(segments)
    missed = [s for s in symbols if re.match(r"(IGH|IGK|IGL|TRA|TRB|TRD|TRG)[VJ]\d", s)]
    assert set(missed) - set(segments) <= set(genes.KEPT_SEGMENTS)
    assert genes.matches(symbols, genes.MT_PATTERN).sum() == 13  # the protein-coding ones


@pytest.mark.parametrize("symbol", ["RPL36AL", "RPS27L", "RPL22L1", "RPS4Y1", "RPLP0", "RPSA"])
def test_ribosomal_proteins(symbol):
    assert genes.matches([symbol], genes.RIBO_PATTERN).all()


@pytest.mark.parametrize("symbol", ["RPS6KA1", "RPL34-AS1", "RPS19BP1", "RPS3AP6", "MRPL3"])
def test_kinases_antisense_and_pseudogenes_are_not_ribosomal(symbol):
    assert not genes.matches([symbol], genes.RIBO_PATTERN).any()


def test_haemoglobin_is_not_hbegf():
    found = genes.matches(["HBB", "HBA1", "HBG2", "HBEGF", "HBP1", "HBS1L"], genes.HB_PATTERN)
    assert found.tolist() == [True, True, True, False, False, False]


def test_former_symbols_become_current_ones():
    given = ["WARS", "DDX58", "MARCH1", "C19orf66", "DNAPTP6", "ISG15"]
    expected = ["WARS1", "RIGI", "MARCHF1", "SHFL", "SPATS2L", "ISG15"]
    assert genes.current_symbols(given) == expected


def test_no_two_genes_become_one_by_renaming():
    assert genes.current_symbols(["WARS", "WARS1"]) == ["WARS", "WARS1"]


def test_no_alias_leads_to_a_former_symbol():
    assert set(genes.ALIASES).isdisjoint(genes.ALIASES.values())


def test_car_features_are_those_of_the_configured_default(root):
    schema = yaml.safe_load((root / "workflow/schemas/config.schema.yaml").read_text())
    assert schema["properties"]["car"]["properties"]["pattern"]["default"] == genes.CAR_PATTERN
    found = genes.is_car_feature(["BCMA_CAR", "CAR", "CARD11", "CARS1", "CARMIL2", "CD19"])
    assert found.tolist() == [True, True, False, False, False, False]


def test_kept_segments_are_the_configured_default(root):
    schema = yaml.safe_load((root / "workflow/schemas/config.schema.yaml").read_text())
    keep = schema["properties"]["genes"]["properties"]["keep"]["default"]
    assert tuple(keep) == genes.KEPT_SEGMENTS
