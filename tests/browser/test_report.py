"""The report in headless Chromium: it renders, sorts and filters, asks for nothing, and prints."""

import html
import json
import re
import shutil
import subprocess

import pytest
from unit import report_jobs as jobs

pytestmark = pytest.mark.browser
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=4000",
)
FIRST = """
window.told = [];
document.addEventListener("securitypolicyviolation", e => told.push("refused " + e.blockedURI));
window.addEventListener("error", e => told.push("error " + e.message));
"""
PROBE = """
window.addEventListener("load", function () {
  const found = {told: window.told};
  found.requests = performance.getEntriesByType("resource").map(e => e.name);
  found.pictures = Array.from(document.images, i => i.complete && i.naturalWidth);

  const link = document.querySelector('.filtered a[href="tables/clone_fates.tsv"]');
  const table = link.closest("table");
  const column = Array.from(table.tHead.rows[0].cells).findIndex(h => h.matches(".num"));
  const head = table.tHead.rows[0].cells[column];
  const read = () => Array.from(table.tBodies[0].rows, r => r.cells[column].textContent.trim());
  head.querySelector("button").click();
  found.up = [head.getAttribute("aria-sort"), read()];
  head.querySelector("button").click();
  found.down = [head.getAttribute("aria-sort"), read()];

  const box = table.closest(".filtered"), input = box.querySelector("input");
  const shown = () => Array.from(table.tBodies[0].rows).filter(r => !r.hidden);
  input.value = shown()[0].cells[0].textContent;
  input.dispatchEvent(new Event("input"));
  found.word = input.value;
  found.matching = shown().map(r => r.textContent);
  found.status = box.querySelector("[role=status]").textContent;
  input.value = "no such clone";
  input.dispatchEvent(new Event("input"));
  found.none = shown().length;
  input.value = "";
  input.dispatchEvent(new Event("input"));
  found.all = shown().length;

  window.dispatchEvent(new Event("beforeprint"));
  found.folded = document.querySelectorAll("details:not([open])").length;
  const sheet = document.createElement("style");  // what holds in print, on a body as wide as A4
  for (const rule of document.styleSheets[0].cssRules)
    if (rule.media && rule.media.mediaText === "print")
      sheet.textContent += Array.from(rule.cssRules, r => r.cssText).join(" ");
  document.head.append(sheet);
  const mm = 96 / 25.4, page = {width: 186 * mm, height: 269 * mm};
  document.body.style.width = page.width + "px";
  found.cut = Array.from(document.querySelectorAll("figure, figure img, table"))
    .map(e => [e.tagName, e.getBoundingClientRect(), e.textContent.trim().slice(0, 60)])
    .filter(([tag, at]) => at.right > page.width + 1 || at.height > page.height && tag !== "TABLE")
    .map(([tag, at, text]) => [tag, Math.round(at.right), Math.round(at.height), text]);
  found.figures = document.querySelectorAll("figure img").length;

  const answer = document.createElement("pre");
  answer.id = "probe";
  answer.textContent = JSON.stringify(found);
  document.body.append(answer);
});
"""


@pytest.fixture(scope="session")
def browser() -> str:
    """The browser's command, or a skip that says that it is missing."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip("no chromium on this machine")
    return found


@pytest.fixture(scope="session")
def report(tmp_path_factory):
    """The invented cohort's report, with the figures of its clones."""
    folder = tmp_path_factory.mktemp("report")
    figures = sorted(jobs.draw("plot_clones", folder).glob("*.png"))
    jobs.render(folder, figures=figures)
    return folder / "report.html"


def run(browser: str, profile, *arguments: str) -> subprocess.CompletedProcess:
    command = [browser, *FLAGS, f"--user-data-dir={profile}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


@pytest.fixture(scope="session")
def probed(browser, report, tmp_path_factory):
    """What a script inside the loaded page saw and did, and what the console said."""
    folder = tmp_path_factory.mktemp("probe")
    page = report.read_text(encoding="utf-8")
    page = page.replace("<style>", f"<script>{FIRST}</script>\n<style>", 1)
    page = page.replace("</body>", f"<script>{PROBE}</script>\n</body>")
    (folder / "report.html").write_text(page, encoding="utf-8")
    done = run(browser, folder / "profile", "--dump-dom", (folder / "report.html").as_uri())
    answer = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.DOTALL)
    assert answer, done.stderr[-3000:]
    return json.loads(html.unescape(answer[1])) | {"console": done.stderr}


def test_the_page_renders_without_a_word_on_the_console(browser, report, tmp_path):
    done = run(browser, tmp_path, "--dump-dom", report.as_uri())
    assert "CONSOLE" not in done.stderr
    assert "<table" in done.stdout
    assert "<button" in done.stdout  # the headers that sort, made by the script
    assert 'type="search"' in done.stdout  # the filter of the fates


def test_nothing_is_asked_of_the_network(probed):
    assert probed["told"] == []
    assert [name for name in probed["requests"] if not name.startswith("data:")] == []


def test_every_picture_loads(probed):
    assert probed["pictures"]
    assert all(width > 0 for width in probed["pictures"])


def test_a_click_on_a_header_sorts_by_number_and_a_second_one_turns_it_round(probed):
    def numbers(texts):
        return [float(re.sub(r"[^\d.]", "", text) or "-inf") for text in texts]

    assert probed["up"][0] == "ascending"
    assert numbers(probed["up"][1]) == sorted(numbers(probed["up"][1]))
    assert len(set(probed["up"][1])) > 2
    assert probed["down"][0] == "descending"
    assert numbers(probed["down"][1]) == sorted(numbers(probed["up"][1]), reverse=True)


def test_the_filter_keeps_the_rows_that_hold_the_word(probed):
    assert 0 < len(probed["matching"]) < probed["all"]
    assert all(probed["word"] in text for text in probed["matching"])
    assert probed["status"] == f"{len(probed['matching'])} of {probed['all']} rows"
    assert probed["none"] == 0


def test_nothing_is_cut_or_folded_away_in_print(probed):
    assert probed["figures"] >= 2
    assert probed["folded"] == 0
    assert probed["cut"] == []


def test_it_prints_as_pages(browser, report, tmp_path):
    target = tmp_path / "report.pdf"
    arguments = ("--no-pdf-header-footer", f"--print-to-pdf={target}", report.as_uri())
    run(browser, tmp_path / "profile", *arguments)
    assert target.read_bytes().startswith(b"%PDF")
    assert target.read_bytes().count(b"/Type /Page\n") + target.read_bytes().count(b"/Page ") > 3
