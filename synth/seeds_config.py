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


class JsonlSeedsConfig(Config):
    """A JSON Lines file with one snippet per row."""

    kind: Literal["jsonl"] = "jsonl"
    path: str = Field(description="Path of the file, relative to the recipe.")
    code_column: str = Field("code", description="Column that holds the code.")
    language_column: str = Field("language", description="Column that holds the language.")
    limit: int | None = Field(None, ge=1, description="Maximum number of rows to use.")
    screen: ScreenConfig = Field(ScreenConfig(), description="Secrets and personal data in the code.")


class SourceTreeSeedsConfig(Config):
    """Folders of source code, for example git checkouts: functions are cut out with
    tree-sitter and filtered."""

    kind: Literal["source_tree"] = "source_tree"
    paths: tuple[str, ...] = Field(
        description="Folders to read. `@stdlib` and `@site-packages` are those of the running Python."
    )
    languages: tuple[str, ...] = Field(("python",), description="Languages to read.")
    exclude: tuple[str, ...] = Field((), description="Glob patterns of paths to skip.")
    max_files: int | None = Field(None, ge=1, description="Maximum number of files to read.")
    max_tokens: int = Field(
        1024, ge=16, description="Longer snippets are rejected (Qwen2.5-Coder report, 4.1)."
    )
    min_lines: int = Field(3, ge=1, description="Shorter snippets are rejected.")
    screen: ScreenConfig = Field(ScreenConfig(), description="Secrets and personal data in the code.")


class HubSeedsConfig(Config):
    """A data set on the Hugging Face hub, or a local folder in the same format."""

    kind: Literal["hub"] = "hub"
    dataset: str = Field(description="Hub id, or a local path that `datasets.load_dataset` can read.")
    subset: str | None = Field(None, description="Name of the data set's configuration.")
    split: str = Field("train", description="Split to read.")
    code_column: str = Field("content", description="Column that holds the code.")
    language_column: str | None = Field(
        None, description="Column that holds the language. If unset, every row is in `language`."
    )
    language: str = Field("python", description="Language of every row if `language_column` is unset.")
    limit: int | None = Field(None, ge=1, description="Maximum number of rows to use.")
    screen: ScreenConfig = Field(ScreenConfig(), description="Secrets and personal data in the code.")


SeedsConfig = Annotated[
    PocketSeedsConfig | JsonlSeedsConfig | SourceTreeSeedsConfig | HubSeedsConfig, Field(discriminator="kind")
]
