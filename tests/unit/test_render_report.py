"""The report: numbers of the tables, nothing from outside, honest about what is missing."""

import itertools
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import yaml
from unit import report_beside, report_claims
from unit import report_jobs as jobs
from unit import report_tables as made

from immune_reset import report, report_guard, tables

VOID = {"meta", "img", "br", "input", "line", "path", "circle", "link"}


class Page(HTMLParser):
    """Collects tags, checks that they nest, and joins the text."""

    def __init__(self, html: str):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.text += " " if tag in ("td", "th", "dt", "dd", "p", "li") else ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data if self.open[-1:] not in (["script"], ["style"]) else ""

    def words(self):
        return " ".join(self.text.split())


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Two figures, one of them without anything to show."""
    folder = tmp_path_factory.mktemp("figures")
    from immune_reset import figures

    fig = figures.figure(2, 1)
    fig.subplots()
    figures.save(fig, folder / "composition.png", folder / "a.pdf", alt='Bars of "3" <patients>.')
    figures.save_note("No sample & no curve.", folder / "diversity_curves.png", folder / "b.pdf")
    return [folder / "composition.png", folder / "diversity_curves.png"]


@pytest.fixture(scope="module")
def page(tmp_path_factory, pictures):
    return Page(jobs.render(tmp_path_factory.mktemp("report"), figures=pictures))


def test_every_claim_is_in_the_report(page):
    claims, text = report_claims.claims(), page.words()
    shown = claims[claims["direction"] != "not estimable"]
    described = shown["evidence"] == "descriptive"
    assert sum(
        tag == "li" and "claim" in (a.get("class") or "").split() for tag, a in page.tags
    ) == sum(~described)
    assert text.count("SLEDAI-2K month 3 vs baseline ▽ decreased 12 lower") == 3
    for reason in claims.loc[claims["direction"] == "not estimable", "reason"].unique():
        assert reason in text
    assert "3.2-fold lower at month 1 than at baseline (95 % interval 2.1 to 4.9)" in text


def test_numbers_are_those_of_the_tables(page):
    text = page.words()
    qc = made.qc()
    for row in qc.itertuples():
        assert f"{row.sample} {row.barcodes_in:,} {row.cells_kept:,}" in text
    assert f"Cells kept {qc['cells_kept'].sum():,}" in text
    claims = report_claims.claims()
    described = claims["evidence"].eq("descriptive") & claims["direction"].ne("not estimable")
    found = claims[~described]["direction"].replace("increased", "decreased").value_counts()
    assert (
        f"{found['decreased']} show a change, {found['no change shown']} show none, "
        f"{found['not estimable']} are not estimable; {described.sum()} values described"
    ) in text


def test_nothing_is_loaded_from_outside(page):
    for tag, attributes in page.tags:
        for name in ("src", "srcset", "data", "poster"):
            assert attributes.get(name, "data:").startswith("data:"), (tag, attributes)
        assert tag not in ("link", "iframe", "object", "embed", "base")
    style = (jobs.TEMPLATES / "styles.css").read_text()
    assert "url(" not in style
    assert "@import" not in style


def test_links_lead_into_the_page_or_beside_it(page):
    ids = {a["id"] for _, a in page.tags if "id" in a}
    for tag, attributes in page.tags:
        if tag == "a":
            target = attributes["href"]
            assert target.startswith(("tables/", "figures/", "https://doi.org/", "#"))
            assert not target.startswith("#") or target[1:] in ids


def test_pictures_have_words_and_an_empty_one_is_a_sentence(page):
    images = [a for tag, a in page.tags if tag == "img"]
    assert [a["alt"] for a in images] == ['Bars of "3" <patients>.']
    assert "No sample & no curve." in page.words()


def test_headings_do_not_skip_a_level(page):
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_the_guard_stands_beside_the_claims_that_it_touches(tmp_path):
    frames = report_claims.every_table()
    rows = frames["claims"]
    touched = (rows["scope"] == "P1") & (rows["claim"] == "ifn_monocytes")
    touched &= rows["comparison"] == report_beside.MONTH_1
    frames["claims"] = rows.assign(guard=["drug" if hit else "" for hit in touched])
    html = jobs.render(tmp_path, frames)
    text = Page(html).words()
    assert html.count("Read beside it: a drug changed.") == 1 == touched.sum()
    said = "Prednisone stopped, was 20 mg/d. In 2 of 3 patients: P1, P2. Steroids lower"
    assert text.count(said) == 1
    assert text.count("and makes their evidence descriptive") == 1
    assert html.count('class="beside"') == 4  # the cohort, P1, P2, P3
    assert text.count("Your labels Tfh-like (1,200 cells) are no cell types.") == 2  # and the cells
    bare = {k: v for k, v in frames.items() if k != "design_guard"}
    assert 'class="beside"' not in jobs.render(tmp_path / "bare", bare)


def test_a_finding_that_touches_no_result_is_left_to_the_design():
    notes = report_beside.design_guard()
    views = [{"comparison": report_beside.MONTH_1, "family": "pathways", "claim": "x"}]
    shown = report_guard.beside(notes, "P1", [views[0] | {"css": "down"}])
    assert [note["check"] for note in shown] == ["drug"]
    assert report_guard.beside(notes, "P1", [views[0] | {"css": "unknown"}]) == []
    assert report_guard.beside(notes, "P1", [views[0] | {"css": "up", "family": "clones"}]) == []
    assert report_guard.beside(None, "P1", []) == []


def test_depletion_is_explained_where_it_happens_and_numbers_stand_beside_shares(page):
    text = page.words()
    # 12 % and 1.2 % before, .15 % and none after; the table's arithmetic is 2 ** .2
    said = "P1, month 1 vs baseline: B and plasma cells went from 13 % to 0.15 % of all cells"
    assert f"{said}, so by arithmetic alone every other share rises 1.15-fold." in text
    assert "T cells in number: 540 to 670 per µL." in text
    assert "Numbers are the share times the lymphocyte count" in text


def test_shared_genes_and_one_signal():
    overlap, change = report_beside.gene_set_overlap(), made.pathway_change()
    names = {claim: claim for claim in report_guard.PATHWAY_CLAIMS}
    jak = change["gene_set"].eq(made.GENE_SETS[1]) & change["cell_type"].eq("B")
    change["same_signal_as"] = ["interferon" if hit else "" for hit in jak]
    rows, words = report_guard.shared_genes(overlap, change, names)
    assert rows["n_shared"].tolist() == [60, 2]  # of 87, of 28; none and other sets left out
    assert rows["share"].tolist() == pytest.approx([60 / 87, 2 / 28])
    assert words[0].startswith("ifn_b_cells; ifn_t_cells; ifn_monocytes")
    assert words[1].startswith("jak_stat_b_cells is the same signal as interferon (")
    assert len(report_guard.shared_genes(overlap, None, names)[1]) == 1


def test_controls_have_their_section_and_only_where_there_are_any(tmp_path, page):
    assert "Did the follow-up come nearer to the range of the healthy controls?" in page.words()
    frames = {k: v for k, v in report_claims.every_table().items() if k != "reference"}
    assert "Healthy controls" not in Page(jobs.render(tmp_path, frames)).words()


def test_markup_in_values_is_shown_as_text(tmp_path):
    evil = '<script>alert("x")</script>'
    frames = report_claims.every_table()
    frames["clinical"].loc[0, "measure"] = evil
    frames["claims"].loc[0, "reason"] = evil
    frames["claims"].loc[0, "claim"] = f"clinical_{evil}"
    frames["clusters"].loc[0, "top_markers"] = evil
    html = jobs.render(tmp_path, frames, title=evil)
    page = Page(html)
    assert evil not in html
    assert html.count("<script>") == 1
    assert page.words().count("alert(") >= 5


def test_the_same_inputs_give_the_same_bytes(tmp_path, pictures):
    first, second = (jobs.render(tmp_path / turn, figures=pictures) for turn in "ab")
    assert first == second


def test_tables_without_rows(tmp_path):
    frames = {name: frame.iloc[:0] for name, frame in report_claims.every_table().items()}
    text = Page(jobs.render(tmp_path, frames)).words()
    assert "No claim could be examined" in text
    assert "There is no clinical table" in text
    assert "nan" not in text.lower().split()


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (("claims", "patients", "diversity", "clone_fates"), "repertoire only"),
        (("claims", "patients", "qc", "composition"), "no V(D)J files"),
        (("claims", "patients"), "There is no clinical table"),
    ],
)
def test_missing_pieces_are_said_in_words(kept, said, tmp_path):
    frames = {k: f for k, f in report_claims.every_table().items() if k in kept}
    assert said in Page(jobs.render(tmp_path, frames)).words()


def test_one_patient_is_told_that_it_is_no_cohort(tmp_path):
    frames = report_claims.every_table()
    frames["claims"] = frames["claims"][frames["claims"]["scope"] == "P1"]
    text = Page(jobs.render(tmp_path, frames, design=made.design(patients=("P1",)))).words()
    assert "No claim about the cohort is possible: it has 1 patient," in text
    assert "Three or more patients with a baseline" in text


def test_two_patients_that_agree_are_no_cohort_and_are_said(tmp_path):
    frames = report_claims.every_table()
    claims = frames["claims"][lambda rows: rows["scope"].isin(["P1", "P2", "cohort"])].copy()
    cohort = claims["scope"] == "cohort"
    none = {"direction": "not estimable", "evidence": "descriptive", "estimate": np.nan}
    claims.loc[cohort, list(none)] = list(none.values())
    claims.loc[cohort, ["ci_low", "ci_high"]] = np.nan
    claims.loc[cohort, "reason"] = "both patients decreased; 2 patients are estimable"
    frames["claims"] = claims
    text = Page(jobs.render(tmp_path, frames, design=made.design(patients=("P1", "P2")))).words()
    assert "▽both patients decreased, no test of the cohort both" in text
    assert "it has 2 patients, and three" in text


def test_all_not_estimable(tmp_path):
    frames = report_claims.every_table()
    none = {"direction": "not estimable", "evidence": "descriptive", "reason": "too few cells"}
    frames["claims"] = frames["claims"].assign(**none, estimate=np.nan, ci_low=np.nan)
    frames["claims"]["ci_high"] = np.nan
    text = Page(jobs.render(tmp_path, frames)).words()
    assert "0 show a change, 0 show none," in text
    assert "fewer than three patients have an estimable pair" in text


def test_many_patients_share_a_cell_at_a_glance(tmp_path):
    people = [f"P{i}" for i in range(1, 8)]
    frames = report_claims.every_table()
    rows = frames["claims"]
    own = [rows[rows["scope"] == "P1"].assign(scope=patient) for patient in people]
    frames["claims"] = pd.concat([rows[rows["scope"] == "cohort"], *own])
    text = Page(jobs.render(tmp_path, frames, design=made.design(patients=people))).words()
    assert "how many went which way" in text
    assert "▼ 7" in text


def test_gaps_of_the_design_are_remarked(tmp_path):
    design = made.design()
    design["samples"] = [r for r in design["samples"] if r["sample"] != "P3_month_3"]
    design["samples"].append(design["samples"][0] | {"sample": "P1_again"})
    text = Page(jobs.render(tmp_path, design=design)).words()
    assert "P3 has no sample at month 3." in text
    assert "P1, baseline: P1_baseline, P1_again are pooled as replicates." in text


def test_the_foot_says_what_the_run_stood_on_and_took(tmp_path):
    spent = {"rule": "load_sample", "jobs": 4, "seconds": 9.5, "longest": 3.0, "max_rss_mb": 205.6}
    record = {
        "workflow": {"commit": "abc", "dirty": True},
        "inputs": [{"path": "cohort/a.h5", "bytes": 1234567, "sha256": "c0ffee"}],
        "run": {"finished": "2026-01-01", "executor": "Slurm", "rules": [spent]},
    }
    tables.write_json(record, tmp_path / "provenance.json")
    text = jobs.render(tmp_path, provenance=str(tmp_path / "provenance.json"))
    assert "commit abc with uncommitted changes" in text
    assert "2026-01-01" not in text
    assert "<dd>Slurm</dd>" in text and "1 files, 1.2 MB" in text
    assert "cohort/a.h5" in text and "1,234,567" in text and "c0ffee" in text
    assert '<code>load_sample</code></th><td class="num">4</td><td class="num">9.5</td>' in text


def test_every_figure_has_a_caption_and_every_caption_a_figure():
    names = {path.stem.removeprefix("caption_") for path in jobs.TEMPLATES.glob("captions/*.html")}
    assert names == {name for figures in jobs.FIGURES.values() for name in figures}
    for path in jobs.TEMPLATES.glob("captions/*.html"):
        title, _, body = report.split_caption(path.read_text(encoding="utf-8"))
        assert title
        assert len(body) > 60, path.name


def test_every_figure_has_a_place_in_the_report():
    pages = "".join(path.read_text() for path in jobs.TEMPLATES.glob("section_*.html"))
    for name in (name for figures in jobs.FIGURES.values() for name in figures):
        assert f'"{name}"' in pages


def test_every_setting_that_the_templates_name_exists(root):
    """A setting that the schema does not have would stop the report."""
    schema = yaml.safe_load((root / "workflow/schemas/config.schema.yaml").read_text())
    keys = set(leaves(schema))
    asked = set()
    for path in jobs.TEMPLATES.rglob("*.html"):
        asked |= set(re.findall(r'setting[s]?[(\[]"([a-z_.]+)"', path.read_text(encoding="utf-8")))
    assert asked <= keys
    assert set(made.SETTINGS) <= keys
    with pytest.raises(KeyError, match="no_such_key"):
        report.Settings(made.SETTINGS)["qc.no_such_key"]


def leaves(schema: dict, prefix: str = ""):
    for name, part in schema["properties"].items():
        if "properties" in part:
            yield from leaves(part, f"{prefix}{name}.")
        else:
            yield prefix + name
