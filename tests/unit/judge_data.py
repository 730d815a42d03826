"""The design that tests of the judge share."""


def plan(patients, times=("pre", "post")):
    return {
        "baseline": "pre",
        "timepoints": list(times),
        "samples": [
            {"sample": f"{p}_{t}", "patient": p, "timepoint": t, "day": None, "in_cohort": True}
            for p in patients
            for t in times
        ],
    }
