"""The report in a real browser: it asks for nothing, complains of nothing, sorts, filters, and fits a phone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops.report.html import page_html
from dbops.report.page import Page
from tests.browser.chromium import Browser, find
from tests.needs import need
from tests.unit import samples_report as samples

ROWS = "[...document.querySelectorAll('.tables tbody:not(.out):not(.later) tr th')].map(cell => cell.textContent)"
VISIBLE = "[...document.querySelectorAll('.tables tbody tr')].filter(row => row.getClientRects().length).length"
FIND = """(text => { const box = document.querySelector('.finder [type=search]'); box.value = text;
box.dispatchEvent(new Event('input', {bubbles: true})); })"""
CONTRAST = """(() => {
  const channel = value => { value /= 255; return value <= .03928 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4; };
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
  const behind = element => { for (let at = element; at; at = at.parentElement) {
    const color = parse(getComputedStyle(at).backgroundColor);
    if (color.length === 3 || color[3] === 1) return color; } return [255, 255, 255]; };
  const poor = new Set();
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.getClientRects().length || element.closest('svg, .sr, .skip')) continue;
    const style = getComputedStyle(element);
    const pair = [light(parse(style.color)), light(behind(element))].sort((a, b) => b - a);
    const ratio = (pair[0] + .05) / (pair[1] + .05);
    if (ratio < 4.5) poor.add(`${element.tagName}.${element.className}: ${ratio.toFixed(2)}`);
  }
  return [...poor];
})()"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = find() or need("no Chromium on this machine (Debian: apt-get install chromium)")
    with Browser(program) as running:
        yield running


def opened(browser: Browser, folder: Path, page: Page) -> float:
    path = folder / "report.html"
    path.write_text(page_html(page))
    return browser.open(path)


def quiet(browser: Browser) -> None:
    assert browser.complaints() == []
    assert browser.requests() == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("name", [*samples.CLASSES, "check"])
def test_page_fits_and_is_quiet(browser: Browser, tmp_path: Path, name: str, width: int, dark: bool) -> None:
    browser.look(width=width, dark=dark)
    opened(browser, tmp_path, samples.check_page() if name == "check" else samples.page(samples.CLASSES[name]()))
    assert browser.eval("document.documentElement.scrollWidth") <= width
    assert browser.eval("document.body.scrollWidth") <= width
    assert browser.eval("getComputedStyle(document.body).backgroundColor") == (
        "rgb(21, 24, 27)" if dark else "rgb(247, 247, 245)"
    )
    assert browser.eval(CONTRAST) == []
    quiet(browser)


def test_columns_sort_by_mouse_and_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    browser.look(width=1200)
    opened(browser, tmp_path, samples.page(samples.good()))
    browser.eval("document.querySelectorAll('.tables th button')[2].click()")
    assert browser.eval(ROWS)[:2] == ["public.audit_log", "public.invoice_lines"]
    heads = "[...document.querySelectorAll('.tables thead th')].map(head => head.getAttribute('aria-sort'))"
    assert browser.eval(heads) == [None, None, "descending", None, None, None]
    browser.eval("document.querySelectorAll('.tables th button')[2].focus()")
    browser.press("Enter", 13)
    assert browser.eval(ROWS)[:2] == ["public.settings", "public.tax_rates"]
    assert browser.eval(heads)[2] == "ascending"
    browser.press("Tab", 9)
    assert browser.eval("document.activeElement.textContent") == "Rows, copy"
    assert browser.eval("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    quiet(browser)


def test_tables_are_found_by_name(browser: Browser, tmp_path: Path) -> None:
    browser.look(width=1200)
    opened(browser, tmp_path, samples.page(samples.bad_backup()))
    browser.eval(f"{FIND}('INVOICE')")
    assert browser.eval(ROWS) == ["public.invoices", "public.invoice_lines"]
    assert browser.eval("document.querySelector('.finder [role=status]').textContent") == "2 of 11 tables"
    browser.eval("document.querySelector('[data-only]').click()")
    assert browser.eval(ROWS) == ["public.invoices"]
    browser.eval(f"{FIND}('')")
    assert browser.eval(ROWS) == ["public.invoices", "public.payments"]
    quiet(browser)


def test_names_of_tables_are_text(browser: Browser, tmp_path: Path) -> None:
    browser.look(width=1200)
    opened(browser, tmp_path, samples.page(samples.hostile()))
    assert "public.<script>alert(1)</script>" in browser.eval(ROWS)
    assert browser.eval("document.scripts.length") == 1
    assert browser.eval("document.images.length") == 0
    browser.eval(f"{FIND}('<script>')")
    assert browser.eval(ROWS) == ["public.<script>alert(1)</script>"]
    quiet(browser)


def test_paper_has_everything(browser: Browser, tmp_path: Path) -> None:
    browser.look(width=700, media="print")
    opened(browser, tmp_path, samples.page(samples.many_tables(450)))
    assert browser.eval(VISIBLE) == 450
    assert browser.eval("getComputedStyle(document.querySelector('.controls')).display") == "none"
    browser.look(width=1200)
    assert browser.pdf().startswith(b"%PDF")
    assert browser.eval("document.querySelectorAll('details[open]').length") == 0  # folded again
    quiet(browser)


def test_five_thousand_tables(browser: Browser, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Prints seconds: the page should open, and sort, in less than 2 s."""
    browser.look(width=1200)
    seconds = opened(browser, tmp_path, samples.page(samples.many_tables()))
    figures = {"open": seconds}
    for index, name in ((0, "sort by name"), (2, "sort by rows"), (1, "sort by result")):
        begun = time.monotonic()
        browser.eval(f"document.querySelectorAll('.tables th button')[{index}].click()")
        browser.painted()
        figures[name] = time.monotonic() - begun
    assert all(name.endswith("99") for name in browser.eval(ROWS)[:10])  # the ten that differ
    begun = time.monotonic()
    browser.eval(f"{FIND}('partition_04')")
    browser.painted()
    figures["search"] = time.monotonic() - begun
    assert browser.eval("document.querySelector('.finder [role=status]').textContent").startswith("1000 of 5000 tables")
    begun = time.monotonic()
    browser.eval("document.querySelector('.more button').click()")
    browser.painted()
    figures["show all found"] = time.monotonic() - begun
    assert browser.eval(VISIBLE) == 1000
    size = (tmp_path / "report.html").stat().st_size
    with capsys.disabled():
        print(f"\n5000 tables, {size / 1e6:.1f} MB of HTML: " + ", ".join(f"{k} {v:.2f} s" for k, v in figures.items()))
    quiet(browser)
