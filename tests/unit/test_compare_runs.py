"""Two runs side by side: states of claims told by hand, and the command on folders of results."""

import json
from pathlib import Path

import pandas as pd
import pytest
from unit import report_words
from unit.test_render_report import Page

import compare_runs
from immune_reset import compared, pseudonyms, report

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = report.catalogue((ROOT / "workflow/report/sentences.yaml").read_text("utf-8"))
KEYS = ["claim", "scope", "comparison", "compartment"]


@pytest.fixture(autouse=True)
def _no_names_stay_hidden():
    yield
    pseudonyms.use(None)


def claim(claim="b_cell_fraction", scope="cohort", direction="decreased", **values):
    return {
        "claim": claim, "family": "composition", "scope": scope, "compartment": "",
        "comparison": "post vs pre", "measure": "change of log2 share", "n_baseline": 3.0,
        "n_followup": 3.0, "estimate": -1.0, "ci_low": -2.0, "ci_high": -0.5, "p_value": 0.01,
        "p_floor": None, "q_value": None, "direction": direction, "reason": "",
        "evidence": "cohort", "detail": "",
    } | values  # fmt: skip


def record(*people, **settings):
    rows = [
        {"patient": name, "sample": f"{name}_{time}", "timepoint": time}
        for name in people
        for time in ("pre", "post")
    ]
    return {
        "config": {"seed": 0, "outdir": "somewhere", **settings},
        "samples": rows,
        "inputs": [{"path": f"{row['sample']}.h5", "sha256": row["sample"]} for row in rows],
        "software": {"python": "3.11.9", "packages": {"numpy": "2.3.0", "scanpy": "1.11.5"}},
        "workflow": {"commit": "0123456789abcdef", "dirty": False},
    }


def folder(path, claims, made=None, clinical=None, hidden=None):
    """Write what a run leaves that is read here."""
    (path / "tables").mkdir(parents=True)
    pd.DataFrame(claims).to_csv(path / "tables/claims.tsv", sep="\t", index=False)
    if made is not None:
        (path / "provenance.json").write_text(json.dumps(made))
    if clinical is not None:
        pd.DataFrame(clinical).to_csv(path / "tables/clinical.tsv", sep="\t", index=False)
    if hidden is not None:
        frame = pd.DataFrame(hidden.items(), columns=["name", "pseudonym"])
        frame.to_csv(path / "pseudonyms.tsv", sep="\t", index=False)
    return path


def run(one, two, to, capsys):
    """Run the command; return its exit code, what it says, the page's text and the table."""
    code = compare_runs.main([str(one), str(two), "--to", str(to)])
    said = capsys.readouterr()
    if code:
        return code, said.err, None, None
    table = pd.read_csv(to.with_suffix(".tsv"), sep="\t", keep_default_na=False)
    return code, said.out, to.read_text("utf-8"), table


ONE = [
    claim(),
    claim("naive_b_fraction", estimate=1.0, ci_low=0.5, ci_high=2.0, direction="increased"),
    claim("plasma_fraction"),
    claim("car_t_fraction", direction="not estimable", estimate=None, ci_low=None, ci_high=None),
    claim(scope="P1", evidence="within-patient"),
]
TWO = [
    claim(estimate=-0.3, ci_low=-0.9, ci_high=0.3, direction="no change shown"),
    claim("naive_b_fraction", estimate=1.2, ci_low=0.5, ci_high=2.0, direction="increased"),
    claim("plasma_fraction"),
    claim("car_t_fraction", direction="not estimable", estimate=None, ci_low=None, ci_high=None),
    claim(scope="P2", evidence="within-patient"),
]
STATES = {
    ("b_cell_fraction", "cohort"): "verdict",
    ("naive_b_fraction", "cohort"): "value",
    ("plasma_fraction", "cohort"): "same",
    ("car_t_fraction", "cohort"): "same",
    ("b_cell_fraction", "P1"): "first",
    ("b_cell_fraction", "P2"): "second",
}


