"""The page in a real Chromium: it stands alone, answers, and can be used by everybody."""

import json
import shutil

import pytest

from experiments.report import write_report
from nas.testing import toy_corpus
from tests.experiments.report import material

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PATIENCE = 300_000  # milliseconds: the machine may be busy, and no test measures time

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, timeout=PATIENCE)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def report(full):
    """The path of a page with every kind of section."""
    return full[0].report


class Visit:
    """A page opened from disk, and what it complained of or asked for."""

    def __init__(self, browser, path, **context):
        self.context = browser.new_context(offline=True, **context)
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        self.errors, self.requests = [], []
        self.page.on("console", lambda said: self.errors.append(f"{said.type}: {said.text}"))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda asked: self.requests.append(asked.url))
        self.page.goto(path.as_uri())

    def draw_all(self):
        self.page.evaluate("Promise.all([...places].map(place => draw(place)))")


@pytest.fixture(scope="module")
def visit(chromium, report):
    visit = Visit(chromium, report, viewport={"width": 1400, "height": 1000})
    visit.draw_all()
    yield visit
    visit.context.close()


@pytest.fixture(scope="module")
def phone(chromium, report):
    size = {"width": 400, "height": 800}
    visit = Visit(chromium, report, viewport=size, has_touch=True, color_scheme="dark")
    visit.draw_all()
    yield visit
    visit.context.close()


def test_it_opens_without_a_word_and_asks_nobody(visit, report):
    assert visit.errors == []
    assert {url for url in visit.requests if not url.startswith(("data:", "blob:"))} == {
        report.as_uri()
    }


@pytest.mark.slow
def test_no_button_sends_a_figure_away(visit):
    titles = "[...document.querySelectorAll('.modebar-btn')].map(each => each.dataset.title)"
    told = visit.page.evaluate(titles)
    assert told and not [each for each in told if "hare" in each or "loud" in each]


def test_every_figure_is_drawn(visit):
    figures = visit.page.locator(".plot")
    assert figures.count() == visit.page.evaluate("FIGURES.length") >= 8
    assert visit.page.locator(".plot > .plot-container").count() == figures.count()


@pytest.mark.slow
def test_figures_out_of_sight_wait(chromium, report):
    visit = Visit(chromium, report, viewport={"width": 1400, "height": 300})
    assert visit.page.evaluate("drawn.size") == 0
    visit.page.locator(".plot").first.scroll_into_view_if_needed()
    visit.page.locator(".plot-container").first.wait_for()
    assert 0 < visit.page.evaluate("drawn.size") < visit.page.evaluate("FIGURES.length")
    visit.page.locator(".plot").last.scroll_into_view_if_needed()
    visit.page.locator(".plot").last.locator(".plot-container").wait_for()
    visit.context.close()


@pytest.mark.parametrize(
    ("title", "word"),
    [
        ("Predicted against real", "predicted"),
        ("Accuracy against cost", "accuracy"),
        ("Its map of the networks", "real"),
    ],
)
def test_hovering_over_a_point_shows_the_architecture(visit, title, word):
    section = visit.page.locator("section", has=visit.page.locator("h2", has_text=title))
    figure = section.locator(".plot").first
    figure.scroll_into_view_if_needed()
    point = figure.locator(".points path").first
    point.hover(force=True)
    label = figure.locator(".hoverlayer")
    label.locator("text").first.wait_for()
    told = label.text_content()
    assert word in told and "conv" in told and "MACs" in told


def test_a_heading_sorts_by_number_then_the_other_way(visit):
    table = visit.page.locator("[aria-label=Comparison]")
    heading = table.locator("th", has_text="MAE")

    def column():
        cells = table.locator("tbody tr td:nth-child(9)").all_text_contents()
        return [float(cell.partition(" [")[0]) for cell in cells]

    heading.locator("button").click()
    assert column() == sorted(column(), reverse=True)
    assert heading.get_attribute("aria-sort") == "descending"
    heading.locator("button").click()
    assert column() == sorted(column())
    table.locator("th", has_text="surrogate").locator("button").click()
    assert heading.get_attribute("aria-sort") == "none"
    names = table.locator("tbody th").all_text_contents()
    assert names == sorted(names)


def test_keys_sort_as_text_though_some_begin_like_numbers(visit):
    visit.page.locator("summary", has_text="Networks").click()
    table = visit.page.locator("[aria-label=Networks]")
    heading = table.locator("th[scope=col]", has_text="network").first
    keys = table.locator("tbody th")
    assert any(key[0].isdigit() for key in keys.all_text_contents())
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert keys.all_text_contents() == sorted(keys.all_text_contents())
    table.locator("th[scope=col]", has_text="MACs").locator("button").click()
    macs = [
        int(cell.replace(",", "")) for cell in table.locator("td:nth-child(4)").all_text_contents()
    ]
    assert macs == sorted(macs, reverse=True)
    visit.page.locator("summary", has_text="Networks").click()


