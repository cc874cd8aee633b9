"""Strict models of the part of a recipe that names its seeds.

Every field has a description, as in `synth.config`, which holds the rest.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from synth.config_base import Config, Package


class ScreenConfig(Config):
    """What real code must not bring in: files and rows are searched before anything else happens to them."""

    needs_package: ClassVar[Package] = Package(
        module="kingfisher_sdk",
        display_name="kingfisher-secret-scanner",
        install="pip install 'codemill[secrets]'",
    )

    secrets: bool = Field(
        True,
        description=(
            "Reject what holds a key, a token, a password or a private key. Needs the package "
            "kingfisher-secret-scanner (`pip install 'codemill[secrets]'`)."
        ),
    )
    personal: bool = Field(
        True,
        description=(
            "Replace e-mail addresses, phone numbers, public IP addresses and names of authors in comments "
            "and strings by placeholders."
        ),
    )


class PocketSeedsConfig(Config):
    """Unlabelled snippets of the pocket world."""

    kind: Literal["pocket"] = "pocket"
    count: int = Field(256, ge=1, description="Snippets to draw per round.")
    languages: tuple[str, ...] = Field(("python",), description="Languages of the snippets.")
    deep: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of the snippets with four operations in a row, of which the corpus has none.",
    )


class LicencesConfig(Config):
    """Which licences code may come under. A file or row that states several needs a yes for each; of `A OR B`
    one is enough."""

    allow: tuple[str, ...] = Field(
        (),
        description="SPDX names that may come in, with `*` for any ending, such as `BSD-*`. Empty: all that "
        "are not under `deny`.",
    )
    deny: tuple[str, ...] = Field((), description="SPDX names that may not come in, such as `GPL-*`.")
    unknown: Literal["keep", "reject"] = Field(
        "keep", description="What to do with code that states no licence."
    )


class CodeSeedsConfig(Config):
    """What every source of real code has: which code is wanted, and in which order it is read."""

    max_tokens: int = Field(
        1024, ge=16, description="Longer snippets are rejected (Qwen2.5-Coder report, 4.1)."
    )
    min_lines: int = Field(3, ge=1, description="Shorter snippets are rejected.")
    limits: dict[str, Annotated[int, Field(ge=1)]] = Field(
        {}, description="Maximum number of files or rows of a language, by language."
    )
    shuffle: bool = Field(
        True,
        description="Read in an order that is drawn from the recipe's seed and the round, so that another "
        "round with a limit reads other code. Otherwise in the order of the source.",
    )
    licences: LicencesConfig = Field(LicencesConfig(), description="Which licences code may come under.")
    screen: ScreenConfig = Field(ScreenConfig(), description="Secrets and personal data in the code.")


class RowSeedsConfig(CodeSeedsConfig):
    """What data sets have in common. A row is a file: all its functions become seeds. A row with a column
    `entry_point` is one snippet, whose types may stand in a column `signature`."""

    languages: tuple[str, ...] | None = Field(
        None, description="Languages to read; other rows are passed over. If unset, every language."
    )
    limit: int | None = Field(None, ge=1, description="Maximum number of rows to use.")


class JsonlSeedsConfig(RowSeedsConfig):
    """A JSON Lines file with a file or a snippet of code in each row."""

    kind: Literal["jsonl"] = "jsonl"
    path: str = Field(description="Path of the file, relative to the recipe.")
    code_column: str = Field("code", description="Column that holds the code.")
    language_column: str = Field(
        "language",
        description="Column that holds the language. A row without it is in the language of its path.",
    )


class SourceTreeSeedsConfig(CodeSeedsConfig):
    """Folders of source code, for example git checkouts: functions are cut out with
    tree-sitter and filtered."""

    kind: Literal["source_tree"] = "source_tree"
    paths: tuple[str, ...] = Field(
        description="Folders to read. `@stdlib` and `@site-packages` are those of the running Python."
    )
    languages: tuple[str, ...] = Field(("python",), description="Languages to read.")
    exclude: tuple[str, ...] = Field((), description="Glob patterns of paths to skip.")
    max_files: int | None = Field(None, ge=1, description="Maximum number of files to read.")


class DataSetSeedsConfig(RowSeedsConfig):
    """Which rows of which data set."""

    dataset: str = Field(description="Hub id, or a local path that `datasets.load_dataset` can read.")
    subset: str | None = Field(None, description="Name of the data set's configuration.")
    split: str = Field("train", description="Split to read.")
    revision: str | None = Field(None, description="Commit, tag or branch of a data set on the hub.")
    data_dirs: tuple[str, ...] = Field(
        (), description="Folders of the data set to read, in turn, for example one of each language."
    )
    data_files: tuple[str, ...] = Field((), description="Files of the data set to read, as glob patterns.")


class HubSeedsConfig(DataSetSeedsConfig):
    """A data set on the Hugging Face hub, or a local folder in the same format."""

    kind: Literal["hub"] = "hub"
    code_column: str = Field("content", description="Column that holds the code.")
    language_column: str | None = Field(
        None, description="Column that holds the language. If unset, every row is in `language`."
    )
    language: str = Field("python", description="Language of every row if `language_column` is unset.")


ColumnPart = Literal["problem", "answer", "tests", "language", "entry_point", "starter"]
"""The parts of a row of an instruction set."""


class InstructionSeedsConfig(DataSetSeedsConfig):
    """An instruction set: problems that need no model to be written. Tests of a row that can be read are the
    task's; otherwise its answer is run and is the reference. `dataset` can also be a JSON Lines file."""

    kind: Literal["instructions"] = "instructions"
    columns: dict[ColumnPart, str] = Field(
        {},
        description=(
            "Columns of the problem, the answer, the tests, the answer's language, the function's name and "
            "its head. Those of Magicoder, Evol-CodeAlpaca, OpenCodeInstruct, KodCode, open-r1's problems, "
            "APPS, TACO, CodeContests and MBPP are known."
        ),
    )
    max_problem_tokens: int = Field(2048, ge=16, description="Rows with longer problems are rejected.")


SeedsConfig = Annotated[
    PocketSeedsConfig | JsonlSeedsConfig | SourceTreeSeedsConfig | HubSeedsConfig | InstructionSeedsConfig,
    Field(discriminator="kind"),
]
