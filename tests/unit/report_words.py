"""What a reader sees of a report in words, and which of them are English."""

import ast
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "img", "br", "input", "line", "path", "circle", "link"}
SEEN = ("alt", "aria-label", "title", "placeholder")
WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-'][A-Za-z0-9]+)*")

# The same in both languages: genes and receptors, units, programs, methods and their authors.
NAMES = re.compile(
    r"[A-Z0-9]{1,}(-[A-Z0-9]+)*|[A-Z][0-9]|Ig[MDGAE]|(IG|TR)[HKLABGD][VDJC]?[0-9-]*|log2|ln|[nmpqtzxgdh]"
    r"|UMIs?|V\(D\)J|contig|junction|AUCell|Hallmark|SHA-256|doi|mL|mg|dL|µL|dsDNA|Python|scanpy"
    r"|Scrublet|Harmony|Leiden|PyDESeq2|scirpy|prerank|ulm|Hamming|Holm|Kitagawa|Newcombe"
    r"|Morisita-Horn|scRepertoire|label|slurm"
)
FILES = re.compile(r"[\w./-]+\.(tsv|json|html|pdf|yaml|csv|h5|h5ad|gz)\b")
FIELD = re.compile(r"\{[a-z_]\w*\}|\b[0-9a-f]{12,}\b")
KEYS = re.compile(r"\b[a-z_]+\.[a-z0-9_]+\b")  # of the configuration
COLUMNS = (
    *("patient、day、kind、measure、value 和 unit", "clinical_SLEDAI-2K", "v_identity"),
    *("prednisone (mg/d)", "V(D)J"),
)


class Seen(HTMLParser):
    """Collects every text and attribute that a reader sees or hears.

    What stands in <code>, in the table of settings and in the list of references stays in its own
    language and is left out.
    """

    def __init__(self, html: str):
        super().__init__()
        self.open, self.found = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        self.found += [given[name] for name in SEEN if given.get(name)]
        if tag not in VOID:
            self.open.append((tag, given.get("class", "")))

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        tags = {tag for tag, _ in self.open}
        classes = {name for _, value in self.open for name in value.split()}
        if tags & {"script", "style", "code"} or "references" in classes:
            return
        if "settings" in classes and "td" in tags:
            return
        if text := " ".join(data.split()):
            self.found.append(text)


def scripted(html: str) -> Iterator[str]:
    """Yield the words that the scripts of a report put on the page."""
    for literal in re.findall(r'textContent = ("[^"]*"|\S[^;]*;)', html):
        yield from (text for text in re.findall(r'"([^"]*)"', literal) if text.strip())
    if words := re.search(r'id="map-words">(.*?)</script>', html):
        told = json.loads(words[1])
        yield from (text for key, text in told.items() if isinstance(text, str))
        yield from told["properties"].values()
    if cells := re.search(r'id="map-cells">(.*?)</script>', html):
        told = json.loads(cells[1])
        for key in ("cell_type", "cell_subtype", "timepoint", "fate"):
            yield from told.get(key, {}).get("names", [])


def english(text: str, own: set[str]) -> list[str]:
    """Return the words of a text that are neither Chinese nor names, nor the user's own."""
    for known in (*COLUMNS, *sorted(own, key=len, reverse=True)):
        text = re.sub(rf"(?<![A-Za-z]){re.escape(known)}(?![A-Za-z])", " ", text)
    text = KEYS.sub(" ", FILES.sub(" ", FIELD.sub(" ", text)))
    return [word for word in WORD.findall(text) if not NAMES.fullmatch(word)]


def left(html: str, own: set[str]) -> dict[str, list[str]]:
    """Return every text of a report that holds English words, with these words."""
    texts = dict.fromkeys([*Seen(html).found, *scripted(html)])
    return {text: words for text in texts if (words := english(text, own))}


def constants(path: Path) -> Iterator[str]:
    """Yield the texts of a module, of f-strings the parts, but for its docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value
