"""The patients' pages: the ledger's order and words, the states in words, the map's blocks."""

import base64
import gzip
import json

import pandas as pd
import pytest
import yaml
from unit import report_claims
from unit import report_jobs as jobs
from unit import report_tables as made

from immune_reset import course, report_map, report_patients

CATALOGUE = yaml.safe_load((jobs.TEMPLATES / "sentences.yaml").read_text("utf-8"))
TIMES = list(made.TIMEPOINTS)


def ledger(limit=300):
    tables = made.clones(), made.clone_fates()
    return report_patients.ledger(*tables, "P2", TIMES, CATALOGUE, limit)


def test_the_ledger_holds_one_patient_tested_clones_first_and_its_fates_in_words():
    view, fates = ledger(), made.clone_fates()
    assert view["n"] == len(view["rows"]) == (made.clones()["patient"] == "P2").sum()
    assert all(row[0].startswith("P2:") for row in view["rows"])
    heads = view["headers"]
    assert heads[3:8] == [
        *["Cells, baseline", "Cells, month 1", "Cells, month 3"],
        *["Fate, month 1 vs baseline", "Fate, month 3 vs baseline"],
    ]
    tested = [set(row[6:8]) != {"too few to test"} for row in view["rows"]]
    assert tested == sorted(tested, reverse=True)
    told = fates.set_index(["clone_id", "comparison"])
    for row in view["rows"]:
        for head, word in zip(heads[6:8], row[6:8], strict=True):
            own = told.loc[(row[0], head.removeprefix("Fate, ").replace("month ", "month_"))]
            assert word == own["fate"] + (f" ({own['flag']})" if own["flag"] else "")


def test_a_cut_ledger_keeps_the_count_of_all_clones():
    view = ledger(5)
    assert (len(view["rows"]), view["n"], view["name"]) == (5, 24, "clones")


def test_states_say_what_fails_and_what_is_missing():
    head = {"patient": "P1", "timepoint": "month_3", "state": "DORIS", "limit": 0.0}
    rows = [
        head | {"component": "all", "met": "no", "value": None, "source": ""},
        head | {"component": "clinical_sledai", "met": "no", "value": 12, "source": "SLEDAI-2K"},
        head | {"component": "physician_global", "met": "not given", "value": None, "source": ""},
    ]
    cell = report_patients.state_cell(pd.DataFrame(rows), CATALOGUE["states"])
    assert cell["word"] == "not met"
    assert cell["why"].startswith("SLEDAI-2K 12, of which serology can be 4")
    rows = [rows[0] | {"met": "not computable"}, rows[2]]
    cell = report_patients.state_cell(pd.DataFrame(rows), CATALOGUE["states"])
    assert cell["why"] == "missing: physician's global assessment (0 to 3)"


def test_every_component_has_its_words():
    from immune_reset.remission import STATES

    assert set(CATALOGUE["states"]["named"]) == set(STATES)
    names = {name for parts in STATES.values() for name, *_ in parts}
    assert set(CATALOGUE["states"]["components"]) == names


@pytest.mark.parametrize("people", [("P1",), ("P1", "P2"), ("P1", "P2", "P3")])
def test_every_patient_has_a_page_and_its_claims_stand_once(people, tmp_path):
    frames = {
        name: f[f[key].isin(["cohort", *people])] if (key := _key(f)) else f
        for name, f in report_claims.every_table().items()
    }
    html = jobs.render(tmp_path, frames, design=made.design(people))
    for patient in people:
        assert html.count(f'id="patient-{patient}"') == 1
        assert html.count(f"Patient {patient}<") == (1 if len(people) > 2 else 2)
    claims = frames["claims"]
    shown = claims[claims["direction"].ne("not estimable") & claims["evidence"].ne("descriptive")]
    assert html.count('<li class="claim ') == len(shown)


def _key(frame):
    return next((c for c in ("scope", "patient") if c in frame), "")


def test_what_is_inert_cannot_end_its_block():
    text = report_map.inert({"label": '</script><script>alert("x")</script>&amp;'})
    assert "<" not in text and "&" not in text
    assert json.loads(text)["label"] == '</script><script>alert("x")</script>&amp;'


def test_the_library_comes_out_as_it_went_in():
    entry = {"names": ["a"], "codes": [0]}
    data = {"n_cells": 9, "n_drawn": 4, "cell_type": entry, "timepoint": entry, "patient": entry}
    view = report_map.view(data, b"the library", {"sentences.yaml": yaml.safe_dump(CATALOGUE)})
    assert gzip.decompress(base64.b64decode(view["library"])) == b"the library"
    assert view["counted"] == "4 of 9 cells, drawn at random."


def test_a_dose_holds_until_the_next_and_a_pulse_is_a_moment():
    columns = ["kind", "measure", "day", "value", "unit"]
    rows = [
        ("drug", "prednisone", -7.0, "20", "mg/d"),
        ("drug", "prednisone", 30.0, "0", "mg/d"),
        ("drug", "cyclophosphamide", -5.0, "500", "mg"),
        ("drug", "MMF", -30.0, "2", "g/d"),
        ("event", "CRS", 4.0, "1", "grade"),
        ("event", "ICANS", 4.0, "0", "grade"),
    ]
    found = dict(course.lanes(pd.DataFrame(rows, columns=columns), 90.0))
    assert found == {
        "prednisone": [(-7.0, 30.0, "20 mg/d")],
        "cyclophosphamide": [(-5.0, -5.0, "500 mg")],
        "MMF": [(-30.0, 90.0, "2 g/d")],
        "CRS": [(4.0, 4.0, "grade 1")],
    }
