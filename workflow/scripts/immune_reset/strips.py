"""The small picture beside a claim: estimate and interval on one line, as inline SVG."""

import numpy as np
from markupsafe import Markup

WIDTH, HEIGHT, PAD = 168, 22, 8
FOLDS = 3.0  # the scale ends at 8-fold (log2 3) on either side


def strip(estimate: float, low: float, high: float, scale: str) -> Markup:
    """Return an SVG strip of an estimate with its interval; "" where nothing is known.

    Logarithmic measures share one scale, 8-fold lower to 8-fold higher; others are scaled to
    their own largest number. An end beyond the scale, or open, is an arrow head. The sentence
    beside it says the same, so the picture is hidden from screen readers.
    """
    numbers = np.array([estimate, low, high], dtype=float)
    if not np.isfinite(numbers).any():
        return Markup("")
    limit = FOLDS
    if scale == "linear":
        limit = 1.15 * np.abs(numbers[np.isfinite(numbers)]).max() or 1.0
    elif scale == "ln":
        numbers = numbers / np.log(2)
    value, start, end = numbers / limit
    bounded = np.isfinite([start, end])
    if not bounded.any():
        start = end = value
    elif not bounded.all():
        start, end = (start, np.inf) if bounded[0] else (-np.inf, end)
    parts = [_line(-1, 1, "axis"), _tick(0), _line(start, end, "range")]
    parts += [_head(-1, "left")] if start < -1 else []
    parts += [_head(1, "right")] if end > 1 else []
    parts += [_dot(value)] if abs(value) <= 1 else []  # beyond the scale the arrow head says it
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    return Markup(f'<svg class="strip" {size} aria-hidden="true">{"".join(parts)}</svg>')


def _x(value: float) -> float:
    return round(PAD + (np.clip(value, -1, 1) + 1) / 2 * (WIDTH - 2 * PAD), 1)


def _line(start: float, end: float, kind: str) -> str:
    y = HEIGHT / 2
    return f'<line class="{kind}" x1="{_x(start)}" x2="{_x(end)}" y1="{y}" y2="{y}"/>'


def _tick(value: float) -> str:
    return f'<line class="zero" x1="{_x(value)}" x2="{_x(value)}" y1="2" y2="{HEIGHT - 2}"/>'


def _head(value: float, side: str) -> str:
    x, y, step = _x(value), HEIGHT / 2, -7 if side == "right" else 7
    return f'<path class="head" d="M{x} {y} l{step} -4.5 v9 z"/>'


def _dot(value: float) -> str:
    return f'<circle class="dot" cx="{_x(value)}" cy="{HEIGHT / 2}" r="4.2"/>'
