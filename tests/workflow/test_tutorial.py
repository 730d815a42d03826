"""docs/tutorial.md: every key, file, command and column that it names is there."""

import re
from pathlib import Path

import pytest
import yaml

from immune_reset import tables

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/tutorial.md").read_text("utf-8")
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text("utf-8"))


def keys_of(schema, path=()):
    for name, part in schema.get("properties", {}).items():
        yield ".".join([*path, name])
        yield from keys_of(part, (*path, name))


def nested(settings, path=()):
    for name, value in settings.items():
        yield ".".join([*path, name])
        if isinstance(value, dict):
            yield from nested(value, (*path, name))


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


def test_every_key_exists():
    known = set(keys_of(SCHEMA))
    named = {key for block in blocks("yaml") for key in nested(yaml.safe_load(block))}
    named |= set(re.findall(r"([a-z]+\.[a-z_]+)=", PAGE))
    sections = {key.partition(".")[0] for key in known}
    named |= {k for k in re.findall(r"`([a-z]+\.[a-z_]+)`", PAGE) if k.split(".")[0] in sections}
    named -= {"samples.tsv", "clinical.tsv", "report.html"}
    assert len(named) >= 6
    assert named <= known, named - known


def test_every_table_named_is_written():
    named = set(re.findall(r"tables/(\w+)\.tsv", PAGE))
    assert named and named <= set(tables.contract())


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", PAGE))
def test_every_page_linked_is_there(link):
    assert (ROOT / "docs" / link).is_file()


def test_every_make_target_is_there_and_readme_leads_here():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    named = set(re.findall(r"\bmake ([\w-]+)", PAGE))
    assert named and named <= targets
    assert "docs/tutorial.md" in (ROOT / "README.md").read_text("utf-8")


def test_every_column_of_its_sheet_is_known():
    schema = yaml.safe_load((ROOT / "workflow/schemas/samples.schema.yaml").read_text("utf-8"))
    header = next(block for block in blocks("") if block.startswith("sample")).split("\n")[0]
    assert set(header.split()) <= set(schema["properties"])
