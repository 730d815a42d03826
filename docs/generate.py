"""Write what can be generated: config.yaml, reference pages, captions, conda environments.

`python docs/generate.py` writes the files; tests/unit/test_generated.py fails where one differs
from what this program would write.
"""

import html
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
# what an environment needs by name; their own dependencies are solved by conda
CONDA_PACKAGES = [
    *["scanpy", "anndata", "mudata", "scirpy", "harmonypy", "igraph", "pynndescent"],
    *["faiss-cpu", "scipy", "numpy", "pydeseq2", "decoupler", "gseapy"],
    *["statsmodels", "scikit-learn", "h5py", "pandas", "pyarrow", "matplotlib", "jinja2"],
    *["jsonschema", "plotly", "pyyaml"],
]
PIP_PACKAGES = ["scranpy"]  # of no conda channel
IGBLAST, IGBLAST_PACKAGES = "1.22.0", ["numpy", "pandas", "pyarrow", "pyyaml"]
CONDA_NAMES = {"igraph": "python-igraph", "matplotlib": "matplotlib-base"}


def config_yaml(schema: dict[str, Any]) -> str:
    """Return config.yaml: every key at its default, with its description above it."""
    lines = [
        "# Every key at its default. Generated from workflow/schemas/config.schema.yaml by",
        "# `python docs/generate.py`. Your own file needs only the keys that differ:",
        "#   snakemake --cores 4 --configfile mine.yaml",
    ]
    for key, rule in schema["properties"].items():
        if rule.get("type") == "object":
            lines += ["", f"# {rule['description']}", f"{key}:"]
            for name, leaf in rule["properties"].items():
                lines += [f"  # {leaf['description']}", f"  {name}: {_scalar(leaf['default'])}"]
        else:
            lines += ["", f"# {rule['description']}", f"{key}: {_scalar(rule['default'])}"]
    return "\n".join(lines) + "\n"


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_scalar, value))}]"
    if isinstance(value, str) and not re.fullmatch(r"[A-Za-z][\w/.-]*", value):
        return "'" + value.replace("'", "''") + "'"
    return str(value)


def configuration_page(schemas: dict[str, dict[str, Any]]) -> str:
    """Return docs/configuration.md: every key of the config and every column of the sheets."""
    lines = [
        "# Configuration",
        "",
        "Generated from `workflow/schemas/` by `python docs/generate.py`; the defaults live there",
        "alone. A key that is not listed here is refused by name.",
        "",
        "| key | default | allowed | what it does |",
        "|---|---|---|---|",
    ]
    for key, rule in schemas["config"]["properties"].items():
        if rule.get("type") == "object":
            for name, leaf in rule["properties"].items():
                lines.append(_key_row(f"{key}.{name}", leaf))
        else:
            lines.append(_key_row(key, rule))
    for name, title in (("samples", "The sample sheet"), ("clinical", "The clinical table")):
        lines += ["", f"## {title}", "", schemas[name]["description"], ""]
        lines += ["| column | | allowed | meaning |", "|---|---|---|---|"]
        for column, rule in schemas[name]["properties"].items():
            need = "required" if column in schemas[name]["required"] else "optional"
            lines.append(f"| `{column}` | {need} | {_allowed(rule)} | {rule['description']} |")
        for pattern, rule in schemas[name].get("patternProperties", {}).items():
            column = _cell(pattern.strip("^$"))
            lines.append(f"| `{column}` | optional | {_allowed(rule)} | {rule['description']} |")
    return "\n".join(lines) + "\n"


def _key_row(key: str, rule: dict[str, Any]) -> str:
    default = f"`{_cell(_scalar(rule['default']))}`"
    return f"| `{key}` | {default} | {_allowed(rule)} | {_cell(rule['description'])} |"


def _allowed(rule: dict[str, Any]) -> str:
    if "enum" in rule:
        return ", ".join(f"`{value}`" for value in rule["enum"])
    types = rule.get("type", "string")
    words = [types] if isinstance(types, str) else list(types)
    text = " or ".join({"null": "empty", "array": "list"}.get(word, word) for word in words)
    bounds = [
        (sign, rule[name])
        for name, sign in (
            ("minimum", "≥"),
            ("exclusiveMinimum", ">"),
            ("maximum", "≤"),
        )
        if name in rule
    ]
    return text + "".join(f", {sign} {bound}" for sign, bound in bounds)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def outputs_page(contract: dict[str, Any]) -> str:
    """Return docs/outputs.md: every table with its fixed columns."""
    lines = [
        "# Output tables",
        "",
        "Generated from `workflow/schemas/tables.yaml` by `python docs/generate.py`. Names and",
        "columns listed here are a contract; a table may carry more columns after them. Tables are",
        "tab-separated, UTF-8, under `outdir/tables/`; an empty cell is a missing value.",
    ]
    for name, table in contract.items():
        lines += ["", f"## {name}.tsv", "", f"One row per {table['row']}. {table['about']}", ""]
        lines += ["| column | meaning |", "|---|---|"]
        lines += [f"| `{column}` | {text} |" for column, text in table["columns"].items()]
    return "\n".join(lines) + "\n"