def test_the_states_of_the_claims_of_two_cohorts(tmp_path, capsys):
    one = folder(tmp_path / "one", ONE, record("P1", "P3"))
    two = folder(tmp_path / "two", TWO, record("P2", "P3", seed=1))
    code, said, page, table = run(one, two, tmp_path / "c.html", capsys)
    assert code == 0
    found = {(row.claim, row.scope): row.state for row in table.itertuples()}
    assert found == STATES
    line = table.set_index(["claim", "scope"]).loc[("b_cell_fraction", "cohort")]
    assert (line["direction_first"], line["direction_second"]) == ("decreased", "no change shown")
    assert (float(line["estimate_first"]), float(line["estimate_second"])) == (-1.0, -0.3)
    text = Page(page).words().replace("\xa0", " ")
    assert "Another verdict: 1; the same verdict, other numbers: 1; the same: 2; in the" in text
    # 2^1 = 2, 2^0.5 = 1.4, 2^2 = 4; the second 2^0.3 = 1.2, 2^0.9 = 1.9
    assert "decreased, 2.0-fold lower (95 % interval 1.4 to 4.0)" in text
    assert "no change shown, 1.2-fold lower (95 % interval 1.9-fold lower to 1.2-fold hi" in text
    assert "n: 3 patients" in text
    assert "B-cell share, cohort, post vs pre: decreased 2.0× -> no change shown 1.2×" in said
    assert "patients  1 in both, 1 only in the first, 1 only in the second" in said
    assert "samples   2 in both, 2 only in the first, 2 only in the second" in said
    assert "files     2 in both, 2 only in the first, 2 only in the second" in said
    assert "config    seed: 0 -> 1" in said and "outdir" not in said


def test_a_run_against_itself_is_the_same(tmp_path, capsys):
    one = folder(tmp_path / "one", ONE, record("P1"))
    _, said, page, table = run(one, one, tmp_path / "c.html", capsys)
    assert table["state"].eq("same").all()
    assert "No setting differs." in said and "No version differs." in said
    assert "No setting differs." in Page(page).words()


def test_evidence_alone_is_another_verdict_and_n_alone_another_value(tmp_path, capsys):
    one = folder(tmp_path / "one", [claim(), claim("plasma_fraction")])
    changed = [claim(evidence="descriptive"), claim("plasma_fraction", n_followup=2.0)]
    two = folder(tmp_path / "two", changed)
    *_, table = run(one, two, tmp_path / "c.html", capsys)
    assert table["state"].tolist() == ["verdict", "value"]


def test_a_run_without_its_record_is_compared_by_its_claims(tmp_path, capsys):
    one = folder(tmp_path / "one", ONE)
    two = folder(tmp_path / "two", TWO, record("P2"))
    code, said, page, _ = run(one, two, tmp_path / "c.html", capsys)
    assert code == 0 and "one has no provenance.json" in said
    assert "one has no provenance.json" in Page(page).words() and "config " not in said


def test_versions_and_keys_of_another_version(tmp_path, capsys):
    made = record("P1")
    made["config"]["new.key"] = None
    made["software"]["packages"] = {"numpy": "2.3.1", "scanpy": "1.11.5", "extra": "1"}
    made["workflow"]["commit"] = "fedcba9876543210"
    one = folder(tmp_path / "one", ONE, record("P1"))
    two = folder(tmp_path / "two", ONE, made)
    _, said, page, _ = run(one, two, tmp_path / "c.html", capsys)
    assert "config    new.key: – -> not set" in said and "3 versions differ" in said
    rows = compared.differing(compared.software(record("P1")), compared.software(made))
    assert rows == [
        ("(workflow)", "0123456789ab", "fedcba987654"),
        ("extra", "–", "1"),
        ("numpy", "2.3.0", "2.3.1"),
    ]
    assert "scanpy" not in Page(page).words()


def test_tables_of_other_versions_are_read(tmp_path, capsys):
    """An older table without columns that came later, a newer one with a verdict not known here."""
    later = ["compartment", "q_value", "p_floor", "detail", "reason"]
    old = [{k: v for k, v in row.items() if k not in later} for row in ONE]
    new = [claim(direction="halved", evidence="two cohorts", made_up="x")]
    one, two = folder(tmp_path / "one", old), folder(tmp_path / "two", new)
    code, _, page, table = run(one, two, tmp_path / "c.html", capsys)
    assert code == 0 and table["state"].iloc[0] == "verdict"
    text = Page(page).words()
    assert "halved" in text and "two cohorts" in text


