"""Pseudonyms: whole words alone, everywhere the report shows a name, and nowhere else."""

import re
from types import SimpleNamespace

import pandas as pd
import pytest
from matplotlib.text import Text
from unit import report_jobs as jobs
from unit import report_tables as made

from immune_reset import figures, pseudonyms
from immune_reset.errors import InputError

REAL = ("meyer", "okafor", "silva")


@pytest.fixture
def design():
    """Three patients whose names are names, and the pseudonyms of their design."""
    plan = made.design(REAL)
    yield plan | {pseudonyms.KEY: pseudonyms.names(plan)}
    pseudonyms.use(None)


def test_patients_and_samples_have_their_pseudonyms(design):
    found = design[pseudonyms.KEY]
    assert [found[name] for name in REAL] == ["P01", "P02", "P03"]
    assert found["okafor_month_1"] == "P02_month_1"


def test_replicates_are_numbered():
    rows = [{"sample": f"s{i}x", "patient": "meyer", "timepoint": "pre"} for i in (1, 2)]
    found = pseudonyms.names({"samples": rows, "timepoints": ["pre"]})
    assert found == {"meyer": "P01", "s1x": "P01_pre", "s2x": "P01_pre_2"}


def test_whole_words_alone_are_replaced(design):
    pseudonyms.use(design)
    text = "meyer:BCR:1, okafor_month_3; silvan meyers (silva)"
    assert pseudonyms.hidden(text) == "P01:BCR:1, P02_month_3; silvan meyers (P03)"
    frame = pd.DataFrame({"patient": ["meyer"], "n": [3]})
    assert pseudonyms.hide(frame).to_dict("list") == {"patient": ["P01"], "n": [3]}
    assert pseudonyms.hide({"meyer": ["silva", 1]}) == {"P01": ["P03", 1]}
    pseudonyms.use({"samples": []})
    assert pseudonyms.hidden(text) == text


@pytest.mark.parametrize("name", ["7", "B", "month_1", "2024"])
def test_a_name_that_is_no_name_is_refused(name):
    with pytest.raises(InputError, match="cannot be told"):
        pseudonyms.names(made.design((name, "meyer")))


@pytest.mark.parametrize(
    ("given", "said"),
    [({"meyer": "A1"}, "has no pseudonym"), (dict.fromkeys(REAL, "A1"), "the same pseudonym")],
)
def test_an_own_table_is_checked(given, said):
    with pytest.raises(InputError, match=said):
        pseudonyms.names(made.design(REAL), given)


@pytest.mark.parametrize("script", sorted(jobs.FIGURES))
def test_no_figure_shows_a_name(script, design, tmp_path, monkeypatch):
    """The tables hold P1 to P3: these are the names here, hidden as X1 to X3."""
    plan = made.design()
    plan |= {pseudonyms.KEY: pseudonyms.names(plan, {"P1": "X1", "P2": "X2", "P3": "X3"})}
    shown, alts = [], []

    def print_png(self, path, *, metadata):
        written(self, path, metadata=metadata)  # tick labels are made when drawn
        shown.extend(t.get_text() for t in self.figure.findobj(Text) if t.get_visible())
        alts.append(str(metadata))

    written = figures.FigureCanvasAgg.print_png
    monkeypatch.setattr(figures.FigureCanvasAgg, "print_png", print_png)
    jobs.draw(script, tmp_path, design=plan)
    words = " ".join(shown + alts)
    assert re.search(r"\bX[123]", words)
    assert not re.search(r"\bP[123](_|\b)", words)


def test_the_report_shows_no_name_and_its_table_tells_them(design, tmp_path):
    plan = made.design()
    plan |= {pseudonyms.KEY: pseudonyms.names(plan, {"P1": "X1", "P2": "X2", "P3": "X3"})}
    html = jobs.render(tmp_path, design=plan, pseudonyms=True)
    assert "Patient X2" in html
    assert not re.search(r"(?<![A-Za-z0-9])P[123](?![A-Za-z0-9])", html)
    told = pd.read_csv(tmp_path / "pseudonyms.tsv", sep="\t").set_index("name")["pseudonym"]
    assert told["P2"] == "X2" and told["P2_month_1"] == "X2_month_1"


def test_a_job_without_a_design_has_none():
    pseudonyms.use(SimpleNamespace())
    assert pseudonyms.hidden("meyer") == "meyer"
