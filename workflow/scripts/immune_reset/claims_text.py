"""Claims as sentences: one view per row of the claims table, worded from the catalogue."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from immune_reset import typeset, wording
from immune_reset.language import said
from immune_reset.strips import strip

LEAST = "least change"
TESTED = ("up", "down", "level")
NUMBERS = ("n_baseline", "n_followup", "estimate", "ci_low", "ci_high", "p_value", "p_floor")
SHARES = {"composition", "car", "clones"}


def claim_views(
    claims: pd.DataFrame,
    catalogue: Mapping[str, Any],
    units: Mapping[str, str],
    say: Callable[[str], str] = said,
) -> list[dict[str, Any]]:
    """Return one view per claim, in the order of the catalogue within scope and comparison.

    `units` gives each clinical measure its unit, `say` the words of the table in the language of
    the catalogue. A view holds the words (label, sentence, n,
    evidence, p) and the row's own values; nothing of it is markup but `strip`, a small SVG.
    """
    order = {name: i for i, name in enumerate(catalogue["claims"])}
    views = [claim_view(row, catalogue, units, say) for row in claims.to_dict("records")]
    return sorted(views, key=lambda view: order.get(view["claim"], len(order)))


def claim_view(
    row: Mapping[str, Any],
    catalogue: Mapping[str, Any],
    units: Mapping[str, str],
    say: Callable[[str], str] = said,
) -> dict[str, Any]:
    """Return the view of one row of the claims table.

    Raises
    ------
    KeyError
        If the direction or the evidence is not in the catalogue.
    """
    row = dict(row) | {key: _float(row.get(key)) for key in (*NUMBERS, "q_value")}
    if str(row["measure"]).startswith(LEAST):
        row["estimate"] = np.nan  # a bound has no estimate
    direction = catalogue["directions"][row["direction"]]
    evidence = catalogue["evidence"][row["evidence"]]
    entry, measured = entry_of(row["claim"], catalogue)
    followup, baseline = map(say, times_of(row["comparison"]))
    compartment = str(row.get("compartment") or "")
    where = say(place_of(compartment, measured, entry))
    subject = entry["subject"].format(measure=say(measured)) + where
    unit = say(unit_of(row, units))
    fields = {"subject": subject, "Subject": subject[:1].upper() + subject[1:]}
    fields |= {"followup": followup, "baseline": baseline}
    label = entry["label"].format(measure=say(measured))
    return row | {
        "label": label + where,
        "glance": label + (where if entry.get("each_compartment") else ""),
        "compartment": compartment,
        "followup": followup,
        "baseline": baseline,
        "symbol": direction["hollow" if row["evidence"] == "descriptive" else "symbol"],
        "described": row["evidence"] == "descriptive" and direction["short"] in TESTED,
        "word": direction["word"],
        "css": direction["short"],
        "sentence": sentence(row, catalogue, fields, unit),
        "short": short(row, catalogue, unit),
        "amount": amount(row, catalogue["phrases"], unit),
        "n": counts(row, catalogue, fields),
        "meaning": evidence["meaning"],
        "evidence_word": evidence["word"],
        "p": p_value(row, "p_value", catalogue["phrases"]),
        "q": p_value(row, "q_value", catalogue["phrases"]),
        "found": str(row.get("reason") or "").partition(";")[0],
        **{name: say(text) for name, text in remarks(row, catalogue).items()},
        "guard": guard_words(row, catalogue),
        "strip": strip(row["estimate"], row["ci_low"], row["ci_high"], scale_of(row)),
    }


def entry_of(claim: str, catalogue: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """Return the catalogue's entry of a claim, and the name of what was measured.

    Clinical claims share one entry; a claim that the catalogue does not know is named as it is.
    """
    if claim in catalogue["claims"]:
        return catalogue["claims"][claim], claim
    kind = "clinical" if claim.startswith("clinical_") else "other"
    return catalogue["claims"][kind], claim.removeprefix("clinical_").replace("_", " ")


def place_of(compartment: str, measured: str, entry: Mapping[str, Any]) -> str:
    """Return the compartment as it stands behind a claim's name: " (CD8)"; "" where implied."""
    implied = ("", "all", measured, *entry.get("implied", ()))
    return "" if compartment in implied else f" ({compartment})"


def times_of(comparison: str) -> tuple[str, str]:
    """Return follow-up and baseline of a comparison's name, as they are read."""
    followup, _, baseline = str(comparison).partition(" vs ")
    return followup.replace("_", " "), baseline.replace("_", " ")


def unit_of(row: Mapping[str, Any], units: Mapping[str, str]) -> str:
    """Return the unit of a linear change: a clinical unit, or "share" for percentage points."""
    if row["family"] in SHARES:
        return "share"
    unit = units.get(str(row["claim"]).removeprefix("clinical_"), "")
    return str(unit) if row["family"] == "clinical" else ""


