"""The report in Chinese: no English is left, the catalogue fits the files, English is untouched."""

import re
from pathlib import Path

import pytest
import yaml
from unit import report_claims
from unit import report_jobs as jobs
from unit import report_tables as made
from unit import report_words as words

from immune_reset import language, report, report_columns, report_guard, treatments, typeset

SCRIPTS = jobs.ROOT / "workflow" / "scripts"
CATALOGUE = language.load((jobs.TEMPLATES / "languages/zh.yaml").read_text("utf-8"))
ENTRIES = {key: text for part in CATALOGUE.values() for key, text in part.items()}
CAPTIONS = sorted((jobs.TEMPLATES / "captions").glob("caption_*.html"))
PAGES = [*sorted(jobs.TEMPLATES.glob("*.html")), jobs.TEMPLATES / "report.js"]
CALLED = re.compile(r"\{\{ (?:figure|table|listed)\((.*)\) \}\}")

# what the invented cohort calls its people, samples, measures and units
OWN = {row[key] for row in made.design()["samples"] for key in ("patient", "sample")}
OWN |= {str(name) for name in made.clinical()[["measure", "unit"]].stack()} - {""}
OWN |= {name.replace("_", " ") for name in OWN} | set(made.VERSIONS) | {"Tfh-like", "a", "b"}

# what the invented claims say in words of their own, as the judge would say it
REASONS = {
    "2 B cells at the follow-up": "2 cells at follow-up",
    "3 cells with a BCR at the follow-up": "month_1: 3 B cells with a receptor; "
    "20 cells and 10 repeats needed",
    "1 patient with an estimable pair": "1 patient is estimable at both timepoints; 3 pairs needed",
    "at least 10 cells in both samples would be enough": "enough: 10 cells in both samples",
    "at least 20 cells with a BCR and 10 repeats would be enough": "month_1: 20 cells and "
    "10 repeats",
    "3 patients with an estimable pair would be enough": "3 patients with both timepoints "
    "estimable",
    "bound: 2 B cells at the follow-up": "168 of 1400 to 2 of 1390; in number 41 to 3 cells "
    "per µL, -38 [-50, -29]",
}


@pytest.fixture
def chinese():
    language.use("zh", CATALOGUE)
    yield
    language.use("en", None)


def tables() -> dict:
    """Return the invented cohort's tables, with the sentences that the judge would write."""
    frames = report_claims.every_table()
    claims = frames["claims"].replace({"reason": REASONS, "detail": REASONS})
    labels = "your labels Tfh-like (1,200 cells) are no cell types that are known here"
    guard = frames["design_guard"].replace(
        {
            "your labels Tfh-like (1,200 cells) are no cell types": labels,
            "these cells are in no claim": "lymphocytes have fallen before the baseline",
            "steroids lower interferon genes": treatments.KINDS[0].why,
        }
    )
    fates = frames["clone_fates"].assign(
        text="12 of 160 cells at baseline, 0 of 130 now: found again after it was gone"
    )
    return frames | {"claims": claims, "design_guard": guard, "clone_fates": fates}


def marked() -> set[str]:
    """Return every text of the report's files that a reader may see."""
    found = set()
    for path in PAGES:
        text = path.read_text("utf-8")
        found |= set(report.MARKED.findall(text))
        called = " ".join(CALLED.findall(text))
        found |= {t for t in re.findall(r'"((?:[^"\\]|\\.)*)"', called) if t[-1:] == "."}
    for path in CAPTIONS:
        title, _, body = report.split_caption(path.read_text("utf-8"))
        found |= {title, body}
    sentences = yaml.safe_load((jobs.TEMPLATES / "sentences.yaml").read_text("utf-8"))
    found |= set(leaves({k: part for k, part in sentences.items() if k not in report.UNSAID}))
    columns = [*report_columns.COLUMNS.values(), *report_guard.COLUMNS.values()]
    return found | {head for part in columns for _, head, _ in part}


def leaves(part) -> list[str]:
    """Return every sentence of sentences.yaml that is read."""
    if isinstance(part, dict):
        return [t for key, one in part.items() if key not in report.UNSAID for t in leaves(one)]
    return [part] if isinstance(part, str) else []


