"""Barcodes that two tools wrote differently: one rule that matches all of them, or a refusal."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from immune_reset.errors import at

SEQUENCE = re.compile(r"(.*?)([ACGTN]{8,})(.*)")
NUMBER = re.compile(r"(\D*)(\d+)(\D*)")
MIN_SHARE = 0.05
"""Share of the smaller side that must match: two 10x libraries share 1 to 3 % by chance."""

MIN_MATCHED = 0.5
"""Share of the smaller side that a rule must match to be believed."""

MIN_BARCODES = 50
"""Barcodes on both sides from which a small share, not only none, is refused."""

MEND = "Give files of one library, with barcodes written alike (suffix -1 included)"


@dataclass(frozen=True)
class Rule:
    """How names of one file become those of another: what goes, and what comes in its place."""

    old: tuple[str, str] = ("", "")
    new: tuple[str, str] = ("", "")

    def __call__(self, name: str) -> str:
        """Return `name` as the other file writes it."""
        if self.old == self.new or not matches(self.old, name):
            return name
        prefix, suffix = self.old
        core = name[len(prefix) : len(name) - len(suffix)]
        return f"{self.new[0]}{core}{self.new[1]}"

    def __str__(self) -> str:
        """Say the rule."""
        old, new = ("...".join(ends) for ends in (self.old, self.new))
        return "as written" if self.old == self.new else f"'{old}' read as '{new}'"


def matches(ends: tuple[str, str], name: str) -> bool:
    """Return whether `name` has a prefix and a suffix."""
    return name.startswith(ends[0]) and name.endswith(ends[1]) and len(name) > sum(map(len, ends))


def ends_of(names: Iterable[str]) -> set[tuple[str, str]]:
    """Return the (prefix, suffix) pairs around the barcodes' sequences or numbers.

    Of ``s1_ACGTACGTACGT-1`` that is ``("s1_", "-1")``; names without a sequence give none.
    """
    found = (SEQUENCE.fullmatch(name) or NUMBER.fullmatch(name) for name in names)
    return {(match[1], match[3]) for match in found if match is not None}


def core(name: str) -> str:
    """Return a barcode's sequence without what tools put around it; other names as they are."""
    match = SEQUENCE.fullmatch(name)
    return name if match is None else match[2]


def share(found: set[str], cells: set[str]) -> float:
    """Return which part of the smaller of two sets is in the other."""
    return len(found & cells) / max(min(len(found), len(cells)), 1)


def match_rule(found: set[str], cells: set[str], *, place: str, other: str) -> Rule:
    """Return the rule that turns the barcodes `found` into those of `cells`.

    Names that agree as written need none. Else one prefix and one suffix may differ between the
    files, the same for every barcode.

    Parameters
    ----------
    place, other
        The files of `found` and of `cells`, for the message.

    Raises
    ------
    InputError
        If no barcode matches (or, with many, hardly any), and no one rule explains it.
    """
    agree = share(found, cells)
    few = min(len(found), len(cells)) < MIN_BARCODES
    if agree >= MIN_SHARE or (agree > 0 and few) or not found:
        return Rule()
    ours, theirs = ends_of(found), ends_of(cells)
    tried = ""
    if len(ours) == 1 and len(theirs) == 1:
        rule = Rule(ours.pop(), theirs.pop())
        if rule.old != rule.new:
            matched = share({rule(name) for name in found}, cells)
            if matched >= MIN_MATCHED:
                return rule
            tried = f"; with {rule} {matched:.0%} would be"
    elif len(ours) > 1 or len(theirs) > 1:
        many, where = (ours, place) if len(ours) > 1 else (theirs, other)
        few_ends = ", ".join(sorted("...".join(ends) for ends in many)[:4])
        tried = f"; no one rule turns them into each other, {where} has several ({few_ends})"
    hit = len(found & cells)
    said = f"none of its first {len(found)}" if not hit else f"{hit} of its first {len(found)}"
    example = min(found - cells) if found - cells else min(found)
    there = min(cells) if cells else "none"
    text = f"{said} barcodes is in {other} (here {example}, there {there}{tried})"
    raise at(place, text, MEND)
