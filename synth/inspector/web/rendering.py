"""Templates: what makes a page's text of its record, and why hostile text in it stays text.

Place in the flow: `app.py` renders each page here. The one rule: whatever a template prints is escaped for
HTML, and its control characters are shown as escapes, without the template's having to ask for it.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from synth import charts
from synth.inspector.web import diffs, links
from synth.inspector.web.drawing import DRAWING
from synth.inspector.web.highlighting import shown_code
from synth.inspector.web.page import linked
from synth.plain_text import plain, plain_line
from synth.products import FimSample
from synth.reasons import REASONS, ReasonClass

if TYPE_CHECKING:
    from jinja2 import Environment

_MOST_FACT: Final = 200
"""Characters of one text of the evidence in a list."""
_HERE: Final = Path(__file__).parent


_UNITS: Final = {"s": "s", "ms": "ms", "mb": "MB"}


@cache
def environment() -> "Environment":
    """The templates of the inspector, with the filters that they share."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=inert,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "number": number,
        "measured": lambda value: number(value) if value.is_integer() else f"{value:.4f}",
        "compact": compact,
        "percent": percent,
        "duration": duration,
        "when": when,
        "one_line": plain_line,
        "words": in_words,
        "plural": plural,
        "plural_word": kinds_in_words,
        "groupby_runs": runs_of,
        "short_id": short_id,
        "capitalize_first": lambda text: text[:1].upper() + text[1:],
    }
    made.globals |= {
        "charts": charts,
        "code": shown_code,
        "diffs": diffs,
        "links": links,
        "linked": linked,
        "reason_class": class_of_reason,
        "reason_sentence": sentence_of_reason,
        "ended": ended,
        **DRAWING,
        "evidence": facts_of,
    }
    return made


def render(template: str, **context: Any) -> str:  # noqa: ANN401  a template takes whatever it shows
    """The page as HTML."""
    return environment().get_template(template).render(**context)


def inert(value: object) -> object:
    """What a template prints: strings without control characters; markup of ours as it is."""
    return plain(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def number(value: float) -> str:
    """`1,234,567`, or `0.0312` for a small fraction."""
    if isinstance(value, int) or value.is_integer():
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3g}"


def compact(value: float) -> str:
    """`950`, `12.3k`, `4.5M`."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}"
    return number(round(value, 2))


def percent(part: float, whole: float = 1.0) -> str:
    """`12.3%` of the whole; an en dash where there is no whole. Only nothing is 0%, and only all is 100%."""
    if not whole:
        return "–"
    share = 100 * part / whole
    if 0 < share < 0.05:
        return "<0.1%"
    if 99.95 <= share < 100:
        return ">99.9%"
    return f"{share:.0f}%" if share in (0, 100) else f"{share:.1f}%"


def duration(ms: float) -> str:
    """`12 ms`, `3.4 s`, `5 min`, `2.5 h`."""
    for size, unit in ((3.6e6, "h"), (6e4, "min"), (1e3, "s")):
        if ms >= size:
            return f"{ms / size:.3g} {unit}"
    return f"{ms:.0f} ms" if ms >= 1 or not ms else "<1 ms"


def when(moment: datetime, now: datetime | None = None) -> str:
    """`3 min ago` within a day, else the date."""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{int(seconds // 60)} min ago"
    return f"{int(seconds // 3600)} h ago" if seconds < 86_400 else f"{moment:%Y-%m-%d}"


def in_words(code: str) -> str:
    """`wrong_answer` as `wrong answer`, and `memory_mb` as `memory (MB)`."""
    name, _, unit = code.rpartition("_")
    return f"{name.replace('_', ' ')} ({_UNITS[unit]})" if name and unit in _UNITS else code.replace("_", " ")


def plural(count: int, word: str, many: str = "") -> str:
    """`1 run`, `2 runs`."""
    return f"{count:,} {word if count == 1 else many or word + 's'}"


def kinds_in_words(kind: str) -> str:
    """The units of a kind: `samples`, `FIM samples`."""
    return "FIM samples" if kind == FimSample.kind else kind if kind.endswith("s") else f"{kind}s"


def short_id(unit_id: str) -> str:
    """`0f3a91c2` of `solution-0f3a91c2…`: enough to tell siblings apart."""
    return unit_id.rpartition("-")[2][:8]


def runs_of(values: Sequence[object], name: str) -> list[tuple[object, list[object]]]:
    """Neighbours with the same attribute, together, in their order."""
    return [(key, list(group)) for key, group in groupby(values, attrgetter(name))]


def class_of_reason(code: str) -> str:
    """The class of a reason, as a class of the style sheet; `unknown` for one of another version."""
    return REASONS[code].reason_class.value if code in REASONS else "unknown"


def sentence_of_reason(code: str) -> str:
    """The sentence of a reason; empty for one of another version."""
    return REASONS[code].sentence if code in REASONS else ""


def ended(kept: int, losses: object, waiting: int = 0) -> list[charts.Share]:
    """Where units ended, as shares of a bar. `losses` has a count for each class of reasons."""
    named = {"kept": kept, **{kind: getattr(losses, kind) for kind in (*CLASS_WORDS, "unknown")}}
    words = {"kept": "kept", "waiting": "waiting", "infrastructure": "failed, our own fault"}
    return [
        charts.Share(kind, count, f"{count:,} {words.get(kind, f'lost by {kind}')}")
        for kind, count in (named | {"waiting": waiting}).items()
        if count
    ]


def facts_of(evidence: str) -> list[tuple[str, str]]:
    """The texts of a row's evidence, the longest of which says most, then its figures without noise; by
    name."""
    try:
        found = json.loads(evidence)
    except ValueError:
        return [("evidence", evidence)]
    if not isinstance(found, dict):
        return [("evidence", evidence)]
    numbers = (int, float)
    facts = sorted(found.items(), key=lambda one: 1 if type(one[1]) in numbers else -len(str(one[1])))
    return [
        (str(name), number(value) if type(value) in (int, float) else str(value)[:_MOST_FACT])
        for name, value in facts
    ]


CLASS_WORDS: Final[Mapping[str, str]] = {
    ReasonClass.QUALITY: "the fault of the model or the source",
    ReasonClass.POLICY: "sound but unwanted",
    ReasonClass.INFRASTRUCTURE: "our own fault, never a label",
}
"""What each class of reasons means, for legends."""
