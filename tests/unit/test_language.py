"""The catalogue of a language: exact texts, patterns, what it refuses; English is untouched."""

import pytest

from immune_reset import language
from immune_reset.errors import InputError

TEXT = """
page:
  before: 治疗前
  no: 否
  "% of {whole}": "占{whole}的 %"
  "% of cells with a {receptor}": "占带 {receptor} 的细胞的 %"
  "{a} vs {b}": "{a} 与 {b} 相比"
figures:
  month {n}: 第 {n} 个月
  B: B 细胞
  before: 治疗前
"""


@pytest.fixture
def chinese():
    language.use("zh", language.load(TEXT))
    yield
    language.use("en", None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no", "否"),
        ("% of B", "占 B 细胞的 %"),  # a space before Latin letters
        ("% of cells with a BCR", "占带 BCR 的细胞的 %"),  # not "% of {whole}"
        ("month 3 vs before", "第 3 个月与治疗前相比"),  # nor "month {n}"
        ("B\nmonth 1", "B 细胞\n第 1 个月"),
        ("IGHV4-34", "IGHV4-34"),
        ("Before", "Before"),
        ("", ""),
    ],
)
def test_texts_are_said_by_the_catalogue(chinese, text, said):
    assert language.code() == "zh"
    assert language.said(text) == said


def test_english_is_untouched():
    language.use("en", language.load(TEXT))
    assert language.said("month 3 vs before") == "month 3 vs before"
    assert language.letters("治疗前") == 3


def test_a_name_of_the_sheet_is_not_a_word():
    language.use("zh", language.without(language.load(TEXT), ["B"]), fonts=["a.ttf"])
    assert language.said("B vs before") == "B 与治疗前相比"
    assert language.fonts() == ("a.ttf",)
    language.use("en", None)
    assert language.fonts() == ()


def test_chinese_is_measured_as_it_will_be_said(chinese):
    assert language.letters("B") == 2 + 2 * language.WIDE
    assert language.letters("IGHM") == 4


def test_a_sentence_without_spaces_is_folded():
    text = "没有足够的细胞，无法估计。"
    lines = language.folded(text, 7 * language.WIDE).split("\n")
    assert "".join(lines) == text and len(lines) == 2
    assert not any(line[0] in "，。" for line in lines)
    assert language.folded("No cell was scored at all.", 5) == "No cell was scored at all."


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: {x: 甲}\nb: {x: 乙}", "'x' is '乙' here and '甲' in line 1"),
        ("a:\n  x: 甲\n  x: 甲", "line 3: 'x' stands already in line 2"),
        ("a:\n  '{n} cells': '{m} 个'", "differ in their placeholders.*Both need n"),
        ("a:\n  '{n}': '{n}'", "no word of its own"),
        ("a:\n  x: [甲]", "line 2: an entry is no pair"),
        ("a:\n  x:", "an entry is no pair"),
        ("a: x", "line 1: 'a' is no mapping"),
        ("", "no section"),
    ],
)
def test_a_catalogue_that_contradicts_itself_is_refused(text, found):
    with pytest.raises(InputError, match=found):
        language.load(text, "zh.yaml")
