"""The look of the figures: palettes fixed by name, type, and files that are the same bytes twice.

Colours are chosen to stay apart under the common forms of colour blindness (Okabe & Ito 2008 and
Tol 2021, extended); no figure leaves a distinction to colour alone: shapes, labels or positions
carry it too.
"""

import base64
import logging
import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontEntry, fontManager, get_font
from matplotlib.text import Text

from immune_reset import language, pseudonyms, tables

CELL_TYPES = {
    "B": "#0072B2",
    "plasma": "#56B4E9",
    "CD4 T": "#D55E00",
    "CD8 T": "#E69F00",
    "other T": "#8C510A",
    "NK": "#009E73",
    "monocyte": "#CC79A7",
    "DC": "#6A3D9A",
    "progenitor": "#7A9A01",
    "platelet": "#D8C100",
    "erythroid": "#882255",
    "unassigned": "#B0B0B0",
}
FATES = {
    "eradicated": "#0072B2",
    "below detection": "#9CCBE8",
    "contracted": "#009E73",
    "stable": "#B0B0B0",
    "expanded": "#D55E00",
    "returned": "#882255",
    "new": "#E69F00",
    "too few to test": "#E6E6E6",
}
LOSSES = {
    "low_counts": "#0072B2",
    "low_genes": "#56B4E9",
    "high_counts": "#882255",
    "high_genes": "#CC79A7",
    "high_mt": "#D55E00",
    "doublet_expression": "#E69F00",
    "doublet_receptors": "#8C510A",
}
OTHERS = ("#332288", "#117733", "#44AA99", "#AA4499", "#999933", "#661100", "#6699CC", "#888888")
PATIENTS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#555555")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")
INK, GREY, FAINT = "#1F2430", "#6B7280", "#D5D9E0"
DPI = 150
LATIN = "DejaVu Sans"

STYLE = {
    "font.family": LATIN,
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.axisbelow": True,
    "grid.color": "#E6E9EE",
    "grid.linewidth": 0.8,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "immune_reset",
    "figure.dpi": DPI,
}
matplotlib.rcParams.update(STYLE)
logging.getLogger("fontTools").setLevel(logging.WARNING)


def figure(width: float, height: float) -> Figure:
    """Return an empty figure of that size (inches) in the project's style."""
    matplotlib.rcParams["font.family"] = [LATIN, *_families()]
    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def save(
    fig: Figure, png: str | Path, pdf: str | Path, *, alt: str, empty: str | None = None
) -> None:
    """Write `fig` as PNG (150 dpi) and as PDF with editable text, the same bytes each time.

    `alt`, what the figure shows in a sentence, travels in the PNG's text key "Description";
    `empty`, why there is nothing to show, in "Comment": the report prints that instead.
    """
    show_words(fig)
    alt, empty = shown(alt), shown(empty or "")
    texts = {"Software": None, "Description": alt} | ({"Comment": empty} if empty else {})
    plain = {"CreationDate": None, "ModDate": None, "Producer": None, "Creator": None}
    # each canvas draws once; Figure.savefig draws twice, to lay out anew
    with tables.whole(png) as partial:
        FigureCanvasAgg(fig).print_png(partial, metadata=texts)
    fig.set_layout_engine("none")  # laid out for the PNG
    with tables.whole(pdf) as partial:
        FigureCanvasPdf(fig).print_pdf(partial, metadata=plain | {"Subject": alt})


def shown(text: str) -> str:
    """Return a text as it is shown: names hidden, in the language of the report."""
    return language.said(pseudonyms.hidden(text))


def show_words(fig: Figure) -> None:
    """Put every text of a figure as it is shown: see `shown`."""
    if not pseudonyms.any_in_use() and language.code() == language.ENGLISH:
        return
    for axis in (axis for axes in fig.axes for axis in (axes.xaxis, axes.yaxis)):
        form = axis.get_major_formatter()  # whatever its kind: its labels are made when drawn
        form.format_ticks = _showing(form.format_ticks)
    bold = _bold_letters()
    for text in fig.findobj(Text):
        if (words := shown(text.get_text())) != text.get_text():
            text.set_text(words)
        if bold and text.get_fontweight() == "bold" and language.lacking(words, bold):
            text.set_fontweight("normal")  # a user's own words, in one weight at least