def test_no_english_is_left_in_the_report(tmp_path):
    html = jobs.render(tmp_path, tables(), code="zh")
    assert '<html lang="zh-CN">' in html
    assert "Noto Sans CJK SC" in html
    assert words.left(html, OWN) == {}


@pytest.mark.parametrize("without", ["gex", "vdj", "clinical"])
def test_no_english_is_left_where_something_is_missing(tmp_path, without):
    gone = {
        "gex": ["composition", "composition_change", "qc", "clusters", "car_cells"],
        "vdj": ["diversity", "clone_fates", "clones", "isotypes"],
        "clinical": ["clinical"],
    }
    frames = {name: frame for name, frame in tables().items() if name not in gone[without]}
    assert words.left(jobs.render(tmp_path, frames, code="zh"), OWN) == {}


def test_an_entry_that_is_missing_is_found(tmp_path, monkeypatch):
    lacking = {title: dict(part) for title, part in CATALOGUE.items()}
    del lacking["page"]["Samples"]
    monkeypatch.setattr(language, "load", lambda *_: lacking)
    assert "Samples" in words.left(jobs.render(tmp_path, tables(), code="zh"), OWN)


def test_every_text_of_the_files_has_its_translation(chinese):
    same = [text for text in marked() if language.said(text) == text]
    plain = {text: re.sub(r"\{[{%#].*?[}%#]\}|<[^>]*>", " ", text) for text in same}
    assert [text for text, left in plain.items() if words.english(left, OWN)] == []


def asked(text: str) -> set[str]:
    """Return the settings and values that the fields and conditions of a text ask for."""
    fields = " ".join(re.findall(r"\{[{%].*?[}%]\}", text))
    settings = re.findall(r'setting\("([a-z0-9_.]+)"\)', fields)
    return {*settings, *re.findall(r"\b[a-z_]+\.[a-z_]+\b(?!\.tsv)", fields)}


def test_both_sides_ask_for_the_same_settings_and_values():
    assert [text for text, said in ENTRIES.items() if asked(text) != asked(said)] == []


# words that no file of the project holds: users' timepoints, clinical measures, kinds of samples
USERS = {"pre", "post", "follow up", "infection", "lymphocytes", "monocytes", "monocyte count"}
USERS |= {"prednisolone", "day {n}", "week {n}", "month {n}", "year {n}"}
USERS |= {"day_{n}", "week_{n}", "month_{n}", "year_{n}", "{name} vs {other}"}


def sources() -> str:
    """Return all that the files and the code of the project say."""
    files = [*PAGES, *CAPTIONS, jobs.TEMPLATES / "sentences.yaml", jobs.ROOT / "config.yaml"]
    files += [*jobs.ROOT.glob("resources/*/*.tsv"), jobs.ROOT / "workflow/schemas/tables.yaml"]
    told = [path.read_text("utf-8").replace('\\"', '"') for path in files]
    told += [text for path in SCRIPTS.rglob("*.py") for text in words.constants(path)]
    return " ".join("\n".join(told).replace("_", " ").split())


def test_no_entry_is_dead():
    """A text of the files stands there, but for its fields; a sentence of the tables by its words.

    The code puts the latter together from parts, so no more can be told of them.
    """
    told = sources()
    known = set(re.findall(r"[A-Za-z]+", told))
    for text in CATALOGUE["page"]:
        parts = [part.strip(" ;:,.()") for part in language.PLACEHOLDER.split(text)[::2]]
        assert all(" ".join(part.replace("_", " ").split()) in told for part in parts), text
    for text in set(CATALOGUE["values"]) - USERS:
        own = re.findall(r"[A-Za-z]{2,}", language.PLACEHOLDER.sub(" ", text))
        assert set(own) <= known, text


# modules whose sentences reach the report through the tables
SAYING = "judge judge_clinical judge_pathways judge_repertoire judge_rows judge_shares guard"
SAYING += " guard_rows treatments fate_words diversity_rows gene_changes paired pathways"
SAYING += " absolute_changes car cohort_pathways input_remarks report_guard report_views"
# what they say to a developer or a user who runs them, and names of measures, which none reads
UNREAD = ("no p-value, no estimate", "stands twice", "the row", "have no label", "labelled cells")
UNREAD += ("change of", "least change of ln D2", "log2 ratio", "among all cells", "among B cells")
UNREAD += ("the feature", "in no sample's matrix", "Name it as in", "follow-up vs")


