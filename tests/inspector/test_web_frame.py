"""The frame of the inspector: what a page, a form and a problem become, and what templates do to hostile
text."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from synth import charts
from synth.inspector.library import Library
from synth.inspector.web.app import assets, create_app
from synth.inspector.web.highlighting import MOST_CHARACTERS, shown_code
from synth.inspector.web.page import Page, Visit
from synth.inspector.web.registry import find_entries
from synth.inspector.web.rendering import compact, duration, environment, number, percent
from tests.store.small_run import build_small_run

HOSTILE = "<script>alert(1)</script>\x1b[31m\x00\u202e' \" {{ 7*7 }}"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    library = Library([build_small_run(tmp_path_factory.mktemp("runs"))])
    return TestClient(create_app(library), base_url="http://127.0.0.1:8000")


def test_the_first_page_is_the_list_of_runs(client: TestClient) -> None:
    assert "<h1>Runs</h1>" in client.get("/").text


def test_every_page_answers_json_with_the_same_record(client: TestClient) -> None:
    [run] = client.get("/runs.json").json()["runs"]
    assert run["summary"]["key"] == "small"
    assert ">small</a>" in client.get("/runs").text


def test_an_address_that_leads_nowhere_says_so(client: TestClient) -> None:
    answer = client.get("/nowhere<script>")
    assert answer.status_code == 404
    assert "is not an address of the inspector" in answer.text and "<script>" not in answer.text


def test_every_page_has_its_own_address_and_its_template() -> None:
    addresses = [entry.address for entry in find_entries()]
    assert len(addresses) == len(set(addresses))
    for entry in find_entries():
        if isinstance(entry, Page):
            environment().get_template(entry.template)


def test_nothing_is_fetched_from_elsewhere() -> None:
    folder = Path(charts.__file__).parent
    texts = {
        path.name: path.read_text("utf-8")
        for path in [*folder.glob("templates/*"), *folder.glob("static/*.css")]
    }
    allowed = ("http://www.w3.org/",)
    for name, text in texts.items():
        for scheme in ("http:", "https:", "//cdn", "@import"):
            for at in range(len(text)):
                if text.startswith(scheme, at):
                    assert text.startswith(allowed, at), f"{name}: {text[at : at + 60]}"


def test_no_template_needs_what_the_content_policy_refuses() -> None:
    for path in (Path(charts.__file__).parent / "templates").glob("*.html"):
        if path.name == "share_base.html":
            continue  # of files that are saved: they carry their style, and no policy of ours reaches them
        text = path.read_text("utf-8")
        assert " style=" not in text and "<style" not in text and " onclick=" not in text, path.name


def test_whatever_a_template_prints_is_inert() -> None:
    made = environment().from_string("<p>{{ text }}</p>").render(text=HOSTILE)
    assert "<script>" not in made and "&lt;script&gt;" in made
    assert not any(one in made for one in ("\x1b", "\x00", "\u202e"))
    assert "\\x1b[31m\\x00\\u202e" in made and "{{ 7*7 }}" in made


def test_code_is_inert_and_keeps_its_text() -> None:
    made = str(shown_code(f"x = 1  # {HOSTILE}\n", "python"))
    assert "<script>" not in made and "\x1b" not in made and "\u202e" not in made
    assert '<i class="num">1</i>' in made and '<i class="com">#' in made


@pytest.mark.parametrize(
    ("language", "code", "marked"),
    [
        ("python", "def f(x):\n    return x", '<i class="key">def</i>'),
        ("rust", 'fn f() -> i32 { let s = "a"; 3 }', '<i class="key">fn</i>'),
        ("go", "func f(a int) int { return 1 }", '<i class="key">func</i>'),
        ("java", "class A { int f() { return 1; } }", '<i class="key">class</i>'),
        ("javascript", "// why\nfunction f() { return 'a'; }", '<i class="com">// why</i>'),
        ("c", 'int main(void) { return puts("a"); }', '<i class="key">return</i>'),
        ("ruby", "def f\n  'a'\nend", '<i class="key">end</i>'),
    ],
)
def test_code_is_coloured_by_its_grammar(language: str, code: str, marked: str) -> None:
    assert marked in str(shown_code(code, language))


def test_code_of_an_unknown_language_and_code_that_does_not_parse_are_shown() -> None:
    assert "(((" in str(shown_code("(((", "python"))
    assert "anything" in str(shown_code("anything", "klingon"))
    assert "\\udc80" in str(shown_code("x = '\udc80'", "python"))


def test_a_long_text_and_a_long_line_are_cut_and_say_their_length() -> None:
    made = str(shown_code("x" * 10_000_000, "python"))
    assert len(made) < 10_000 and "10,000,000 characters" in made
    many = str(shown_code("x\n" * MOST_CHARACTERS, ""))
    assert f"of {2 * MOST_CHARACTERS:,} characters" in many


def test_numbers_are_written_for_people() -> None:
    assert [number(one) for one in (0, 1234567, 12.34, 0.03125, 3.0)] == [
        "0",
        "1,234,567",
        "12.3",
        "0.0312",
        "3",
    ]
    assert [compact(one) for one in (950, 12_345, 4_500_000, 2.5e9)] == ["950", "12.3k", "4.5M", "2.5G"]
    assert [percent(1, 3), percent(0, 3), percent(3, 3), percent(0, 0)] == ["33.3%", "0%", "100%", "–"]
    assert [duration(one) for one in (12, 3400, 300_000, 9e6)] == ["12 ms", "3.4 s", "5 min", "2.5 h"]


def test_a_bar_shows_its_shares_and_says_them() -> None:
    bar = str(charts.share_bar([charts.Share("kept", 3, "3 kept"), charts.Share("quality", 1, "1 lost <b>")]))
    assert 'class="kept" x="0.000%" width="75.000%"' in bar
    assert 'aria-label="3 kept, 1 lost &lt;b&gt;"' in bar


def test_a_histogram_marks_its_threshold() -> None:
    bins = [charts.Bin(0, 1, 4), charts.Bin(1, 2, 2)]
    assert 'x1="75.000%"' in str(charts.histogram(bins, "scores", threshold=1.5))
    assert "line" not in str(charts.histogram(bins, "scores"))
    assert "<svg" in str(charts.histogram([], "nothing", threshold=1.0))


def test_lines_keep_their_points_within_the_chart() -> None:
    curve = charts.Curve("a", "loss", [(0, 2.0), (10, 1.0), (20, 0.5)])
    assert "M0.0,4.0 L500.0,50.0 L1000.0,73.0" in str(charts.line_chart([curve], "loss"))
    assert str(charts.line_chart([charts.Curve("a", "none", [])], "loss")) == ""


def test_links_keep_the_state_of_the_address(tmp_path: Path) -> None:
    visit = Visit(
        Library([build_small_run(tmp_path)]),
        "/runs/a/units",
        {"run": "a"},
        (("q", "lang:rust x&y"), ("sort", "ms")),
    )
    assert visit.link(sort="tokens", after=None) == "/runs/a/units?q=lang%3Arust+x%26y&sort=tokens"
    assert visit.json_link == "/runs/a/units.json?q=lang%3Arust+x%26y&sort=ms"


def test_the_styles_address_changes_with_the_style(client: TestClient) -> None:
    answer = client.get(assets()["style.css"])
    assert (
        answer.headers["content-type"].startswith("text/css")
        and "immutable" in answer.headers["cache-control"]
    )
