"""All plot rules: every output written, legible, the same twice, and honest about empty tables."""

import pytest
from matplotlib.text import Text
from PIL import Image
from unit import report_jobs as jobs
from unit import report_tables as made

from immune_reset import figures

EMPTY = [script for script in jobs.FIGURES if script != "plot_cells"]


@pytest.mark.parametrize("script", jobs.FIGURES)
def test_every_figure_is_drawn_legibly_and_told_in_words(script, tmp_path, monkeypatch):
    sizes = []

    def save(fig, *paths, **words):
        written(fig, *paths, **words)
        texts = [t for t in fig.findobj(Text) if t.get_visible() and t.get_text()]
        sizes.append(min(t.get_fontsize() for t in texts))

    written = figures.save
    monkeypatch.setattr(figures, "save", save)
    folder = jobs.draw(script, tmp_path)
    assert len(sizes) == len(jobs.FIGURES[script])
    assert min(sizes) >= 8
    for name in jobs.FIGURES[script]:
        with Image.open(folder / f"{name}.png") as image:
            assert "Comment" not in image.text
            assert len(image.text["Description"]) > 20
        assert (folder / f"{name}.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("script", EMPTY)
def test_empty_tables_give_a_sentence(script, tmp_path):
    folder = jobs.draw(script, tmp_path, empty=True)
    for name in jobs.FIGURES[script]:
        with Image.open(folder / f"{name}.png") as image:
            assert image.text["Comment"].endswith(".")


@pytest.mark.parametrize("script", ["plot_cells", "plot_diversity"])
def test_drawn_twice_is_the_same_bytes(script, tmp_path):
    first, second = (jobs.draw(script, tmp_path / turn) for turn in "ab")
    for path in sorted(first.iterdir()):
        assert path.read_bytes() == (second / path.name).read_bytes(), path.name


@pytest.mark.parametrize("script", ["plot_clones", "plot_clinical"])
def test_one_patient_is_a_normal_case(script, tmp_path):
    """Rows of other patients are in the tables all the same: only the design's are drawn."""
    design = made.design(patients=("P1",))
    folder = jobs.draw(script, tmp_path, design=design)
    assert len(list(folder.glob("*.png"))) == len(jobs.FIGURES[script])
