"""The common look: palettes fixed by name, and files that are the same bytes twice."""

import pytest
from PIL import Image

from immune_reset import figures


def test_every_colour_of_a_palette_is_its_own():
    for palette in (figures.CELL_TYPES, figures.FATES, figures.LOSSES):
        assert len(set(palette.values())) == len(palette)


def test_a_cell_type_keeps_its_colour_whatever_else_is_there():
    few = figures.cell_type_colors(["NK", "B"])
    many = figures.cell_type_colors(["my type", *figures.CELL_TYPES])
    assert few == {"B": figures.CELL_TYPES["B"], "NK": figures.CELL_TYPES["NK"]}
    assert list(many)[-1] == "my type"
    assert {name: many[name] for name in few} == few


def test_timepoints_run_from_dark_to_light():
    colors = figures.timepoint_colors(["before", "month_1", "month_3", "year_1"])
    light = [sum(int(c[i : i + 2], 16) for i in (1, 3, 5)) for c in colors.values()]
    assert light == sorted(light)


@pytest.mark.parametrize("n", [1, 8, 40])
def test_patients_have_colours_of_their_own(n):
    colors = figures.patient_colors([f"P{i}" for i in range(n)])
    assert len(set(colors.values())) == n


def test_text_on_a_fill_has_the_better_contrast():
    assert figures.text_on("#000000") == "white"
    assert figures.text_on("#ffffff") == figures.INK
    assert figures.text_on("#F0E442") == figures.INK


def test_a_figure_written_twice_is_the_same_bytes(tmp_path):
    for turn in "ab":
        fig = figures.figure(3, 2)
        fig.subplots().plot([1, 2], [3, 4])
        figures.save(fig, tmp_path / f"{turn}.png", tmp_path / f"{turn}.pdf", alt="a line")
    for kind in ("png", "pdf"):
        first, second = (tmp_path / f"{turn}.{kind}" for turn in "ab")
        assert first.read_bytes() == second.read_bytes()


def test_the_picture_carries_its_words(tmp_path):
    figures.save_note("No cell was scored.", tmp_path / "a.png", tmp_path / "a.pdf")
    with Image.open(tmp_path / "a.png") as image:
        assert image.text["Comment"] == image.text["Description"] == "No cell was scored."


def test_text_in_a_pdf_stays_text(tmp_path):
    figures.save_note("No cell was scored.", tmp_path / "a.png", tmp_path / "a.pdf")
    content = (tmp_path / "a.pdf").read_bytes()
    assert b"/CIDFontType2" in content  # TrueType, not Type 3 outlines
    assert b"/CreationDate" not in content