def remarks(row: Mapping[str, Any], catalogue: Mapping[str, Any]) -> dict[str, str]:
    """Return reason, enough (what would be enough), note and detail, each said once.

    The note is what belongs beside the sentence itself (`said_first` of the catalogue).

    The detail loses what stands elsewhere: what would be enough, and the words that the legend
    of the evidence says once for all claims (`said_once` of the catalogue).
    """
    parts = [part.strip() for part in str(row.get("detail") or "").split("; ")]
    enough = str(row.get("enough") or "")
    told = [part.removeprefix("enough: ") for part in parts if part.startswith("enough: ")]
    first = [part for part in parts if part.startswith(tuple(catalogue["said_first"]))]
    said = ("enough: ", *catalogue["said_once"], *first)
    detail = "; ".join(part for part in parts if part and not part.startswith(said))
    words = {"reason": str(row.get("reason") or ""), "detail": detail, "note": "; ".join(first)}
    return words | {"enough": enough or "; ".join(told)}


def guard_words(row: Mapping[str, Any], catalogue: Mapping[str, Any]) -> str:
    """Return what the design guard found beside the claim, in the catalogue's short words."""
    value = row.get("guard")
    checks = [name for name in ("" if pd.isna(value) else str(value)).split("; ") if name]
    return ", ".join(catalogue["guard"].get(name, name) for name in checks)


def scale_of(row: Mapping[str, Any]) -> str:
    """Return the scale of a row's estimate: log2, ln or linear."""
    return wording.scale_of(row["measure"])


def sentence(
    row: Mapping[str, Any], catalogue: Mapping[str, Any], fields: Mapping[str, str], unit: str
) -> str:
    """Return the claim as a sentence with effect and interval in plain words."""
    phrases, direction = catalogue["phrases"], row["direction"]
    effect = amount(row, phrases, unit)
    span = wording.interval(row["ci_low"], row["ci_high"], scale_of(row), phrases, unit)
    if not np.isfinite(row["estimate"]) and effect:
        span = phrases["one_sided_alone"]
    known = effect or direction == "not estimable"
    apart = row["ci_low"] > 0 or row["ci_high"] < 0
    if direction == "no change shown" and apart and np.isfinite(row["estimate"]):
        direction = f"{direction}, apart"
    template = catalogue["templates"][direction if known else f"{direction}, no size"]
    span = phrases["bracketed"].format(span=span) if span else ""
    return typeset.spaced(template.format(effect=effect, interval=span, **fields))


def amount(row: Mapping[str, Any], phrases: Mapping[str, str], unit: str) -> str:
    """Return the size of a change in words: "3.2-fold lower", "4.1 percentage points higher"."""
    numbers = (row["estimate"], row["ci_low"], row["ci_high"])
    if unit == "share" and scale_of(row) == "linear":
        points = {f"difference_{side}": phrases[f"points_{side}"] for side in ("lower", "higher")}
        phrases = {**phrases, **points}
    return wording.effect(*numbers, scale_of(row), phrases, unit)


def short(row: Mapping[str, Any], catalogue: Mapping[str, Any], unit: str) -> str:
    """Return the size of a change for a narrow cell: "3.2×", "≥ 17×", "−12"; "" if unknown.

    A bound that leaves no change possible has no size that so few words could say.
    """
    scale, value = scale_of(row), row["estimate"]
    mark = ""
    if not np.isfinite(value):
        ends = [end for end in (row["ci_low"], row["ci_high"]) if np.isfinite(end)]
        if len(ends) != 1 or not (row["ci_low"] > 0 or row["ci_high"] < 0):
            return ""
        value, mark = ends[0], "≥ "
    if scale != "linear":
        return f"{mark}{wording.folds(value, scale)}×"
    size = wording.number(100 * value if unit == "share" else value)
    return f"{mark}{'+' if value > 0 else ''}{size}{' pp' if unit == 'share' else ''}"


def counts(row: Mapping[str, Any], catalogue: Mapping[str, Any], fields: Mapping[str, str]) -> str:
    """Return n in words: patients of a cohort claim, cells at both times of a patient's."""
    phrases = catalogue["phrases"]
    before, after = (row[key] for key in ("n_baseline", "n_followup"))
    if not (np.isfinite(before) or np.isfinite(after)):
        return ""
    if row["scope"] == "cohort":
        n = int(np.nanmin([before, after]))
        return phrases["patient"] if n == 1 else phrases["patients"].format(n=n)
    if row["family"] == "clinical" and before == after == 1:
        return phrases["one_each"]
    family = catalogue["families"].get(row["family"], catalogue["families"]["other"])
    texts = [f"{value:,.0f}" if np.isfinite(value) else "–" for value in (before, after)]
    times = {"baseline": fields["baseline"], "followup": fields["followup"]}
    both = {"before": texts[0], "after": texts[1], "unit": family["unit"]}
    return typeset.spaced(phrases["both_times"].format(**both, **times))


def p_value(row: Mapping[str, Any], column: str, phrases: Mapping[str, str]) -> str:
    """Return the p-value (`p_value`) or the adjusted one (`q_value`) in words; "" without it.

    The floor of p is the sign-flip test's alone and stands with that test, in the detail.
    """
    if not np.isfinite(row[column]):
        return ""
    text = wording.p_value(row[column])
    return phrases[f"{column[0]}_small" if text.startswith("<") else column[0]].format(p=text)


def _float(value: Any) -> float:
    return float(value) if value is not None and not pd.isna(value) and value != "" else np.nan
