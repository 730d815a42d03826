"""DORIS remission and LLDAS by their published limits; what is missing is not guessed."""

import pandas as pd
import pytest

from immune_reset.remission import disease_states

SAMPLES = pd.DataFrame({"patient": ["A"], "timepoint": ["m3"], "day": [90.0]})
COLUMNS = ["patient", "day", "kind", "measure", "value", "unit", "timepoint", "days_from_sample"]


def states(**measures):
    """Return {state: met} with these measures on day 90, and prednisone from day -7 on."""
    given = [("A", -7.0, "drug", "prednisone", "20", "mg/d", "", float("nan"))]
    dose = measures.pop("prednisone", "5")
    given += [("A", 30.0, "drug", "prednisone", dose, "mg/d", "", float("nan"))] if dose else []
    given += [
        ("A", 90.0, "measure", name.replace("__", "-"), str(value), "", "m3", 0.0)
        for name, value in measures.items()
    ]
    table = disease_states(pd.DataFrame(given, columns=COLUMNS), SAMPLES)
    return table[table["component"] == "all"].set_index("state")["met"].to_dict(), table


@pytest.mark.parametrize(
    ("measures", "met"),
    [
        ({"clinical_SLEDAI__2K": 0, "PGA": 0.4}, "yes"),
        ({"clinical_SLEDAI__2K": 0, "PGA": 0.5}, "no"),  # below 0.5, not at most
        ({"clinical_SLEDAI__2K": 1, "PGA": 0.4}, "no"),
        ({"clinical_SLEDAI__2K": 0, "PGA": 0.4, "prednisone": "5.5"}, "no"),
        ({"SLEDAI__2K": 0, "PhGA": 0}, "yes"),  # the whole score 0 leaves no clinical part
        ({"SLEDAI__2K": 4, "PGA": 0.4}, "not computable"),  # may be serology alone
        ({"SLEDAI__2K": 5, "PGA": 0.4}, "no"),  # serology gives at most 4
        ({"clinical_SLEDAI__2K": 0}, "not computable"),
        ({"clinical_SLEDAI__2K": 0, "PGA": 40}, "not computable"),  # another scale
        ({"clinical_SLEDAI__2K": 2}, "no"),  # one failed component is enough
    ],
)
def test_doris(measures, met):
    assert states(**measures)[0]["DORIS"] == met


@pytest.mark.parametrize(
    ("measures", "met"),
    [
        ({"SLEDAI__2K": 4, "PGA": 1, "major_organ_activity": 0, "new_activity": 0}, "yes"),
        ({"SLEDAI__2K": 4, "PGA": 1.1, "major_organ_activity": 0, "new_activity": 0}, "no"),
        ({"SLEDAI__2K": 4, "PGA": 1, "major_organ_activity": 1, "new_activity": 0}, "no"),
        ({"SLEDAI__2K": 5, "PGA": 1}, "no"),
        ({"SLEDAI__2K": 4, "PGA": 1}, "not computable"),
        ({"SLEDAI__2K": 0, "PGA": 1, "prednisone": "7.5"}, "yes"),
        ({"SLEDAI__2K": 0, "PGA": 1, "prednisone": "8"}, "no"),
    ],
)
def test_lldas(measures, met):
    assert states(**measures)[0]["LLDAS"] == met


@pytest.mark.parametrize(
    ("rows", "met"),
    [
        ([("prednisone", "0", "mg/d")], "yes"),
        ([("prednisone", "stopped", "")], "yes"),
        ([("prednisone", "40", "mg/week")], "not given"),
        ([("prednisone", "5", "mg/d"), ("dexamethasone", "4", "mg/d")], "not given"),
        ([("prednisone", "5", "mg/d"), ("dexamethasone", "0", "mg/d")], "yes"),
        ([("prednisone", "given", "")], "not given"),
        ([], "not given"),
    ],
)
def test_the_dose_of_the_day(rows, met):
    given = [("A", 0.0, "drug", *row, "", float("nan")) for row in rows]
    given += [("A", 91.0, "drug", "prednisone", "60", "mg/d", "m3", 1.0)]  # after the sample
    table = disease_states(pd.DataFrame(given, columns=COLUMNS), SAMPLES)
    own = table[(table["state"] == "DORIS") & (table["component"] == "prednisone")]
    assert own["met"].item() == met


def test_the_components_say_what_they_stand_on():
    table = states(SLEDAI__2K=12)[1]
    own = table[table["state"] == "DORIS"].set_index("component")
    assert own.loc["clinical_sledai", ["met", "value", "limit", "source"]].tolist() == [
        *["no", 12.0, 0.0, "SLEDAI-2K"]
    ]
    assert own.loc["physician_global", "met"] == "not given"


def test_without_clinical_rows_nothing_is_said():
    assert disease_states(pd.DataFrame(columns=COLUMNS), SAMPLES).empty
