"""The report in Chromium through its DevTools: pages, map, keyboard, access, speed, print."""

import json
import shutil
import time
from importlib.resources import files
from types import SimpleNamespace

import pytest
from browser.devtools import launched
from unit import report_claims
from unit import report_jobs as jobs
from unit import report_tables as made

import thin_cells

pytestmark = pytest.mark.browser
WAIT = """new Promise((done, fail) => {
  const end = performance.now() + 20000;
  (function look() {
    if (%s) done(true);
    else if (performance.now() > end) fail(new Error("waited in vain"));
    else setTimeout(look, 50);
  })();
})"""
STATUS = "document.querySelector('#cellmap [role=status]').textContent"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The invented cohort's report with a course of each patient, figures and the map."""
    folder = tmp_path_factory.mktemp("pages")
    drawn = jobs.draw("plot_patient", folder / "drawn") / "patient.png"
    figures = [*jobs.draw("plot_cells", folder / "drawn").glob("umap*.png")]
    for patient in made.PATIENTS:
        figures.append(shutil.copy(drawn, folder / f"patient_{patient}.png"))
    given = report_claims.write_parquet(folder / "cohort", made.atlas(900))
    job = SimpleNamespace(
        input=jobs.Files(umap=given["umap"], labels=given["labels"], scores=[given["scores"]]),
        output=jobs.Files(map=str(folder / "map.json")),
        params=SimpleNamespace(cfg={"seed": 0}, design=made.design()),
        log=[],
    )
    thin_cells.main(job)
    jobs.render(folder, figures=figures, cell_map=job.output.map)
    return folder / "report.html"


@pytest.fixture(scope="module")
def browser():
    """A browser for the tests of this file, or a skip that says that it is missing."""
    command = shutil.which("chromium") or shutil.which("chromium-browser")
    if not command:
        pytest.skip("no chromium on this machine")
    with launched(command) as started:
        yield started


@pytest.fixture
def page(browser, report):
    browser.resize(1280)
    browser.open(report.as_uri())
    return browser


def test_nothing_is_said_and_nothing_asked_not_even_by_the_open_map(page, report):
    assert page.run("typeof window.Plotly") == "undefined"  # costs nothing before it is opened
    page.run("document.querySelector('#cellmap button').click()")
    page.run(WAIT % f"{STATUS}.startsWith('Coloured by')")
    for value in ("timepoint", "patient", "interferon", "cell_type"):
        page.run(f"""(() => {{ const s = document.querySelector('#cellmap select');
            s.value = '{value}'; s.dispatchEvent(new Event('change')); }})()""")
        page.run(WAIT % f"{STATUS}.startsWith('Coloured by {value.replace('_', ' ')}')")
        assert page.run("document.querySelectorAll('#cellmap .points path').length") == 900
    noise = "WebGL"  # a machine without a graphics card
    assert [text for text in page.told() if noise not in text] == []
    assert page.asked() == [report.as_uri()]


def test_the_map_is_opened_and_steered_by_keyboard(page):
    page.run("document.querySelector('#cellmap button').focus()")
    page.key("Enter", 13, "\r")
    page.run(WAIT % f"{STATUS}.startsWith('Coloured by')")
    assert page.run("document.activeElement.tagName") == "SELECT"
    page.key("ArrowDown", 40)
    page.run(WAIT % f"{STATUS}.startsWith('Coloured by timepoint')")
    data = json.loads(page.run("document.getElementById('map-cells').textContent"))
    n = data["timepoint"]["codes"].count(0)
    assert f"baseline {n}" in page.run(STATUS)


def test_every_picture_loads(page):
    sizes = page.run("Array.from(document.images, i => i.complete && i.naturalWidth)")
    assert len(sizes) == 7
    assert all(sizes)


def test_a_link_to_a_folded_page_unfolds_it(page):
    folded = "document.querySelector('#patient-P2 details.patient').open"
    assert page.run(folded) is False
    page.run("document.querySelector('.jump a[href=\"#patient-P2\"]').click()")
    page.run(WAIT % folded)
    page.run(
        WAIT % "Math.abs(document.querySelector('#patient-P2').getBoundingClientRect().top) < 200"
    )


def test_a_table_sorts_by_keyboard_and_says_so(page):
    page.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    table = "document.querySelector('#patient-P1 table.sortable')"
    page.run(f"{table}.tHead.rows[0].cells[3].querySelector('button').focus()")
    page.key("Enter", 13, "\r")
    page.key("Enter", 13, "\r")
    assert page.run(f"{table}.tHead.rows[0].cells[3].getAttribute('aria-sort')") == "descending"
    texts = page.run(f"Array.from({table}.tBodies[0].rows, r => r.cells[3].textContent.trim())")
    numbers = [int(text) for text in texts]
    assert numbers == sorted(numbers, reverse=True) and len(set(numbers)) > 2


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_no_serious_fault_and_nothing_is_wider_than_the_screen(page, width):
    page.resize(width)
    page.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert page.run("document.documentElement.scrollWidth") <= width
    page.run((files("axe_core_python") / "axe.min.js").read_text("utf-8") + "; 1")
    found = page.run("""axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations
        .map(v => [v.impact, v.id, v.nodes.slice(0, 3).map(n => n.html.slice(0, 200))]))""")
    assert [fault for fault in found if fault[0] in ("serious", "critical")] == []


def test_the_first_paint_takes_less_than_two_seconds_on_a_slow_machine(page, report):
    page.call("Emulation.setCPUThrottlingRate", rate=4)
    try:
        page.open(report.as_uri())
        time.sleep(0.5)
        paint = "performance.getEntriesByName('first-contentful-paint').map(e => e.startTime)"
        [milliseconds] = page.run(paint)
    finally:
        page.call("Emulation.setCPUThrottlingRate", rate=1)
    assert milliseconds < 2000


def test_in_print_no_figure_is_cut_and_every_page_is_unfolded(page):
    page.run("window.dispatchEvent(new Event('beforeprint'))")
    page.call("Emulation.setEmulatedMedia", media="print")
    mm = 96 / 25.4
    page.resize(round(186 * mm), round(269 * mm))
    try:
        assert page.run("document.querySelectorAll('details:not([open])').length") == 0
        sizes = page.run("""Array.from(document.querySelectorAll("figure"), f => {
            const at = f.getBoundingClientRect(); return [at.right, at.height, f.id]; })""")
        cut = [s for s in sizes if s[0] > 186 * mm + 1 or s[1] > 269 * mm]
        assert len(sizes) == 7 and cut == []
        shown = "getComputedStyle(document.querySelector('#cellmap')).display"
        assert page.run(shown) == "none"  # the pictures below it are printed
    finally:
        page.call("Emulation.setEmulatedMedia", media="")
