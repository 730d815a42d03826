"""What the report says of the claims since the last report of its folder."""

import json

import pytest
from unit import report_claims
from unit import report_jobs as jobs
from unit import report_tables as made
from unit.test_render_report import Page

from immune_reset import since


def edited(**values):
    """The invented claims, the first one that decreased in a patient set to `values`."""
    frames = report_claims.every_table()
    claims = frames["claims"].copy()
    here = claims.index[claims["direction"].eq("decreased") & claims["evidence"].eq("cohort")][0]
    for column, value in values.items():
        claims.loc[here, column] = value
    return frames | {"claims": claims}, claims.loc[here]


def words(html):
    text = Page(html).words()
    start = text.index("Since the last report", text.index("Claims, of the cohort"))
    start = text.index("Since the last report", start + 1)  # the first is the navigation
    return text[start : text.index("What changed", start)]


def test_the_first_report_says_that_it_is_the_first(tmp_path):
    text = Page(jobs.render(tmp_path)).words()
    assert "first report of its folder" in text and "Since the last report" not in text


def test_a_claim_is_shown_from_what_to_what_and_rendering_again_keeps_it(tmp_path):
    jobs.render(tmp_path)
    frames, row = edited(direction="no change shown")
    second = jobs.render(tmp_path, frames)
    said = words(second)
    assert "1 claim changed." in said
    assert said.count(row["comparison"].replace("_", " ")) == 1
    line = said[said.index("From To") :]
    assert line.index("decreased") < line.index("no change shown")
    assert "No setting and no sample of the sheet is another" in said
    assert jobs.render(tmp_path, frames) == second
    again = words(jobs.render(tmp_path, frames, title="Another title"))
    assert again == said


def test_other_numbers_are_no_other_verdict(tmp_path):
    jobs.render(tmp_path)
    frames, row = edited()
    frames, _ = edited(estimate=row["estimate"] * 1.01)
    said = words(jobs.render(tmp_path, frames, settings=made.SETTINGS | {"seed": 7}))
    assert "No claim changed. 1 keeps its verdict with other numbers." in said
    assert "seed: 0 → 7" in said


def test_claims_come_and_go(tmp_path):
    frames, row = edited()
    fewer = frames | {"claims": frames["claims"].drop(row.name)}
    jobs.render(tmp_path, fewer)
    assert "1 came to it." in words(jobs.render(tmp_path, frames))
    assert "1 went." in words(jobs.render(tmp_path, fewer))
    assert len(json.loads((tmp_path / "history.json").read_text())) == 2


def state(name, **settings):
    said = {"verdict": name, "said": name, "numbers": "1", "label": "l", "scope": "s"}
    return {"claims": {"a": said | {"comparison": "c"}}, "settings": settings, "samples": ["x"]}


@pytest.mark.parametrize("text", ["", "{", '{"a": 1}', "[1]"])
def test_a_history_that_cannot_be_read_is_begun_anew(text):
    assert since.remember(text, state("up")) == [state("up")]


def test_only_the_last_two_states_that_differ_are_kept():
    text = "[]"
    for name in ("up", "up", "down", "down", "up", "up"):
        text = json.dumps(since.remember(text, state(name)))
    assert [s["claims"]["a"]["said"] for s in json.loads(text)] == ["down", "up"]


def test_samples_and_settings_are_compared():
    before, after = state("up", a=1, b=2), state("up", a=1, b=3)
    after["samples"] = ["y"]
    found = since.changes([before, after])
    assert found["settings"] == [("b", 2, 3)]
    assert (found["added"], found["removed"]) == (["y"], ["x"])
    assert not found["changed"] and found["moved"] == 0
