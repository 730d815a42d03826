"""The report in headless Chromium: it renders, says nothing on the console, asks for nothing."""

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


def test_the_page_renders_without_a_word_on_the_console(browser, report, tmp_path):
    done = run(browser, tmp_path, "--dump-dom", report.as_uri())
    assert "CONSOLE" not in done.stderr
    assert "<table" in done.stdout
    assert "<button" in done.stdout  # the headers that sort, made by the script
    assert 'type="search"' in done.stdout  # the filter of the fates


def test_it_prints_as_pages(browser, report, tmp_path):
    target = tmp_path / "report.pdf"
    arguments = ("--no-pdf-header-footer", f"--print-to-pdf={target}", report.as_uri())
    run(browser, tmp_path / "profile", *arguments)
    assert target.read_bytes().startswith(b"%PDF")
    assert target.read_bytes().count(b"/Type /Page\n") + target.read_bytes().count(b"/Page ") > 3
