"""What became of the claims since the last report of the same folder.

A re-run deletes its outputs first, so what the last report said is kept beside them, in
`{outdir}/history.json`: the last two states that differ. Rendering the same state again compares it
with the same one before.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

State = dict[str, Any]
PRESENTATION = ("report.", "export.", "outdir")  # settings that no claim can depend on
KEYS = ("claim", "scope", "comparison", "compartment")


def state_of(
    views: Sequence[Mapping[str, Any]], settings: Mapping[str, Any], samples: Sequence[str]
) -> State:
    """Return what this report stands on, as JSON holds it.

    `views` are the claims as `claims_text.claim_views` makes them, `settings` every leaf of the
    configuration, `samples` the names in the sheet.
    """
    claims = {" | ".join(str(view[key]) for key in KEYS): _said(view) for view in views}
    kept = {k: v for k, v in settings.items() if not k.startswith(PRESENTATION)}
    state = {"claims": claims, "settings": kept, "samples": sorted(samples)}
    return json.loads(json.dumps(state))


def _said(view: Mapping[str, Any]) -> dict[str, str]:
    numbers = [view[key] for key in ("estimate", "ci_low", "ci_high")]
    described = ", described" if view["described"] else ""
    size = f", {view['short']}" if view["short"] else ""
    return {
        "label": view["label"],
        "scope": view["scope"],
        "comparison": view["comparison"],
        "verdict": f"{view['direction']}, {view['evidence']}",
        "said": f"{view['word']}{size}{described}",
        "numbers": " ".join(f"{n:.6g}" if np.isfinite(n) else "–" for n in numbers),
    }


def remember(text: str, state: State) -> list[State]:
    """Return the last two states that differ, `state` being the last.

    `text` is the history as kept, "" for none; one that cannot be read is begun anew.
    """
    try:
        states = json.loads(text)
    except ValueError:
        states = []
    if not isinstance(states, list) or not all(isinstance(s, dict) for s in states):
        states = []
    return states if states[-1:] == [state] else [*states, state][-2:]


def changes(states: Sequence[State]) -> dict[str, Any] | None:
    """Return what differs between the last two states; None for the first report of a folder.

    `changed` holds the claims whose verdict (direction or kind of evidence) is another, `new` and
    `gone` those of one state alone, `moved` counts claims of the same verdict with other numbers,
    `settings` and `samples` say what was changed before the run.
    """
    if len(states) < 2:
        return None
    before, after = states
    old, new = before["claims"], after["claims"]
    both = [key for key in new if key in old]
    changed = [key for key in both if new[key]["verdict"] != old[key]["verdict"]]
    moved = [key for key in both if new[key]["numbers"] != old[key]["numbers"]]
    return {
        "changed": [new[key] | {"before": old[key]["said"]} for key in changed],
        "new": [new[key] for key in new if key not in old],
        "gone": [old[key] for key in old if key not in new],
        "moved": len(set(moved) - set(changed)),
        "settings": [
            (key, before["settings"].get(key), value)
            for key, value in after["settings"].items()
            if before["settings"].get(key) != value
        ],
        "added": [name for name in after["samples"] if name not in before["samples"]],
        "removed": [name for name in before["samples"] if name not in after["samples"]],
    }
