"""The cohort's repertoire tables."""

import pandas as pd
import pytest
from unit import repertoire_data as made

import gather_diversity
import gather_repertoire as script
from immune_reset import ledger, tables

CONTRACT = {
    "diversity": "diversity",
    "change": "diversity_change",
    "clones": "clones",
    "fates": "clone_fates",
    "returned": "returned_clones",
    "group": "baseline_clones",
    "usage": "gene_usage",
    "isotypes": "isotypes",
    "overlap": "overlap",
    "expansion": "expansion",
    "turnover": "turnover",
    "car": "car_clones",
}


def described(patient, counts, times, **more):
    plan = made.design(patient, times)
    frame = made.clonotypes(counts, patient=patient, **more)
    return ledger.describe(frame, None, made.SHARED, design=plan)


def test_counts_stand_in_the_order_of_the_design_and_what_was_not_sampled_is_missing(tmp_path):
    frames = [
        described("P1", {1: {"pre": 3, "m3": 2}}, ("pre", "m3")),
        described("P2", {1: {"pre": 1, "m1": 4}}, ("pre", "m1")),
        described("P3", {}, ("pre",)),
    ]
    for i, frame in enumerate(frames):
        tables.write(frame, tmp_path / f"{i}.parquet")
    stacked = tables.read_many([tmp_path / f"{i}.parquet" for i in range(3)])
    found = script.gather_clones(stacked, timepoints=["pre", "m1", "m3"])
    assert list(found.columns[-3:]) == ["n_pre", "n_m1", "n_m3"]
    tables.write(found, tmp_path / "clones.tsv")
    text = (tmp_path / "clones.tsv").read_text().splitlines()
    assert [line.split("\t")[-3:] for line in text[1:]] == [["3", "", "2"], ["1", "4", ""]]


@pytest.mark.parametrize(
    ("of", "names"),
    [(script, ("clones", *script.TABLES)), (gather_diversity, gather_diversity.TABLES)],
)
def test_main_writes_every_table_also_of_a_cohort_without_clones(tmp_path, of, names):
    inputs, outputs = {}, {}
    for name in names:
        columns = tables.fixed_columns(CONTRACT[name]) if name in CONTRACT else ["patient"]
        tables.write(pd.DataFrame(columns=columns, dtype="string"), tmp_path / f"{name}.parquet")
        inputs[name] = [tmp_path / f"{name}.parquet"] * 2
        suffix = "tsv" if name in CONTRACT else "parquet"
        outputs[name] = tmp_path / "out" / f"{CONTRACT.get(name, name)}.{suffix}"
    (tmp_path / "out").mkdir()
    of.main(made.job(inputs, outputs, design={"timepoints": ["pre", "post"]}))
    assert all(path.is_file() for path in outputs.values())
    if "clones" in names:
        header = outputs["clones"].read_text().split()
        assert header[-2:] == ["n_pre", "n_post"]


def test_the_diversity_of_all_patients_stands_in_one_table(tmp_path):
    inputs, outputs = {}, {}
    for name in gather_diversity.TABLES:
        own = [tmp_path / f"{name}_{patient}.parquet" for patient in ("P1", "P2")]
        for path in own:
            found = pd.DataFrame({"patient": [path.stem[-2:]] * 2, "table": [name] * 2})
            tables.write(found.astype("string"), path)
        inputs[name], outputs[name] = own, tmp_path / f"{name}.parquet"
    gather_diversity.main(made.job(inputs, outputs))
    for name, path in outputs.items():
        found = tables.read(path)
        assert list(found["patient"]) == ["P1", "P1", "P2", "P2"]
        assert set(found["table"]) == {name}
