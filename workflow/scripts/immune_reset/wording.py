"""Numbers in words: fold changes, intervals, counts and p-values as a clinician reads them.

The words come from the catalogue (workflow/report/sentences.yaml, key `phrases`), so that another
language is another catalogue; nothing here knows English.
"""

import re
from collections.abc import Mapping

import numpy as np

Phrases = Mapping[str, str]
TINY = 1e-9  # what rounding leaves of a zero
POWERS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def number(value: float, digits: int = 2) -> str:
    """Return a number with `digits` significant figures, thousands separated, no exponent."""
    if not np.isfinite(value):
        return "–"
    if abs(value) < TINY:
        return "0"
    whole = max(0, digits - 1 - int(np.floor(np.log10(abs(value)))))
    text = f"{round(value, digits - 1 - int(np.floor(np.log10(abs(value))))):,.{whole}f}"
    return text.replace("-", "−")


def plain(value: float) -> str:
    """Return a number with up to three significant figures and no trailing zeros: "12", "0.42"."""
    text = number(value, 3)
    return text.rstrip("0").rstrip(".") if "." in text else text


def p_value(value: float) -> str:
    """Return a p-value with two significant figures, "< 0.0001" below that."""
    if not np.isfinite(value):
        return "–"
    return "< 0.0001" if value < 1e-4 else number(value)


def percent(share: float, digits: int = 2) -> str:
    """Return a share as a percentage."""
    return f"{number(100 * share, digits)} %" if np.isfinite(share) else "–"


def unit_words(unit: str) -> str:
    """Return a unit as it is read: "10^9/L" as "× 10⁹/L"."""
    raised = re.sub(r"\^(-?\d+)", lambda match: match[1].translate(POWERS), unit)
    return f"× {raised}" if re.match(r"10[⁰-⁹¹²³⁻]", raised) else raised


def scale_of(measure: str) -> str:
    """Return the scale of a measure by its name: log2, ln or linear.

    >>> scale_of("change of log2 share of UMIs"), scale_of("change of ln D1"), scale_of("g/L")
    ('log2', 'ln', 'linear')
    """
    name = str(measure).lower()
    if "log2" in name:
        return "log2"
    return "ln" if re.search(r"\bln(\b|_)|log_ratio", name) else "linear"


def amount(value: float, scale: str, phrases: Phrases, unit: str = "") -> str:
    """Return one change in words with its direction: "3.2-fold lower", "12 g/L higher"."""
    side = "lower" if value < 0 else "higher"
    if scale == "linear":
        if value == 0:
            return phrases["same"]
        return phrases[f"difference_{side}"].format(size=_sized(value, unit))
    if round(fold(value, scale), 2) == 1:
        return phrases["same"]
    return phrases[f"fold_{side}"].format(size=folds(value, scale))


def folds(value: float, scale: str) -> str:
    """Return a fold change as it is printed: a digit more below 1.2, where two say nothing."""
    size = fold(value, scale)
    return number(size, 3 if size < 1.195 else 2)


def fold(value: float, scale: str) -> float:
    """Return the fold change behind a logarithm, never below 1 (its direction is the sign)."""
    return float(np.exp2(abs(value)) if scale == "log2" else np.exp(abs(value)))


def _sized(value: float, unit: str) -> str:
    if unit == "share":
        return f"{number(abs(100 * value))}"
    return f"{plain(abs(value))} {unit_words(unit)}".strip()


def interval(low: float, high: float, scale: str, phrases: Phrases, unit: str = "") -> str:
    """Return a 95 % interval in words; both ends on one side of no change are put in short.

    A missing or infinite end is a one-sided bound; no end at all gives "".
    """
    known = [end for end in (low, high) if np.isfinite(end)]
    if not known:
        return ""
    if len(known) == 1:
        return phrases["one_sided"].format(bound=bound(low, high, scale, phrases, unit))
    if low * high > 0:
        near, far = sorted((low, high), key=abs)
        if scale == "linear":
            least = number(abs(100 * near)) if unit == "share" else plain(abs(near))
            return phrases["interval"].format(low=least, high=_sized(far, unit))
        ends = folds(near, scale), folds(far, scale)
        key = "interval_lower" if near < 0 else "interval_higher"
        return phrases[key].format(least=ends[0], less=ends[0], most=ends[1], more=ends[1])
    ends = (amount(end, scale, phrases, unit) for end in (low, high))
    return phrases["interval"].format(**dict(zip(("low", "high"), ends, strict=True)))


def bound(low: float, high: float, scale: str, phrases: Phrases, unit: str = "") -> str:
    """Return a one-sided bound in words: "at least 17-fold lower", "at most 2-fold higher"."""
    end = low if np.isfinite(low) else high
    least = (end > 0) == np.isfinite(low)
    key = "at_least" if least else "at_most"
    return phrases[key].format(amount=amount(end, scale, phrases, unit))


def effect(
    estimate: float, low: float, high: float, scale: str, phrases: Phrases, unit: str = ""
) -> str:
    """Return the size of a change in words: its estimate, else its bound, else ""."""
    if np.isfinite(estimate):
        return amount(estimate, scale, phrases, unit)
    if np.isfinite(low) != np.isfinite(high):
        return bound(low, high, scale, phrases, unit)
    return ""
