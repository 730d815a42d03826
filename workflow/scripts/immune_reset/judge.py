"""The rule of every claim, in one place: what it takes to say that something changed.

A *finding* is what one table offers for one claim, scope, comparison and compartment: an
estimate with its interval and p-value, or the reason why there is none. `judge` turns findings
into verdicts:

1. Holm's correction within family and scope. A scope is one patient or the cohort, so a further
   patient changes no other patient's verdict.
2. *increased* / *decreased*: the corrected p is below `alpha` and the 95 % interval excludes no
   change; within a patient the change is also at least the smallest claimed (`minimum`), and
   nothing stands against it (`veto`: another estimator that moves the other way).
3. *no change shown*: tested, and 2 does not hold. *not estimable*: no test could be made; the
   reason and what would be enough are said.
4. Evidence: *cohort* (patients are the replicates, 3 pairs or more), *within-patient* (the
   interval covers the sampling of cells and nothing else), *descriptive* (no inference).
   What the design guard found (`immune_reset.guard`) lowers it to descriptive where no test can
   see the fault, such as a batch that changes with time; the column `guard` names the rest.

Which table, which rows and which test stand behind each claim: `judge_cells` (cell types,
pathways, CAR T cells, clinical measures) and `judge_repertoire` (diversity, clones).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from immune_reset import design as designs
from immune_reset.guard_rows import Notes, guard
from immune_reset.multiplicity import holm
from immune_reset.paired import MIN_PAIRS, Paired, paired_t, sign_flip_words

COHORT = "cohort"
WORDS = ("increased", "decreased")
UNCHANGED, UNKNOWN = "no change shown", "not estimable"
PAIRS_ENOUGH = f"{MIN_PAIRS} patients with both timepoints estimable"
EXCLUDES, INCLUDES = "excludes no change", "includes no change"
ONE_LIBRARY = "cell level, one library per time: batch, day and patient are not in the interval"
COLUMNS = [
    "claim", "family", "scope", "compartment", "comparison", "measure", "n_baseline", "n_followup",
    "estimate", "ci_low", "ci_high", "p_value", "p_floor", "q_value", "direction", "reason",
    "evidence", "detail", "guard", "enough",
]  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """What a table says on one claim in one scope and comparison.

    `estimate` with `ci_low`, `ci_high` (one NaN: a bound) and `p_value`; without a p-value either
    `reason` says why (not estimable), or the estimate is descriptive. `q_value` is set only where
    a hierarchical test has corrected already (`correction` says how). `minimum` is the smallest
    change claimed, of `effect` where given, else of `estimate`; `veto` is why a change is not
    claimed all the same, `enough` what would be enough.
    A `bound` can show a change and never that there is none: short of a claim it is not estimable,
    though it counts as a test. `if_changed` joins the detail of a claimed change alone.
    """

    claim: str
    family: str
    scope: str
    comparison: str
    measure: str
    compartment: str = ""
    n_baseline: float = math.nan
    n_followup: float = math.nan
    estimate: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan
    p_value: float = math.nan
    p_floor: float = math.nan
    q_value: float = math.nan
    minimum: float = 0.0
    effect: float = math.nan
    veto: str = ""
    reason: str = ""
    enough: str = ""
    detail: str = ""
    bound: bool = False
    correction: str = ""
    if_changed: str = ""


class Cohort:
    """The design as the judge needs it: who is compared, when, and what stands against it."""

    def __init__(
        self, design: designs.Design, *, min_expected: float = 5, notes: pd.DataFrame | None = None
    ):
        """Read the gather design; controls are no scope, secondary tissues not of the cohort.

        `min_expected` is the number of cells that a ratio of two shares needs on both sides;
        `notes` the table of the design guard, made from the design alone where it is None.

        Where no timepoint follows the baseline, one comparison with a "follow-up" that nobody
        has stands in, so that every claim has its row.
        """
        samples = designs.frame(design).astype({"timepoint": str})
        if "group" in samples:
            samples = samples.loc[samples["group"].fillna("").ne("control")]
        absent = ("follow-up", design["baseline"], f"follow-up vs {design['baseline']}")
        self.samples = samples
        self.min_expected = min_expected
        self.comparisons = designs.comparisons(design) or [absent]
        self.patients = list(samples["patient"].unique())
        self.members = list(samples.loc[samples["in_cohort"].astype(bool), "patient"].unique())
        self._sampled = set(zip(samples["patient"], samples["timepoint"], strict=True))
        self.notes = Notes(guard(design) if notes is None else notes)

    def gap(self, patient: str, followup: str, baseline: str) -> str:
        """Return the timepoint of the comparison that the patient lacks, or ""."""
        return next((t for t in (baseline, followup) if (patient, t) not in self._sampled), "")


def judge(findings: Iterable[Finding], cohort: Cohort, *, alpha: float) -> pd.DataFrame:
    """Return the claims, one row per finding, in the order given (columns `COLUMNS`)."""
    found = list(findings)
    frame = pd.DataFrame([vars(f) for f in found])
    q = frame["q_value"].to_numpy(dtype=float, copy=True)
    tests = np.zeros(len(frame), dtype=int)
    for _, index in frame.groupby(["scope", "family"], sort=False).indices.items():
        p = frame["p_value"].to_numpy(dtype=float)[index]
        tests[index] = int((~np.isnan(p)).sum())
        corrected = holm(p)
        q[index] = np.where(np.isnan(q[index]), corrected, q[index])
    rows = [
        _verdict(replace(f, q_value=float(q[i])), int(tests[i]), cohort, alpha)
        for i, f in enumerate(found)
    ]
    claims = pd.DataFrame(rows, columns=COLUMNS)
    return _tally(claims, cohort)


def _verdict(f: Finding, n_tests: int, cohort: Cohort, alpha: float) -> dict:
    direction, reason = decide(f, n_tests=n_tests, alpha=alpha)
    if math.isnan(f.p_value) or direction == UNKNOWN:
        evidence = "descriptive"
    else:
        evidence = COHORT if f.scope == COHORT else "within-patient"
    detail = [f.if_changed if direction in WORDS else "", f.detail]
    if evidence == "within-patient":
        detail.append(ONE_LIBRARY)
    evidence, reason = lowered(f, evidence, reason, cohort.notes)
    if direction == UNKNOWN and f.enough:
        detail.append(f"enough: {f.enough}")
    row = {name: getattr(f, name, "") for name in COLUMNS}
    return row | {
        "direction": direction,
        "reason": reason,
        "evidence": evidence,
        "detail": "; ".join(part for part in detail if part),
        "enough": f.enough if direction == UNKNOWN else "",
        "guard": cohort.notes.checks(f.scope, f.comparison, f.family, f.claim),
    }


def decide(f: Finding, *, n_tests: int, alpha: float) -> tuple[str, str]:
    """Return (direction, reason) of a finding whose `q_value` is corrected for `n_tests` tests."""
    if math.isnan(f.p_value) or math.isnan(f.q_value):
        if f.reason:
            return UNKNOWN, f.reason
        if math.isnan(f.estimate):
            raise ValueError(f"{f.claim} of {f.scope}: no p-value, no estimate and no reason")
        word = UNCHANGED if f.estimate == 0 else WORDS[f.estimate < 0]
        return word, "one patient's two values: no inference"
    claimed, why = _claimed(f, n_tests=n_tests, alpha=alpha)
    if claimed:
        return WORDS[_size(f) < 0], why
    return (UNKNOWN, "; ".join(filter(None, [f.reason, why]))) if f.bound else (UNCHANGED, why)


def _claimed(f: Finding, *, n_tests: int, alpha: float) -> tuple[bool, str]:
    excludes, limits = f.ci_low > 0 or f.ci_high < 0, "bound" if f.bound else "95 % interval"
    words = f.correction or (
        f"after Holm's correction over {n_tests} {'test' if n_tests == 1 else 'tests'}"
    )
    fold = f"{(math.e if f.family == 'diversity' else 2) ** f.minimum:.2g}-fold"
    if f.q_value >= alpha:
        told = f"{EXCLUDES} by itself, but not {words}" if excludes else INCLUDES
        return False, f"the {limits} {told}"
    if not excludes and alpha <= 0.05:
        return False, f"the {limits} {INCLUDES}"
    effect = _size(f) if math.isnan(f.effect) else f.effect
    if abs(effect) < f.minimum:
        return False, f"smaller than the least change that is claimed ({fold})"
    if f.veto:
        return False, f.veto
    least = f"; the least change that is claimed is {fold}" if f.minimum else ""
    return True, f"the {limits} {EXCLUDES} {words}{least}"


def _size(f: Finding) -> float:
    """Return the change: the estimate, or of a bound the end that lies nearer to 0."""
    if not math.isnan(f.estimate):
        return f.estimate
    if f.ci_low > 0:
        return f.ci_low
    return f.ci_high if f.ci_high < 0 else 0.0


def lowered(f: Finding, evidence: str, reason: str, notes: Notes) -> tuple[str, str]:
    """Return (evidence, reason) after the design guard."""
    why = (
        ""
        if evidence == "descriptive"
        else notes.lowering(f.scope, f.comparison, f.family, f.claim)
    )
    return ("descriptive", f"{reason}; {why}") if why else (evidence, reason)


def _tally(claims: pd.DataFrame, cohort: Cohort) -> pd.DataFrame:
    """Add to every cohort row in how many patients the claim holds; of two, "both patients"."""
    key = ["claim", "compartment", "comparison"]
    own = claims.loc[claims["scope"].isin(cohort.members)]
    groups = dict(list(own.groupby(key, sort=False)))
    for i in claims.index[claims["scope"] == COHORT]:
        group = groups.get(tuple(claims.loc[i, key]))
        if group is None:
            continue
        known = group.loc[group["direction"] != UNKNOWN]
        if known.empty and group["reason"].nunique() == 1:
            claims.loc[i, "reason"] = group["reason"].iloc[0]
        words = [
            f"{int((known['direction'] == word).sum())} of {len(known)} patients {word}"
            for word in WORDS
            if (known["direction"] == word).any()
        ]
        claims.loc[i, "detail"] = "; ".join(
            filter(None, [", ".join(words), claims.loc[i, "detail"]])
        )
        if len(known) == 2 and claims.loc[i, "direction"] == UNKNOWN:
            both = known["direction"].iloc[0] if known["direction"].nunique() == 1 else ""
            start = f"both patients {both}" if both in WORDS else "the two patients differ"
            start = "no change shown in either patient" if both == UNCHANGED else start
            claims.loc[i, "reason"] = f"{start}; {claims.loc[i, 'reason']}"
    return claims


def cohort_finding(values: dict[str, float], template: Finding, *, unit: str = "pairs") -> Finding:
    """Return the cohort's finding from each patient's change: paired t, patients as replicates.

    `values` maps patient to change (NaN: not estimable). Below `MIN_PAIRS` the row holds the mean
    and the reason; p and interval need spread between the patients.
    """
    test = paired_t(list(values.values()))
    absent = [patient for patient, value in values.items() if math.isnan(value)]
    detail = [template.detail, f"not counted: {', '.join(absent)}" if absent and test.n else ""]
    detail.append(sign_flip_words(test.p_sign_flip, test.p_floor, test.n))
    return replace(
        template,
        scope=COHORT,
        n_baseline=test.n,
        n_followup=test.n,
        estimate=test.mean,
        ci_low=test.ci_low,
        ci_high=test.ci_high,
        p_value=test.p,
        p_floor=test.p_floor,
        minimum=0.0,
        reason=_why_no_cohort(test, unit),
        enough=PAIRS_ENOUGH,
        detail="; ".join(part for part in detail if part),
    )


def _why_no_cohort(test: Paired, unit: str) -> str:
    if test.n < MIN_PAIRS:
        found = {0: "no patient is", 1: "1 patient is"}.get(test.n, f"{test.n} patients are")
        return f"{found} estimable at both timepoints; {MIN_PAIRS} {unit} needed"
    return "all patients changed by the same amount: no spread" if math.isnan(test.p) else ""