def _showing(labels: Callable[[Sequence[float]], list[str]]) -> Callable:
    return lambda values: [shown(str(label)) for label in labels(values)]


def _families() -> list[str]:
    """Return the family of the language's own fonts, known to matplotlib from here on."""
    own = f"letters of {language.code()}"
    for path in _font_files():
        entry = FontEntry(fname=path, name=own, weight="bold" if _is_bold(path) else "normal")
        if entry not in fontManager.ttflist:
            fontManager.ttflist.append(entry)
    return [own] if language.fonts() else []


def _font_files() -> list[str]:
    return [_unpacked(str(path)) for path in language.fonts()]


@cache
def _unpacked(path: str) -> str:
    """Return a font that is shipped as base64 as a file, which lasts as long as the process."""
    place = Path(_unpacked_fonts().name) / Path(path).stem
    place.write_bytes(base64.b64decode(Path(path).read_bytes()))
    return str(place)


@cache
def _unpacked_fonts() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="fonts")


def _is_bold(path: str) -> bool:
    return "bold" in Path(path).name.lower()


def _bold_letters() -> set[int]:
    """Return the letters of the language's bold font, which has not all of the regular one."""
    bold = [path for path in _font_files() if _is_bold(path)]
    return {letter for path in bold for letter in get_font(path).get_charmap()}


def save_note(reason: str, png: str | Path, pdf: str | Path) -> None:
    """Write a figure that holds only the sentence why there is nothing to draw."""
    fig = figure(7, 1.2)
    words = language.folded(shown(reason), 80)
    fig.text(0.02, 0.5, words, va="center", fontsize=10, color=INK, wrap=True)
    save(fig, png, pdf, alt=reason, empty=reason)


def cell_type_colors(labels: Iterable[str]) -> dict[str, str]:
    """Return {label: colour} in the order of drawing; a user's own labels follow, sorted."""
    present = set(labels)
    own = sorted(present - set(CELL_TYPES))
    known = {name: color for name, color in CELL_TYPES.items() if name in present}
    return known | {name: OTHERS[i % len(OTHERS)] for i, name in enumerate(own)}


def timepoint_colors(timepoints: Sequence[str]) -> dict[str, str]:
    """Return {timepoint: colour}, dark to light in time order (viridis without its yellow)."""
    last = max(len(timepoints) - 1, 1)
    scale = colormaps["viridis"]
    return {name: to_hex(scale(0.78 * i / last)) for i, name in enumerate(timepoints)}


def patient_colors(patients: Sequence[str]) -> dict[str, str]:
    """Return {patient: colour}: eight that stay apart, beyond eight a scale."""
    if len(patients) <= len(PATIENTS):
        return dict(zip(patients, PATIENTS, strict=False))
    scale = colormaps["turbo"]
    last = len(patients) - 1
    return {name: to_hex(scale(0.05 + 0.9 * i / last)) for i, name in enumerate(patients)}


def markers(names: Sequence[str]) -> dict[str, str]:
    """Return {name: marker shape}, so that colour never stands alone."""
    return {name: MARKERS[i % len(MARKERS)] for i, name in enumerate(names)}


def spoken(name: str) -> str:
    """Return a name of the sheet as it is read, in the report's language: "month 1"."""
    return language.said(str(name).replace("_", " "))


def text_on(color: str) -> str:
    """Return the text colour, ink or white, that reads better on a fill (WCAG luminance)."""
    linear = [((v + 0.055) / 1.055) ** 2.4 if v > 0.04045 else v / 12.92 for v in to_rgb(color)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return INK if (luminance + 0.05) / 0.065 > 1.05 / (luminance + 0.05) else "white"
