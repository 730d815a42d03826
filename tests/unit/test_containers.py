"""What can be said of the container recipes without building them."""

import re

import pytest
import yaml
from conftest import ROOT

NEEDED = {"Snakefile", "config.yaml", "workflow", "profiles", "envs"}


def copied(text):
    docker = re.findall(r"^COPY (.+) \S+$", text, re.M)
    apptainer = re.findall(r"^    (\S+) /opt/immune-reset/\S+$", text, re.M)
    return {path for line in docker + apptainer for path in line.split()}


@pytest.mark.parametrize("name", ["Dockerfile", "immune-reset.def"])
def test_what_is_copied_is_there_and_is_enough(name):
    text = (ROOT / "containers" / name).read_text()
    found = copied(text)
    assert found and all((ROOT / path).exists() for path in found)
    assert found >= NEEDED | {"requirements.lock"}
    resources = {path for path in found if path.startswith("resources/")}
    tracked = {"resources/gene_sets", "resources/markers", "resources/demo/samples.tsv"}
    assert resources == tracked | {"resources/demo/clinical.tsv"}
    assert "--require-hashes" in text and "python:3.11" in text


def test_both_recipes_carry_the_same_files():
    docker, apptainer = (
        copied((ROOT / "containers" / name).read_text())
        for name in ("Dockerfile", "immune-reset.def")
    )
    assert docker == apptainer


def test_the_catalogue_entry_has_the_keys_that_are_read():
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    assert usage["software-stack-deployment"]["conda"] is True