def test_values_are_shown_as_text(tmp_path, capsys):
    made = record("P1")
    made["config"]["report.title"] = "<img src=x onerror=alert(1)>"
    odd = [claim("clinical_<i>C3</i>", scope="<b>P1</b>", family="clinical", measure="g/L")]
    one = folder(tmp_path / "one", odd, record("P1"))
    two = folder(tmp_path / "two", odd, made)
    _, _, page, _ = run(one, two, tmp_path / "c.html", capsys)
    assert "<img" not in page and "<b>P1" not in page and "<i>C3" not in page
    assert "&lt;img src=x" in page
    assert "http" not in page.split("<body>")[1] and "src=" not in page.replace("&lt;img src", "")


def test_names_that_one_run_hides_stay_hidden(tmp_path, capsys):
    """Different people who share P01 are not taken for one, and nobody is named."""
    hiding = {"report.pseudonyms": True}
    one = folder(
        tmp_path / "one", [claim(), claim(scope="Anna")], record("Anna", **hiding),
        hidden={"Anna": "P01", "Anna_pre": "P01_pre", "Anna_post": "P01_post"},
    )  # fmt: skip
    two = folder(
        tmp_path / "two", [claim(), claim(scope="Berta")], record("Berta", **hiding),
        hidden={"Berta": "P01", "Berta_pre": "P01_pre", "Berta_post": "P01_post"},
    )  # fmt: skip
    _, said, page, table = run(one, two, tmp_path / "c.html", capsys)
    for text in (said, page, table.to_csv()):
        assert "Anna" not in text and "Berta" not in text
    assert set(table["scope"]) == {"cohort", "P01 (first)", "P01 (second)"}


@pytest.mark.parametrize("fault", ["no folder", "no claims", "columns", "json", "names", "suffix"])
def test_what_is_missing_is_said_in_one_line(tmp_path, capsys, fault):
    one, to = folder(tmp_path / "one", ONE, record("P1")), tmp_path / "c.html"
    two = tmp_path / "two"
    wanted = "claims.tsv: there is no such file. Give the outdir of a finished run."
    if fault == "no claims":
        two.mkdir()
    elif fault == "columns":
        folder(two, [{"claim": "a", "scope": "b"}])
        wanted = "the columns family, comparison, measure, direction, evidence are missing"
    elif fault == "json":
        folder(two, ONE)
        (two / "provenance.json").write_text("{")
        wanted = "provenance.json: not valid JSON"
    elif fault == "names":
        folder(two, ONE, record("P1", **{"report.pseudonyms": True}))
        wanted = "pseudonyms.tsv: the run hides names, but there is no such file"
    elif fault == "suffix":
        folder(two, ONE)
        to, wanted = tmp_path / "c.txt", "c.txt: the page is an HTML file"
    code, said, _, _ = run(one, two, to, capsys)
    assert code == 1 and wanted in said and said.count("\n") == 1 and "Traceback" not in said
    assert not to.exists()


def test_the_page_speaks_the_language_of_both_reports(tmp_path, capsys):
    chinese = {"report.language": "zh"}
    one = folder(tmp_path / "a", [claim()], record("P1", **chinese))
    two = folder(tmp_path / "b", [claim(direction="increased")], record("P1", **chinese))
    other = folder(tmp_path / "c", [claim()], record("P1"))
    assert compare_runs.main([str(one), str(two), "--to", str(tmp_path / "zh.html")]) == 0
    page = (tmp_path / "zh.html").read_text("utf-8")
    assert '<html lang="zh-CN">' in page
    assert "B 细胞占比" in page
    left = report_words.left(page, {"a", "b", "P1_pre", "P1_post", "post", "pre"})
    assert left == {}
    assert "Another verdict: 1" in capsys.readouterr().out
    assert compare_runs.main([str(one), str(other), "--to", str(tmp_path / "en.html")]) == 0
    assert '<html lang="en">' in (tmp_path / "en.html").read_text("utf-8")
