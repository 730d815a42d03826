"""The report as one file: pictures and styles inside it, templates filled and escaped.

Templates, styles, captions and sentences are files of workflow/report; this module takes their
texts, never their paths.
"""

import base64
import io
import re
from collections.abc import Mapping
from typing import Any

import yaml
from jinja2 import DictLoader, Environment, StrictUndefined
from jinja2.ext import Extension
from markupsafe import Markup
from PIL import Image

from immune_reset import language, typeset, wording
from immune_reset.figures import spoken
from immune_reset.language import said

NEEDS = {"clinical": "clinical", "diversity": "vdj"}  # tables that not every cohort has
NEEDS |= dict.fromkeys(["composition", "car_cells", "pathway_scores"], "gex")
MARKED = re.compile(r"\{% trans %\}(.*?)\{% endtrans %\}", re.DOTALL)
UNSAID = ("short", "symbol", "hollow", "doi", "implied", "said_once", "said_first")
"""Keys of sentences.yaml that no reader sees."""
SCREEN = 0.74  # pixels on screen per pixel of a figure: its type then has the size of captions


class Translated(Extension):
    """Puts the report's language into templates: what stands in {% trans %} is looked up whole.

    The source is looked up, with its fields and conditions, so that a translation is free to order
    them otherwise.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Return the source of a template with its marked parts translated."""
        return translated(source)


def translated(source: str) -> str:
    """Return a text with the parts between {% trans %} and {% endtrans %} translated."""
    return MARKED.sub(lambda match: said(match[1]), source)


class Settings(dict):
    """The run's settings; asking for one that does not exist names it."""

    def __missing__(self, key: str) -> Any:
        """Raise, naming the key: a template that asks for it would print nothing."""
        raise KeyError(f"the report's templates ask for the setting {key!r}, which does not exist")


def picture(name: str, content: bytes, caption: Mapping[str, Any]) -> dict[str, Any]:
    """Return the view of a figure from its PNG: data address, size, alternative text, caption.

    `empty` is the sentence why there is nothing to show, where the figure holds nothing else.
    """
    with Image.open(io.BytesIO(content)) as image:
        width, height, texts = *image.size, image.info  # .text would decode the picture
    data = base64.b64encode(content).decode("ascii")
    return {
        "name": name,
        "src": f"data:image/png;base64,{data}",
        "width": round(width * SCREEN),
        "height": round(height * SCREEN),
        "alt": texts.get("Description", name),
        "empty": texts.get("Comment", ""),
        **caption,
    }


def split_caption(text: str) -> tuple[str, list[str], str]:
    """Return title, names of the tables behind the figure, and body of a caption file.

    The file reads: a line with the title, a line ``tables: a, b`` (may be empty), a line ``---``
    and the body, a Jinja template of HTML.
    """
    head, _, body = text.partition("\n---\n")
    title, _, tables = head.partition("\n")
    names = [name.strip() for name in tables.removeprefix("tables:").split(",")]
    return title.strip(), [name for name in names if name], body.strip()


def environment(templates: Mapping[str, str]) -> Environment:
    """Return the template environment: everything escaped, a missing name is an error."""
    made = Environment(
        loader=DictLoader(dict(templates)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[Translated],
    )
    made.filters |= {
        "number": wording.number,
        "percent": wording.percent,
        "said": said,
        "spoken": spoken,
        "setting": shown_setting,
        "sentence": as_sentence,
        "breadth": typeset.breadth,
        "tied": lambda text: re.sub(r"(?<=\d) (?=%)", "\u00a0", text),
        "day": lambda value: f"{float(value):g}".replace("-", "−"),
        "count": lambda value: f"{int(value):,}",
    }
    return made


def as_sentence(text: str) -> str:
    """Return a remark with a capital and a full stop."""
    text = said(text)
    start = text[:1] if text[1:2] == " " else text[:1].upper()  # "m = 20" keeps its m
    return f"{start}{text[1:].rstrip('.。')}{said('.')}" if text else ""


def setting_text(value: Any) -> str:
    """Return a setting as it is read: lists with commas, null as "not set", true as "yes"."""
    if value is None or value == []:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def shown_setting(value: Any) -> str:
    """Return a setting as the report prints it; a word that the user gave stays as it is."""
    text = setting_text(value)
    return said(text) if isinstance(value, bool) or value in (None, []) else text


def captions_of(
    made: Environment, texts: Mapping[str, str], context: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return {figure: {title, tables, caption}} with the settings filled in."""
    views = {}
    for name, text in texts.items():
        title, tables, body = split_caption(text)
        filled = Markup(made.from_string(said(body)).render(context))
        tables = [t for t in tables if context["has"].get(NEEDS.get(t, ""), True)]
        views[name] = {"title": said(title), "tables": tables, "caption": filled}
    return views


def render(
    templates: Mapping[str, str], pngs: Mapping[str, bytes], context: Mapping[str, Any]
) -> str:
    """Return the report's HTML.

    `templates` maps file names of workflow/report to their texts (`base.html` is the page,
    `caption_<figure>.html` are the captions), `pngs` figure names to PNG bytes; `context` holds
    what the templates name.
    """
    made = environment(templates)
    known = {
        name.removeprefix("caption_").removesuffix(".html"): text
        for name, text in templates.items()
        if name.startswith("caption_")
    }
    captions = captions_of(made, known, context)
    blank = {"title": "", "tables": [], "caption": ""}
    course = captions.get("patient", blank)
    figures = {}
    for name, content in pngs.items():
        other = course if name.startswith("patient_") else blank | {"title": spoken(name)}
        figures[name] = picture(name, content, captions.get(name, other))
    return page_of(made, "base.html", templates, context | {"figures": figures})


def page_of(
    made: Environment, name: str, texts: Mapping[str, str], context: Mapping[str, Any]
) -> str:
    """Return a whole page: the template `name`, with style and scripts inside it."""
    style = [texts["styles.css"], texts.get(f"{language.code()}.css", "")]
    inlined = {"css": Markup("\n".join(style).rstrip("\n"))}
    scripts = {"js": "report.js", "map_js": "map.js"}
    inlined |= {key: Markup(translated(texts[file])) for key, file in scripts.items()}
    html = made.get_template(name).render(**inlined, **context)
    html = "\n".join(line.rstrip() for line in html.splitlines() if line.strip()) + "\n"
    return typeset.chinese(html) if language.code() == "zh" else html


def catalogue(text: str) -> dict[str, Any]:
    """Return the catalogue of sentences from its YAML text, in the report's language."""
    return language.all_said(yaml.safe_load(text), but=UNSAID)
