"""Check a config, its sheets and the heads of its files, in seconds and without running anything.

Usage: python workflow/scripts/check_inputs.py [CONFIG]
"""

import argparse
import sys
from pathlib import Path

from immune_reset.design import comparisons
from immune_reset.errors import InputError, at
from immune_reset.heads import check_files, gene_notes
from immune_reset.input_remarks import day_remarks
from immune_reset.plan import Plan, make_plan, schema
from immune_reset.planning import patients, remarks
from immune_reset.settings import check_keys
from immune_reset.sheets import files_made_for, own_columns

ROOT = Path(__file__).resolve().parents[2]


def read_config(path: Path) -> dict:
    """Return the configuration as written in `path`.

    Raises
    ------
    InputError
        If there is no such file, it is not a YAML mapping, or a key stands twice in it.
    """
    import yaml

    if not path.is_file():
        raise at(path, "there is no such file", "give the path of a configuration file")
    try:
        text = path.read_text(encoding="utf-8")
        config = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        found = str(error).replace("\n", " ")
        raise at(path, f"not valid YAML ({found})", "mend the line that it names") from None
    if config is not None and not isinstance(config, dict):
        raise at(path, "not a list of `key: value`", "see config.yaml for the form")
    check_keys(text, path)
    return config or {}


def summary(plan: Plan, notes: list[str]) -> list[str]:
    """Return what a run with this plan would be about, line by line; `notes` of its files last."""
    people = patients(plan.design)
    names = [name for _, _, name in comparisons(plan.design)]
    lines = [
        f"sheet        {plan.sheet}",
        f"samples      {len(plan.rows)} of {len(people)} patients: {', '.join(people)}",
        f"timepoints   {', '.join(plan.design['timepoints'])}",
        f"comparisons  {', '.join(names) or 'none: only one timepoint'}",
        f"clinical     {plan.clinical or 'no table'}",
    ]
    own = own_columns(plan.sheet, schema("samples", ROOT))
    lines += [f"other columns {', '.join(own)}: kept, not used"] if own else []
    for kind in ("gex", "bcr", "tcr"):
        n = sum(kind in row for row in plan.rows.values())
        lines.append(f"{kind}          {n} of {len(plan.rows)} samples")
    notes = remarks(plan.design) + day_remarks(plan.design) + notes
    return lines + [f"note         {note}" for note in notes]


def main(arguments: list[str]) -> int:
    """Check, print what was found, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", nargs="?", type=Path, default=ROOT / "config.yaml")
    chosen = parser.parse_args(arguments)
    try:
        made = files_made_for(ROOT)
        plan = make_plan(read_config(chosen.config), ROOT, made)
        check_files(plan, made, ROOT)
        notes = gene_notes(plan, made)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("\n".join([*summary(plan, notes), "All is in order."]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