SORTED = {
    "numbers": (["2", "-", "10", "-3"], ["10", "2", "-3", "-"]),
    "shares": (["9%", "10%", "1,000%"], ["1,000%", "10%", "9%"]),
    "intervals": (["0.5 [0.4, 0.6]", "0.25 [0.1, 0.9]"], ["0.5 [0.4, 0.6]", "0.25 [0.1, 0.9]"]),
    "powers": (["1e-05", "0.3", "2e+3"], ["2e+3", "0.3", "1e-05"]),
    "keys": (["9a", "10b", "1e", "ff"], ["10b", "1e", "9a", "ff"]),
    "text": (["3 layers", "20 layers"], ["20 layers", "3 layers"]),
}


@pytest.mark.parametrize("kind", SORTED)
def test_a_column_is_of_numbers_only_if_every_cell_is_one(visit, kind):
    cells, expected = SORTED[kind]
    body = "".join(f"<tr><td>{cell}</td></tr>" for cell in cells)
    markup = (
        f"<table><thead><tr><th aria-sort=none>x</th></tr></thead><tbody>{body}</tbody></table>"
    )
    told = visit.page.evaluate(
        """markup => {
          const place = document.createElement("div");
          place.innerHTML = markup;
          sort(place.querySelector("th"));
          return [...place.querySelectorAll("td")].map(cell => cell.textContent);
        }""",
        markup,
    )
    assert told == expected


def test_a_prediction_on_the_edge_tells_what_it_is(visit):
    """Plotly takes a hover text a point."""
    told = visit.page.evaluate(
        """async () => {
          const place = document.createElement("div");
          document.body.append(place);
          const trace = { x: [1], y: [1], mode: "markers", text: ["it"],
            hovertemplate: ["predicted -70<br>%{text}<extra></extra>"] };
          await Plotly.newPlot(place, [trace], { width: 300, height: 300 });
          Plotly.Fx.hover(place, [{ curveNumber: 0, pointNumber: 0 }]);
          const told = place.querySelector(".hoverlayer").textContent;
          place.remove();
          return told;
        }"""
    )
    assert "predicted -70" in told and "it" in told


def test_the_copy_button_copies(visit):
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    card = visit.page.locator(".card").first
    card.locator(".copy").click()
    card.locator(".copy", has_text="copied").wait_for()
    copied = json.loads(visit.page.evaluate("navigator.clipboard.readText()"))
    assert copied == json.loads(card.locator("pre").text_content())
    assert visit.page.locator("#said").text_content() == "copied"


@pytest.mark.slow
def test_without_a_clipboard_the_code_is_selected_for_copying(visit):
    card = visit.page.locator(".card").nth(1)
    visit.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(); }")
    card.locator(".copy").click()
    card.locator("pre").wait_for(state="visible")
    assert visit.page.evaluate("getSelection().toString()") == card.locator("pre").text_content()


@pytest.mark.parametrize("screen", ["visit", pytest.param("phone", marks=pytest.mark.slow)])
def test_nothing_is_wider_than_the_screen(screen, request):
    page = request.getfixturevalue(screen).page
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("screen", ["visit", pytest.param("phone", marks=pytest.mark.slow)])
def test_axe_finds_no_serious_fault(screen, request):
    from axe_playwright_python.sync_playwright import Axe

    page = request.getfixturevalue(screen).page
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    found = Axe().run(page).response["violations"]
    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    assert not serious, [(each["id"], each["nodes"][0]["html"]) for each in serious]


@pytest.mark.slow
def test_it_follows_the_theme(visit, phone):
    assert phone.errors == []
    colors = [
        each.page.evaluate("getComputedStyle(document.body).backgroundColor")
        for each in (visit, phone)
    ]
    assert colors[0] != colors[1]
    visit.draw_all()
    ink = "FIGURES[0].layout.font.color"
    before = visit.page.evaluate(ink)
    visit.page.emulate_media(color_scheme="dark")
    visit.page.wait_for_function(f"{ink} !== {before!r}")
    visit.page.emulate_media(color_scheme="light")


@pytest.mark.slow
def test_a_finger_scrolls_over_a_figure(phone):
    assert phone.page.evaluate("FIGURES.every(figure => figure.layout.dragmode === false)")


@pytest.mark.slow
def test_two_thousand_networks_are_few_elements(chromium, tmp_path):
    """A browser is slow where there are many traces; that it is not is measured by hand."""
    folder = material.RunFolder(tmp_path)
    toy_corpus(2000, epochs=20).write(folder.corpus)
    visit = Visit(chromium, write_report(folder))
    visit.draw_all()
    assert visit.errors == []
    assert visit.page.locator(".scatterlayer .trace").count() < 20
    visit.context.close()
