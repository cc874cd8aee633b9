"""What the rows of an export are, for its card: their columns, and how many there are of each kind."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from synth.products import BY_NAME, Product
from synth.store.markdown import markdown_table
from synth.store.products import product_files, product_schema
from synth.store.query import checked_names, run_query


class _Facet(NamedTuple):
    """One way to count the rows of a product."""

    column: str
    head: str


_FACETS: Final = (
    _Facet("language", "language"),
    _Facet("natural_language", "natural language"),
    _Facet("asks", "kind of task"),
    _Facet("shape", "shape"),
    _Facet("licence", "licence"),
    _Facet("rejected_outcome", "why the rejected answer fails"),
)
_UNNAMED: Final = {"shape": "plain", "licence": "unknown"}
"""What an empty value says."""

DIFFICULTIES: Final = (
    (0.25, "hard: up to 25%"),
    (0.5, "25 to 50%"),
    (0.75, "50 to 75%"),
    (1.0, "easy: over 75%"),
)
"""Bins of the share of a task's candidates that pass, by their upper bound."""


def schema_section(counts: Mapping[str, int]) -> str:
    """The columns of each data set as they are stored; another layout has its own names."""
    rows = [
        [
            name,
            ", ".join(
                f"`{field.name}` {_type_words(str(field.type))}" for field in product_schema(BY_NAME[name])
            ),
        ]
        for name in counts
    ]
    words = (
        "Columns of the layout `datasets`; messages are lists of `role` and `content`. Ids lead back through "
        "the run (`codemill why`)."
    )
    return f"## Schema\n\n{words}\n\n" + markdown_table(["data set", "columns"], rows)


def _type_words(type_: str) -> str:
    return "messages" if type_.startswith("list<element: struct") or "struct<role" in type_ else type_


def counts_section(run: Path, counts: Mapping[str, int]) -> str:
    """Rows by what they are; what no row says is left out."""
    rows: list[list[object]] = []
    for name in counts:
        product = BY_NAME[name]
        for facet in _FACETS:
            if facet.column in product.model.model_fields:
                found = [
                    (value or _UNNAMED.get(facet.column, ""), n)
                    for value, n in count_rows_by(run, name, facet.column)
                ]
                if any(value for value, _ in found) and (len(found) > 1 or facet.column not in _UNNAMED):
                    rows.append([name, facet.head, _listed(found)])
        if "pass_rate" in product.model.model_fields:
            rows.append(
                [name, "difficulty (share of candidates that pass)", _listed(_difficulties(run, product))]
            )
    return "## Rows by kind\n\n" + markdown_table(["data set", "by", "rows"], rows) if rows else ""


def count_rows_by(run: Path, product: str, column: str) -> list[tuple[str, int]]:
    """How many distinct rows of a product have each value of a column, the most frequent first. None in a run
    that was made before the column was known."""
    import pyarrow.parquet as pq

    files = product_files(run, BY_NAME[product])
    if not files or column not in pq.read_schema(files[0]).names:
        return []
    sql = (
        f"SELECT {column} AS name, count(DISTINCT id) AS n FROM read_parquet($1) GROUP BY ALL "
        f"ORDER BY n DESC, name"
    )
    return [(str(row["name"]), int(row["n"])) for row in run_query(sql, [checked_names(files)])]


def _difficulties(run: Path, product: Product) -> list[tuple[str, int]]:
    files = checked_names(product_files(run, product))
    cases = " ".join(f"WHEN pass_rate <= {bound} THEN {at}" for at, (bound, _) in enumerate(DIFFICULTIES))
    sql = (
        f"SELECT CASE {cases} END AS bin, count(DISTINCT id) AS n FROM read_parquet($1) GROUP BY 1 ORDER BY 1"
    )
    return [(DIFFICULTIES[int(row["bin"])][1], int(row["n"])) for row in run_query(sql, [files])]


def _listed(found: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{value} {n}" for value, n in found)
