"""The coverage map and the synergy between languages, where a run has records of them.

Place in the flow: `eval/coverage.json` and `eval/synergy.json` of a run folder -> their page. No stage writes
these yet: the records are defined here, and whoever measures them writes them in this shape. The one rule:
without a record there is no map.
"""

from pathlib import Path
from typing import Final, TypeVar

from pydantic import Field, ValidationError

from synth.errors import CodemillError
from synth.inspector.opened_run import OpenedRun
from synth.store.seals import read_json
from synth.wire_record import Record

COVERAGE, SYNERGY = Path("eval", "coverage.json"), Path("eval", "synergy.json")
MOST_CELLS: Final = 4000
Model = TypeVar("Model", bound=Record)


class CoverageCell(Record):
    """How many units fall into one cell, and how many of them were kept."""

    topic: str
    language: str
    units: int = Field(ge=0)
    kept: int = Field(ge=0)


class CoverageMap(Record):
    """Units by what they are about and their language. `axis` says what the topics are: a concept, a
    difficulty, a library."""

    axis: str
    cells: tuple[CoverageCell, ...] = Field(max_length=MOST_CELLS)


class SynergyCell(Record):
    """What training on one language did to another: the difference in pass@1 to the policy before, with its
    95% interval."""

    trained_on: str
    tested_on: str
    gain: float
    low: float
    high: float


class SynergyMap(Record):
    """Languages against languages."""

    before: str
    after: str
    """The policies that are compared."""
    cells: tuple[SynergyCell, ...] = Field(max_length=MOST_CELLS)


class CoverageView(Record):
    """What the run has of the two; `problems` says what could not be read."""

    coverage: CoverageMap | None = None
    topics: tuple[str, ...] = ()
    """Rows of the map, those with the most units first."""
    languages: tuple[str, ...] = ()
    synergy: SynergyMap | None = None
    synergy_languages: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def show_coverage(run: OpenedRun) -> CoverageView:
    """The maps of a run, empty where it has none."""
    problems: list[str] = []
    coverage = _read(run.path / COVERAGE, CoverageMap, problems)
    synergy = _read(run.path / SYNERGY, SynergyMap, problems)
    units: dict[str, int] = {}
    for cell in coverage.cells if coverage else ():
        units[cell.topic] = units.get(cell.topic, 0) + cell.units
    return CoverageView(
        coverage=coverage,
        topics=tuple(sorted(units, key=lambda topic: (-units[topic], topic))),
        languages=tuple(sorted({cell.language for cell in coverage.cells})) if coverage else (),
        synergy=synergy,
        synergy_languages=tuple(
            sorted({name for cell in synergy.cells for name in (cell.trained_on, cell.tested_on)})
        )
        if synergy
        else (),
        problems=tuple(problems),
    )


def _read(path: Path, model: type[Model], problems: list[str]) -> Model | None:
    if not path.is_file():
        return None
    try:
        return model.model_validate_json(read_json(path))
    except (CodemillError, OSError, ValidationError) as error:
        first = error.problems[0].message if isinstance(error, CodemillError) else str(error).split("\n")[0]
        problems.append(f"{path.parent.name}/{path.name}: {first[:200]}")
        return None
