"""The interactive map of the report: its cells, its words, and the library that draws it.

The library (plotly.js, MIT licence) lies gzipped in a block that no browser runs by itself, so that
it costs nothing before the reader opens the map.
"""

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from immune_reset import figures, report

SAID = ("cell_type", "cell_subtype", "timepoint", "fate")
"""Parts of the map whose names are words."""


def view(
    data: Mapping[str, Any] | None, library: bytes, texts: Mapping[str, str]
) -> dict[str, Any] | None:
    """Return the map's blocks for the template: words, cells (JSON) and library (base64).

    `data`: what `thin_cells` wrote, None where there is no map; `library`: plotly.min.js;
    `texts`: the report's files, of which sentences.yaml has the words.
    """
    if not data:
        return None
    words = report.catalogue(texts["sentences.yaml"])["map"]
    times, people = data["timepoint"]["names"], data["patient"]["names"]
    words["palette"] = [*figures.PATIENTS, *figures.OTHERS]
    words["colors"] = {
        "cell_type": figures.cell_type_colors(data["cell_type"]["names"]),
        "timepoint": figures.timepoint_colors(times),
        "patient": figures.patient_colors(sorted(people)),
        "fate": figures.FATES,
    }
    words["colors"] = {
        key: {_shown(name): color for name, color in colors.items()}
        for key, colors in words["colors"].items()
    }
    named = {k: part for k, part in data.items() if k in SAID and isinstance(part, Mapping)}
    data = data | {
        k: part | {"names": list(map(_shown, part["names"]))} for k, part in named.items()
    }
    counts = {"drawn": f"{data['n_drawn']:,}", "cells": f"{data['n_cells']:,}"}
    whole = data["n_drawn"] == data["n_cells"]
    return {
        "words": inert(words),
        "text": words,
        "counted": words["whole" if whole else "thinned"].format(**counts),
        "cells": inert(data),
        "library": base64.b64encode(gzip.compress(library, 9, mtime=0)).decode("ascii"),
    }


def _shown(name: str) -> str:
    words = figures.spoken(name)  # the page itself speaks names that stay as they are
    return name if words == name.replace("_", " ") else words


def inert(data: Mapping[str, Any] | Sequence[Any]) -> Markup:
    """Return JSON that cannot end the script block that it stands in."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return Markup(text.replace("<", "\\u003c").replace("&", "\\u0026"))
