"""The figures in Chinese: no English word is left, no character is missing, the PDF stays text."""

import ast
import base64
import io
import re
import zlib
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from fontTools.ttLib import TTFont
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from unit import report_jobs as jobs
from unit import report_tables as made

import plot_composition
import plot_pathways
import plot_repertoire
from immune_reset import course, figures, language, panels, runtime

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "workflow" / "scripts"
CATALOGUE = language.load((jobs.TEMPLATES / "languages/zh.yaml").read_text("utf-8"))
# the same in both languages: genes, receptors, units and methods
NAMES = re.compile(
    "BCR|TCR|CAR|CD3|CD4|CD8|NK|T|B|CDR3|V|IGH[MDGAE]?|TRB|(IG|TR)[HKLAB][VDJ][0-9]+|ISG28|JAK|STAT"
    "|STAT3|IL6|I|UMI|UMAP|AUCell|D1|log2|n|m|contig|dsDNA"
)
# what the invented cohort calls its people, samples, measures, drugs and units
OWN = {row[key] for row in made.design()["samples"] for key in ("patient", "sample")}
OWN |= {str(name).replace("_", " ") for name in made.clinical()[["measure", "unit"]].stack()}
OWN |= set(made.clinical()["measure"]) - {""}


@pytest.fixture(autouse=True)
def english_again():
    yield
    language.use("en", None)


def english(text: str, own: set[str]) -> list[str]:
    """Return the words of a text that are neither Chinese, nor a name, nor the user's own."""
    for word in sorted(own, key=len, reverse=True):
        text = text.replace(word, " ") if word else text
    words = re.findall(r"[A-Za-z][A-Za-z0-9]*", text)
    return [word for word in words if not NAMES.fullmatch(word)]


def drawn(script: str, folder: Path, monkeypatch, **how) -> list[str]:
    """Return every text of the figures of a plot rule in Chinese, and their alt texts."""
    texts = []

    def save(fig, *paths, alt, empty=""):
        figures.show_words(fig)
        fig.draw_without_rendering()  # the labels of ticks are made here
        texts.extend(t.get_text() for t in fig.findobj(Text) if t.get_visible())
        texts.extend([figures.shown(alt), figures.shown(empty)])

    monkeypatch.setattr(figures, "save", save)
    jobs.draw(script, folder, language="zh", **how)
    return [text for text in texts if text]


@pytest.mark.parametrize("empty", [False, True], ids=["full", "empty"])
@pytest.mark.parametrize("script", jobs.FIGURES)
def test_no_english_word_is_left(script, empty, tmp_path, monkeypatch):
    if script == "plot_cells" and empty:
        return
    texts = drawn(script, tmp_path, monkeypatch, empty=empty)
    assert any("\u4e00" <= sign <= "\u9fff" for text in texts for sign in text)
    left = {text: found for text in texts if (found := english(text, OWN))}
    assert not left


# what is no text of a figure: places and styles of matplotlib, values of tables that are compared,
# a title that is drawn in two parts
OTHERS = {
    *("axes fraction", "offset points", "outside lower center", "center left", "cells of type "),
    *("not scorable", "at least", "drugs, events (bars, ★)"),
}


