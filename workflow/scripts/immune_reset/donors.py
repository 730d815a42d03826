"""Multiplexed libraries: which barcodes of a library belong to whom.

The table has a column of barcodes and a column of assigned donors, as Cell Ranger's
`assignment_confidence_table.csv`, vireo's `donor_ids.tsv`, or one's own.
"""

import pandas as pd

from immune_reset.errors import at

BARCODES = ("barcode", "Barcode", "Barcodes", "cell", "cell_id")
DONORS = ("donor", "donor_id", "Assignment", "assignment", "hash.ID", "sample_tag", "Sample_Tag")


def cells_of(table: pd.DataFrame, donor: str, *, place: str) -> set[str]:
    """Return the barcodes that `table` assigns to `donor`.

    Raises
    ------
    InputError
        Without one of the columns, with a barcode of two donors, or if nothing is the donor's.
    """
    barcode, assigned = (_column(table, names, place) for names in (BARCODES, DONORS))
    pairs = table[[barcode, assigned]].drop_duplicates()
    twice = pairs[barcode][pairs[barcode].duplicated()]
    if len(twice):
        found = f"the barcode '{twice.iloc[0]}' is assigned to two donors"
        raise at(place, found, "Assign each barcode once; leave doublets to a name of their own")
    own = set(pairs.loc[pairs[assigned] == donor, barcode]) - {""}
    if not own:
        names = ", ".join(sorted(set(table[assigned]) - {""})[:8]) or "none"
        mend = "Write the donor in the sheet as it stands in the table"
        raise at(place, f"no barcode is assigned to '{donor}' (found: {names})", mend)
    return own


def _column(table: pd.DataFrame, names: tuple[str, ...], place: str) -> str:
    found = next((name for name in names if name in table), None)
    if found is None:
        has = ", ".join(map(str, table.columns[:10]))
        raise at(place, f"no column '{names[0]}' (its columns: {has})", "Add it, or rename yours")
    return found