def figure_caption(text: str) -> str:
    """Return the caption of a figure for `snakemake --report`; settings appear by their names.

    `text` is the caption of the comparison report: title, tables, `---`, and HTML with Jinja.
    """
    head, _, body = text.partition("\n---\n")
    title, _, tables = head.partition("\ntables:")
    body = re.sub(r"{{ *setting\(\"([^\"]+)\"\)[^}]*}}", r"``\1``", body)
    body = html.unescape(re.sub(r"{%.*?%}|<[^>]+>", "", body))
    names = ", ".join(
        f"``tables/{name.strip()}.tsv``" for name in tables.split(",") if name.strip()
    )
    return f"{title.strip()}. {body.strip()}" + (f" Drawn from {names}." if names else "") + "\n"


def captions(contract: dict[str, Any], shown: dict[str, str]) -> dict[str, str]:
    """Return the captions of `snakemake --report` by their paths, of figures and of tables."""
    place = "workflow/report/captions"
    made = {f"{place}/figure_{name}.rst": figure_caption(text) for name, text in shown.items()}
    for name, table in contract.items():
        text = f"One row per {table['row']}. {table['about']}".replace("`", "``")
        made[f"{place}/table_{name}.rst"] = f"{text}\n"
    return made


def conda_yaml(lock: str) -> str:
    """Return envs/analysis.yaml with the versions that requirements.lock pins."""
    pins = dict(re.findall(r"^([a-z0-9-]+)==([^\s;\\]+)", lock, re.M))
    lines = [
        "# The environment of every rule for `--sdm conda`, at the versions of requirements.lock.",
        "# Generated by `python docs/generate.py`.",
        "channels:",
        "  - conda-forge",
        "  - bioconda",
        "dependencies:",
        "  - python=3.11",
    ]
    lines += [f"  - {CONDA_NAMES.get(name, name)}={pins[name]}" for name in CONDA_PACKAGES]
    lines += ["  - pip", "  - pip:"]
    lines += [f"      - {name}=={pins[name]}" for name in PIP_PACKAGES]
    return "\n".join(lines) + "\n"


def file_list(names: list[str]) -> str:
    """Return workflow/files.txt: what Snakemake fetches where the workflow lies on another host."""
    needed = ("workflow/scripts/", "workflow/schemas/", "workflow/report/", "resources/")
    return "".join(f"{name}\n" for name in sorted(names) if name.startswith(needed))


def project_files() -> list[str]:
    """Return the files below workflow/ and resources/ that belong to the project."""
    found = [path for top in ("workflow", "resources") for path in (ROOT / top).rglob("*")]
    names = [path.relative_to(ROOT).as_posix() for path in found if path.is_file()]
    return [name for name in names if "__pycache__" not in name and "/demo/data/" not in name]


def igblast_yaml(lock: str) -> str:
    """Return envs/igblast.yaml, the environment of the one optional rule that runs IgBLAST."""
    pins = dict(re.findall(r"^([a-z0-9-]+)==([^\s;\\]+)", lock, re.M))
    lines = [
        "# The environment of `assign_germline` for `--sdm conda`: off unless germline is given.",
        "# Generated by `python docs/generate.py`.",
        "channels:",
        "  - conda-forge",
        "  - bioconda",
        "dependencies:",
        "  - python=3.11",
        f"  - igblast={IGBLAST}",
    ]
    lines += [f"  - {name}={pins[name]}" for name in IGBLAST_PACKAGES]
    return "\n".join(lines) + "\n"


def generated() -> dict[str, str]:
    """Return the text of every generated file, by its path from the project's root."""
    schemas = {
        name: yaml.safe_load((ROOT / f"workflow/schemas/{name}.schema.yaml").read_text("utf-8"))
        for name in ("config", "samples", "clinical")
    }
    contract = yaml.safe_load((ROOT / "workflow/schemas/tables.yaml").read_text("utf-8"))
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    folder = ROOT / "workflow/report/captions"
    shown = {
        path.stem.removeprefix("caption_"): path.read_text("utf-8")
        for path in sorted(folder.glob("caption_*.html"))
    }
    return captions(contract, shown) | {
        "config.yaml": config_yaml(schemas["config"]),
        "docs/configuration.md": configuration_page(schemas),
        "docs/outputs.md": outputs_page(contract),
        "workflow/files.txt": file_list(project_files()),
        "envs/analysis.yaml": conda_yaml(lock),
        "envs/igblast.yaml": igblast_yaml(lock),
    }


if __name__ == "__main__":
    for path, text in generated().items():
        (ROOT / path).write_text(text, "utf-8")
        sys.stdout.write(f"wrote {path}\n")
