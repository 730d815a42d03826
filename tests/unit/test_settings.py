import pytest
import yaml

from immune_reset.errors import InputError
from immune_reset.settings import as_type, leaves, settings


@pytest.fixture(scope="module")
def schema(root):
    return yaml.safe_load((root / "workflow/schemas/config.schema.yaml").read_text("utf-8"))


def test_an_empty_file_gives_every_default(schema):
    flat = leaves(settings({}, schema))
    assert flat["qc.min_genes"] == 200
    assert flat["diversity.orders"] == [0, 1, 2]
    assert list(flat) == sorted(flat)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"qc": {"min_gene": 3}}, ["qc.min_gene", "did you mean 'qc.min_genes'"]),
        ({"smaples": "x"}, ["smaples", "did you mean 'samples'"]),
        ({"min_cells": 3}, ["min_cells", "diversity.min_cells", "or 'clones.min_cells'"]),
        ({"qc": {"resolution": 1}}, ["qc.resolution", "did you mean 'clusters.resolution'"]),
        ({"qc": {"min_genes": -1}}, ["qc.min_genes", "-1"]),
        ({"qc": {"min_genes": "many"}}, ["qc.min_genes", "many"]),
        ({"qc": 3}, ["qc", "not a section"]),
        ({"seed": True}, ["seed", "True"]),
        ({"clonotypes": {"tcr_arms": "alpha"}}, ["clonotypes.tcr_arms", "alpha"]),
    ],
)
def test_what_is_wrong_is_named(schema, config, words):
    with pytest.raises(InputError) as error:
        settings(config, schema)
    assert all(word in str(error.value) for word in words)


def test_the_same_value_written_otherwise_is_the_same_setting(schema):
    plain = settings({"qc": {"max_pct_mt": 15, "min_genes": 300}}, schema)
    other = settings({"qc": {"min_genes": "300", "max_pct_mt": "15.0"}}, schema)
    assert repr(plain) == repr(other)
    assert as_type("1e-3", {"type": "number"}) == 0.001
    assert as_type("null", {"type": ["number", "null"]}) is None
    assert as_type("false", {"type": "boolean"}) is False
    assert as_type([1, 2.0], {"type": "array", "items": {"type": "integer"}}) == [1, 2]