def spelled(path: Path) -> list[str]:
    """Return the texts of several words in a script, "7" in place of what is filled in."""
    tree = ast.parse(path.read_text("utf-8"))
    aside = {
        id(n)
        for raised in ast.walk(tree)
        if isinstance(raised, ast.Raise)
        for n in ast.walk(raised)
    }
    aside |= {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}  # docstrings
    found = []
    for node in ast.walk(tree):
        if id(node) in aside:
            continue
        if isinstance(node, ast.JoinedStr):
            aside |= {id(part) for part in ast.walk(node)}
            found.append(
                "".join(
                    getattr(part, "value", "7") if isinstance(part, ast.Constant) else "7"
                    for part in node.values
                )
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
    return [text for text in found if re.search(r"[A-Za-z,:%] +\S*[a-z]{2}", text)]


@pytest.mark.parametrize(
    "path",
    [*sorted(SCRIPTS.glob("plot_*.py")), Path(panels.__file__), Path(course.__file__)],
    ids=lambda path: path.stem,
)
def test_every_text_in_a_script_is_in_the_catalogue(path):
    """Also those that the invented cohort does not lead to."""
    language.use("zh", CATALOGUE)
    left = {text for text in spelled(path) if english(language.said(text), {"tables/clinical.tsv"})}
    assert left - OTHERS == set()


def test_every_word_of_a_palette_is_in_the_catalogue():
    """Types, fates, losses and classes, whether or not the invented cohort has them."""
    language.use("zh", CATALOGUE)
    words = {*figures.CELL_TYPES, *figures.FATES, *plot_composition.SUBSETS, "plasmablast", "CAR T"}
    words |= {name.replace("_", " ") for name in figures.LOSSES}
    words |= set(plot_repertoire.CLASS_WORDS.values())
    words |= {*plot_pathways.SHOWN.values(), *plot_pathways.POOLED.values()}
    assert not [word for word in words if language.said(word) == word]


@pytest.mark.parametrize("path", jobs.FONTS, ids=lambda path: path.stem)
def test_the_fonts_have_every_character_of_the_catalogue(path):
    have = set(TTFont(io.BytesIO(base64.b64decode(path.read_bytes()))).getBestCmap())
    texts = [text for part in CATALOGUE.values() for text in part.values()]
    missing = {sign for text in texts for sign in text if ord(sign) > 0x2E00} - set(map(chr, have))
    assert not missing, "run resources/fonts/subset.py, see resources/fonts/README.md"


def test_words_of_the_user_that_the_bold_font_lacks_are_drawn_all_the_same(tmp_path):
    """In one weight within a text; a missing glyph would be a warning, and that an error."""
    language.use("zh", CATALOGUE, jobs.FONTS)
    fig = figures.figure(3, 2)
    titles = [ax.set_title(words) for ax, words in zip(fig.subplots(2), ("甘蔗", "B"), strict=True)]
    figures.save(fig, tmp_path / "a.png", tmp_path / "a.pdf", alt="甘蔗")
    assert [title.get_fontweight() for title in titles] == ["normal", "bold"]


def test_chinese_in_a_pdf_stays_text(tmp_path):
    """TrueType fonts, and the characters that their codes stand for."""
    language.use("zh", CATALOGUE, jobs.FONTS)
    figures.save_note("No clone was found in any sample.", tmp_path / "a.png", tmp_path / "a.pdf")
    content = (tmp_path / "a.pdf").read_bytes()
    fonts = [part for part in content.split(b"endobj") if b"+NotoSansSC-Regular" in part]
    assert any(b"/CIDFontType2" in part for part in fonts)
    parts = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.S)
    maps = b"".join(zlib.decompress(part) for part in parts if part[:1] == b"x")
    known = {int(code, 16) for code in re.findall(rb"<([0-9a-f]{4})>", maps)}
    assert {ord(sign) for sign in "所有样本中均未发现克隆"} <= known


def test_english_needs_neither_catalogue_nor_fonts(tmp_path):
    """Drawn after Chinese in one process, an English figure has the bytes that it had before."""
    first = jobs.draw("plot_isotypes", tmp_path / "a")
    jobs.draw("plot_isotypes", tmp_path / "b", language="zh")
    again = jobs.draw("plot_isotypes", tmp_path / "c")
    for path in first.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes(), path.name


def test_chinese_labels_have_room():
    """Widths are reckoned by what is shown: a Chinese character is wider than a letter."""
    language.use("zh", CATALOGUE, jobs.FONTS)
    times = ["before", *(f"month_{n}" for n in (1, 2, 3, 6, 12))]
    for columns in (1, 2, 3):
        fig, axes = panels.grid(columns, columns=columns, width=3.1, height=2.0)
        names = [*plot_composition.SUBSETS, "doublet receptors"]
        panels.patch_legend(fig, dict.fromkeys(names, "#000000"))
        for ax in axes:
            panels.time_ticks(ax, times)
            ax.set_xlim(-0.5, len(times) - 0.5)
        figures.show_words(fig)
        canvas = FigureCanvasAgg(fig)
        canvas.draw()
        labels = axes[0].get_xticklabels()
        assert labels[1].get_text() == "第 1 个月"
        boxes = [label.get_window_extent(canvas.get_renderer()) for label in labels]
        slanted = labels[0].get_rotation() > 0
        assert slanted or all(a.x1 < b.x0 for a, b in pairwise(boxes))
        box = fig.legends[0].get_window_extent(canvas.get_renderer())
        assert box.x0 >= 0 and box.x1 <= fig.bbox.width


def test_a_patient_keeps_a_name_that_is_a_word():
    """DC may be initials: in that cohort it is no cell type."""
    files = SimpleNamespace(languages=jobs.TEMPLATES / "languages/zh.yaml", fonts=jobs.FONTS)
    params = SimpleNamespace(
        cfg={"report.language": "zh"}, design=made.design(patients=("P1", "DC"))
    )
    runtime.start(SimpleNamespace(log=[], input=files, params=params))
    assert [language.said(name) for name in ("DC", "NK")] == ["DC", "NK 细胞"]
