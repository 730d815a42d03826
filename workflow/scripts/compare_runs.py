"""Set two runs side by side, claim by claim, with what differs in settings, samples and software.

Usage: python workflow/scripts/compare_runs.py OUT1 OUT2 [--to FILE.html]
Example: python workflow/scripts/compare_runs.py results/strict results/mine --to strict.html

Writes one self-contained page, and beside it a table of the same name (.tsv).
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from immune_reset import compared, language, pseudonyms, report, report_facts, tables
from immune_reset.errors import InputError, at

PAGES = Path(__file__).resolve().parents[1] / "report"
LANGUAGES = PAGES / "languages"
SHOWN = 12  # claims with another verdict that the terminal shows


def read_run(folder: Path, name: str) -> compared.Run:
    """Return what a finished run says.

    Raises
    ------
    InputError
        If it is no folder of results, or its files cannot be read.
    """
    path = folder / "tables" / "claims.tsv"
    if not path.is_file():
        raise at(path, "there is no such file", "give the outdir of a finished run")
    claims = compared.complete(_table(path), str(path))
    clinical = folder / "tables" / "clinical.tsv"
    units = report_facts.clinical_units(_table(clinical) if clinical.is_file() else None)
    path = folder / "provenance.json"
    try:
        record = tables.read_json(path) if path.is_file() else {}
    except ValueError as error:
        raise at(path, f"not valid JSON ({error})", "run the workflow again to write it") from None
    hidden = {}
    if record.get("config", {}).get("report.pseudonyms"):
        path = folder / "pseudonyms.tsv"
        if not path.is_file():
            found = "the run hides names, but there is no such file"
            raise at(path, found, "render its report again, or put the file back")
        hidden = dict(_table(path)[["name", "pseudonym"]].astype(str).to_numpy())
    return compared.Run(name, claims, units, record, hidden)


def _table(path: Path) -> pd.DataFrame:
    try:
        return tables.read(path)
    except (ValueError, OSError) as error:
        found = f"cannot be read as a table ({str(error).strip()})"
        raise at(path, found, "run the workflow again to write it") from None


def names_of(folders: list[Path]) -> list[str]:
    """Return how the two runs are called: the folders' names, in full where they are the same."""
    short = [folder.resolve().name for folder in folders]
    return short if short[0] != short[1] else [str(folder) for folder in folders]


def language_of(runs: Sequence[compared.Run]) -> str:
    """Return the language of both runs' reports; English where they differ."""
    codes = {run.record.get("config", {}).get("report.language", language.ENGLISH) for run in runs}
    known = [code for code in codes if (LANGUAGES / f"{code}.yaml").is_file()]
    return known[0] if len(codes) == len(known) == 1 else language.ENGLISH


def compared_in(
    runs: Sequence[compared.Run], texts: Mapping[str, str], code: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the page shows, names hidden, and its words; sets the language for the page."""
    path = LANGUAGES / f"{code}.yaml"
    words = None if code == language.ENGLISH else language.load(path.read_text("utf-8"), str(path))
    language.use(code, words)
    catalogue = report.catalogue(texts["sentences.yaml"])
    return pseudonyms.hide(compared.compare(*runs, catalogue)), catalogue["compare"]


def page(found: Mapping[str, Any], texts: Mapping[str, str], words: Mapping[str, Any]) -> str:
    """Return the HTML page: the look of the report, every value escaped, nothing outside it."""
    made = report.environment(texts)
    return report.page_of(made, "compare.html", texts, {"words": words, **found})


def lines(found: Mapping[str, Any], words: Mapping[str, Any]) -> list[str]:
    """Return the summary for the terminal, line by line."""
    counts, people = found["counts"], found["people"]
    said = [f"first     {found['names'][0]}", f"second    {found['names'][1]}"]
    said.append(f"claims    {words['counts'].format(**counts).strip()}")
    if found["apart"]:
        said.append(f"          {words['apart']}")
    said += [f"          {words['no_record'].format(name=name)}" for name in found["unknown"]]
    for kind in ("patient", "sample") if found["known"] else ():
        numbers = {where: len(names) for where, names in people[kind].items()}
        said.append(f"{kind + 's':<10}{words['where'].format(**numbers)}")
    if found["known"]:
        said.append(f"files     {words['where'].format(**found['files'])}")
        shown = [
            f"{key}: {report.setting_text(one)} -> {report.setting_text(two)}"
            for key, one, two in found["settings"]
        ]
        said += [f"config    {line}" for line in shown or [words["no_settings"]]]
        n = len(found["software"])
        said.append(f"software  {words['n_software'].format(n=n) if n else words['no_software']}")
    changed = [row for row in found["rows"] if row["state"] == "verdict"]
    for row in changed[:SHOWN]:
        one, two = (" ".join([row[w]["word"], row[w]["short"]]) for w in ("first", "second"))
        said.append(f"  {row['label']}, {row['scope']}, {row['comparison']}: {one} -> {two}")
    if len(changed) > SHOWN:
        said.append(f"  {words['more'].format(n=len(changed) - SHOWN)}")
    return said


def main(arguments: list[str]) -> int:
    """Read both runs, write page and table, say what differs, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("first", type=Path, metavar="OUT1", help="outdir of a finished run")
    parser.add_argument("second", type=Path, metavar="OUT2", help="outdir of another one")
    parser.add_argument("--to", type=Path, default=Path("comparison.html"), metavar="FILE.html")
    chosen = parser.parse_args(arguments)
    folders, target = [chosen.first, chosen.second], chosen.to
    try:
        if target.suffix != ".html":
            raise at(target, "the page is an HTML file", "give a name that ends in .html")
        runs = [read_run(*each) for each in zip(folders, names_of(folders), strict=True)]
        texts = {
            path.name: path.read_text(encoding="utf-8")
            for path in [*PAGES.glob("*.*"), *LANGUAGES.glob("*.css")]
        }
        pseudonyms.use({pseudonyms.KEY: compared.hidden_names(*runs)})
        found, words = compared_in(runs, texts, language.ENGLISH)
        table = pseudonyms.hide(compared.table_of(found["rows"]))
        told = compared_in(runs, texts, language_of(runs))
        target.parent.mkdir(parents=True, exist_ok=True)
        tables.write_text(page(told[0], texts, told[1]), target)
        tables.write(table, target.with_suffix(".tsv"))
    except (InputError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    language.use(language.ENGLISH, None)
    said = [*lines(found, words), f"written {target} and {target.with_suffix('.tsv')}"]
    sys.stdout.write("\n".join(said) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
