"""Numbers in words, against hand arithmetic."""

import numpy as np
import pytest
import yaml
from unit.report_jobs import TEMPLATES

from immune_reset import wording
from immune_reset.strips import strip

PHRASES = yaml.safe_load((TEMPLATES / "sentences.yaml").read_text())["phrases"]
NAN = np.nan


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.249, "3.2"),
        (0.0456, "0.046"),
        (1234.5, "1,200"),
        (0, "0"),
        (-8, "−8.0"),
        (99.6, "100"),
        (np.inf, "–"),
    ],
)
def test_two_significant_figures(value, text):
    assert wording.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.25, "0.25"), (0.00012, "0.00012"), (9e-5, "< 0.0001"), (NAN, "–")]
)
def test_p_values(value, text):
    assert wording.p_value(value) == text


@pytest.mark.parametrize(
    ("measure", "scale"),
    [
        ("change of log2 share of UMIs, ISG28 in B", "log2"),
        ("log2 ratio of B cells among all cells", "log2"),
        ("change of ln D1 at equal numbers of cells", "ln"),
        ("least change of ln D2, from a bound", "ln"),
        ("difference (IU/mL)", "linear"),
        ("change of share", "linear"),
    ],
)
def test_the_scale_is_told_by_the_measure(measure, scale):
    assert wording.scale_of(measure) == scale


def test_a_fold_and_its_interval():
    numbers = (np.log2(1 / 3.2), np.log2(1 / 4.9), np.log2(1 / 2.1), "log2", PHRASES)
    assert wording.effect(*numbers) == "3.2-fold lower"
    assert wording.interval(*numbers[1:]) == "95 % interval 2.1 to 4.9"


def test_natural_logarithms():
    assert wording.effect(1.0, 0.5, 1.5, "ln", PHRASES) == "2.7-fold higher"


def test_an_interval_over_no_change_names_both_directions():
    text = wording.interval(-1, 0.5, "log2", PHRASES)
    assert text == "95 % interval 2.0-fold lower to 1.4-fold higher"


def test_differences_keep_their_unit():
    assert wording.effect(-7.3, NAN, NAN, "linear", PHRASES, "g/24h") == "7.3 g/24h lower"
    assert wording.interval(-9, -5.5, "linear", PHRASES) == "95 % interval 5.5 to 9"
    assert wording.effect(0.0, NAN, NAN, "linear", PHRASES) == "the same"


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (NAN, -4.0, "at least 16-fold lower"),
        (1.0, NAN, "at least 2.0-fold higher"),
        (NAN, 1.0, "at most 2.0-fold higher"),
        (-1.0, np.inf, "at most 2.0-fold lower"),
    ],
)
def test_one_sided_bounds(low, high, text):
    assert wording.effect(NAN, low, high, "log2", PHRASES) == text


def test_no_numbers_no_words():
    assert wording.effect(NAN, NAN, NAN, "log2", PHRASES) == ""
    assert wording.interval(NAN, NAN, "log2", PHRASES) == ""


def test_the_small_picture_stands_where_the_number_is():
    picture = str(strip(0.0, -1.5, 1.5, "log2"))
    assert 'cx="84.0"' in picture  # the middle: no change
    assert 'x1="46.0" x2="122.0"' in picture  # half way to the ends, which are 8-fold
    assert "head" not in picture


def test_what_leaves_the_scale_gets_an_arrow_head():
    away = str(strip(-5, -6, -4, "log2"))
    assert away.count('class="head"') == 1
    assert "dot" not in away
    assert str(strip(NAN, NAN, -4.1, "log2")).count('class="head"') == 1
    assert strip(NAN, NAN, NAN, "log2") == ""


def test_units_are_written_as_they_are_read():
    assert wording.unit_words("10^9/L") == "× 10⁹/L"
    assert wording.unit_words("g/L") == "g/L"
    assert wording.unit_words("m^2") == "m²"
    assert wording.interval(-0.2, -0.5, "linear", PHRASES, "g/L") == "95 % interval 0.2 to 0.5 g/L"


def test_what_rounding_leaves_of_zero_is_zero():
    assert wording.percent(7e-18) == "0 %"