@pytest.mark.parametrize("module", SAYING.split())
def test_what_the_tables_say_is_known(chinese, module):
    keys = "\n".join(ENTRIES)
    for text in words.constants(SCRIPTS / "immune_reset" / f"{module}.py"):
        if not re.search(r"[a-z]{2,}[ a-z]* [a-z]", text) or any(name in text for name in UNREAD):
            continue
        known = all(part.strip(" ;:,.()[]") in keys for part in text.split(": "))
        assert known or not words.english(language.said(text), OWN), text


def test_every_kind_of_drug_and_event_says_why(chinese):
    for kind in (*treatments.KINDS, treatments.OTHER_DRUG, treatments.OTHER_EVENT):
        assert words.english(language.said(kind.why), set()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "month_1: 0 B cells with a receptor; 20 cells and 10 repeats needed",
            "第 1 个月：0 个带受体的 B 细胞；需要 20 个细胞和 10 次重复观测",
        ),
        (
            "the 95 % interval excludes no change by itself, but not after Holm's correction over"
            " 7 tests",
            "95% 置信区间本身不包含无变化，但按 Holm 法校正 7 次检验后则不然",
        ),
        (
            "the direction stands in 42 of 108 settings of gene set, stricter quality control and"
            " least cells, not estimable in 36",
            "变动基因集、更严格的质控和最少细胞数的 108 种设置中 42 种方向不变、36 种不可估计",
        ),
        (
            "CRS 2 days before the sample at month 1 and 4 days after the sample at month 3",
            "CRS 早于第 1 个月采样 2 天，晚于第 3 个月采样 4 天",
        ),
        (
            "the 95 % interval excludes no change after Holm's correction, over pathways and then"
            " over cell types",
            "先按通路、再按细胞类型作 Holm 法校正后，95% 置信区间不包含无变化",
        ),
        ("pathways, composition, diversity", "通路、细胞构成、多样性"),
        (
            "P1_before: none of its 120 BCR contigs is accepted (100 not productive, 20 in no"
            " cell).",
            "P1_before：其 120 条 BCR contig 均未被采用（100 条无功能、20 条不属于任何细胞）。",
        ),
        ("stable (possible contamination)", "稳定（可能为污染）"),
        ("Patient 7 of Dr No", "Patient 7 of Dr No"),
    ],
)
def test_sentences_with_numbers_are_said_whole(chinese, text, said):
    assert language.said(text) == said


def test_a_language_is_no_change_since_the_last_report(tmp_path):
    jobs.render(tmp_path, tables())
    kept = (tmp_path / "history.json").read_bytes()
    html = jobs.render(tmp_path, tables(), code="zh")
    assert (tmp_path / "history.json").read_bytes() == kept
    assert 'id="since"' not in html


def test_what_changed_since_the_last_report_is_said_in_chinese(tmp_path):
    jobs.render(tmp_path, tables())
    claims = tables()["claims"]
    other = claims["direction"].replace({"decreased": "no change shown"})
    html = jobs.render(tmp_path, tables() | {"claims": claims.assign(direction=other)}, code="zh")
    assert "自上次报告以来" in html
    assert words.left(html, OWN) == {}


@pytest.mark.parametrize(
    ("glued", "set_in_type"),
    [
        ("第 1 个月, 第 3 个月 (32 %)", "第 1 个月、第 3 个月 (32%)"),
        ("升高; 降低: <b>3</b>", "升高；降低：<b>3</b>"),
        ("未检出。 <span>共 3 个</span>", "未检出。<span>共 3 个</span>"),
        ("<strong>标题。</strong> 正文 （注）", "<strong>标题。</strong>正文（注）"),
        ("LN01, LN02: 5 g; x", "LN01, LN02: 5 g; x"),
    ],
)
def test_chinese_is_set_in_its_own_manner(glued, set_in_type):
    assert typeset.chinese(glued) == set_in_type


def test_catalogues_are_found_by_their_code():
    schema = yaml.safe_load((jobs.ROOT / "workflow/schemas/config.schema.yaml").read_text("utf-8"))
    codes = schema["properties"]["report"]["properties"]["language"]["enum"]
    found = {Path(path).stem for path in (jobs.TEMPLATES / "languages").glob("*.yaml")}
    assert set(codes) == found | {"en"}
