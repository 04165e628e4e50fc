"""The page as a browser has it. Needs chromium (Debian: `apt-get install chromium`) and `pip install playwright`."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from bench.reporting.page.page import render
from tests.helpers import pages

pytestmark = pytest.mark.browser
CARDS = "#cards .card:not([hidden])"


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
    path = os.environ.get("BENCH_CHROMIUM") or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if path is None:
        pytest.skip("needs chromium: none on the PATH, and BENCH_CHROMIUM is not set")
    with api.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(pages.page()), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def opened(browser, address):
    """Open the page; at the end it must have logged nothing and asked nobody."""
    seen, contexts = [], []

    def open_page(**chosen):
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | chosen))
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: seen.append(message.text))
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.on("request", lambda r: seen.append(r.url) if not r.url.startswith("data:") and r.url != address else None)
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert seen == []


def column(page, place):
    return page.locator("table").first.locator(f"tbody tr > :nth-child({place})").all_inner_texts()


def values(page, place):
    return [text.split("\n")[0] for text in column(page, place)]


def scores(page):
    """Of the gallery's cards, in their order; as content, since a card that is not in view yet has no rendered text."""
    return page.locator(f"{CARDS} output").all_text_contents()


def test_columns_sort_up_down_and_back(opened):
    page = opened()
    head = page.locator("table").first.locator("th[scope=col]").nth(4)
    button = head.locator("button")
    button.click()
    assert head.get_attribute("aria-sort") == "ascending" and values(page, 5) == ["50.00", "62.50", "75.00"]
    button.click()
    assert head.get_attribute("aria-sort") == "descending" and values(page, 5) == ["75.00", "62.50", "50.00"]
    button.click()
    assert head.get_attribute("aria-sort") == "none" and values(page, 5) == ["50.00", "75.00", "62.50"]


def test_undefined_values_stay_last_and_only_one_column_is_sorted(opened):
    page = opened()
    heads = page.locator("table").first.locator("th[scope=col]")
    heads.nth(1).locator("button").click()
    assert values(page, 2)[1:] == ["Aorta", "Heart"]
    last = heads.nth(5).locator("button")
    last.click()
    assert values(page, 6) == ["10.00", "90.00", "-"]
    last.click()
    assert values(page, 6) == ["90.00", "10.00", "-"]
    assert heads.nth(1).get_attribute("aria-sort") == "none"


def test_sorting_by_keyboard(opened):
    page = opened()
    head = page.locator("table").first.locator("th[scope=col]").nth(4)
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "descending"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "medsam/mini"


def test_gallery_is_filtered_and_ordered(opened):
    page = opened()
    assert page.locator(CARDS).count() == 4
    page.select_option("select[name=model]", "medsam/mini")
    assert page.locator(CARDS).count() == 2 and page.inner_text("#count") == "2 of 4 predictions"
    page.select_option("select[name=prompt]", "clicks")
    assert scores(page) == ["50.0"]
    page.click("form button[type=reset]")
    page.locator("#count", has_text="4 of 4").wait_for()
    page.fill("input[name=low]", "30")
    page.fill("input[name=high]", "85")
    page.select_option("select[name=order]", "down")
    assert scores(page) == ["80.0", "50.0"]
    page.fill("input[name=low]", "")
    page.select_option("select[name=label]", "Heart")
    assert scores(page) == ["50.0", "25.0"]
    page.select_option("select[name=dataset]", "isles2022")
    assert page.locator(CARDS).count() == 0


def test_layers_and_the_whole_image(opened):
    page = opened()
    drawing = page.locator(f"{CARDS} svg").first
    near = drawing.get_attribute("viewBox")
    page.check("input[name=whole]")
    assert drawing.get_attribute("viewBox") == "0 0 32 24" != near
    assert drawing.locator("path.target").is_visible()
    page.uncheck("input[name=target]")
    assert not drawing.locator("path.target").is_visible() and drawing.locator("path.prediction").is_visible()
    page.uncheck("input[name=given]")
    assert not drawing.locator("path.prompt").is_visible()


def test_large_view_by_keyboard(opened):
    page = opened()
    page.locator(f"{CARDS} button").first.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("#large")
    assert dialog.is_visible() and "Dice 25.0 %" in page.inner_text("#large-words")
    page.keyboard.press("ArrowRight")
    assert "Dice 80.0 %" in page.inner_text("#large-words")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert "Dice 95.0 %" in page.inner_text("#large-words")  # round the corner
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    page.locator(f"{CARDS} button[aria-label*='Dice 95.0 %']:focus").wait_for()  # the dialog's close event comes later


def ground(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_dark_follows_the_system_and_the_button(opened):
    light, dark = opened(), opened(color_scheme="dark")
    assert ground(light) == "rgb(255, 255, 255)" and ground(dark) == "rgb(20, 22, 26)"
    light.click("#theme")
    assert ground(light) == "rgb(20, 22, 26)" and light.inner_text("#theme") == "Colours: dark"
    light.reload()
    assert ground(light) == "rgb(20, 22, 26)"  # remembered
    light.click("#theme")
    assert ground(light) == "rgb(255, 255, 255)"
    dark.click("#theme")
    dark.click("#theme")
    assert ground(dark) == "rgb(255, 255, 255)"


def test_names_with_markup_are_inert(opened):
    page = opened()
    assert page.title() == "a-run: segmote-bench"
    assert page.locator("table").first.locator("tbody th").all_inner_texts()[2] == pages.EVIL
    assert page.locator("img").count() == 1


def test_a_foreign_script_may_not_run(browser, tmp_path):
    path = tmp_path / "changed.html"
    path.write_text(
        render(pages.page()).replace("</body>", "<script>document.title = 'owned'</script></body>"), "utf-8"
    )
    page = browser.new_page()
    page.goto(path.as_uri())
    assert page.title() == "a-run: segmote-bench"
    page.close()


def test_images_are_drawn(opened, tmp_path):
    page = opened()
    assert page.evaluate("[...document.images].every((one) => one.complete && one.naturalWidth > 300)")
    card = page.locator(f"{CARDS} svg").first
    card.scroll_into_view_if_needed()
    picture = tmp_path / "card.png"
    card.screenshot(path=picture, caret="initial")  # else older playwright adds a style, which the page refuses
    pixels = np.asarray(Image.open(picture).convert("RGB")).reshape(-1, 3).astype(int)
    for colour in ((80, 80, 80), (0, 213, 255), (255, 77, 166), (255, 213, 0)):  # image, target, prediction, prompt
        assert np.abs(pixels - colour).sum(axis=1).min() < 60, colour


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_sticks_out_of_the_page(opened, width):
    page = opened(viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_paper_shows_what_is_folded(opened):
    page = opened()
    folded = page.locator("#tables details table")
    assert not folded.is_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert folded.is_visible() and not page.locator("#filters").is_visible()
