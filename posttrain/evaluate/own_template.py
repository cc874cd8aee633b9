"""The chat template of the model that is measured, as its own tokenizer has it.

Place in the flow: a benchmark's chat prompt -> here -> the raw text that the model continues. The one rule:
the template is the model's own and stays as it is; what it writes reaches the model byte for byte.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from synth.errors import Problem, UserError
from synth.records import Message

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_MARK: Final = "-=[[end of the prefill]]=-"
"""Stands behind a prefill while the template is rendered: what follows it closes the turn, and goes."""
_PAGE: Final = "docs/architecture/evaluation.md"


class OwnTemplate:
    """The template of one model. `is_there` is false for a model without one."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase", model: str) -> None:
        self._tokenizer, self._model = tokenizer, model

    @property
    def is_there(self) -> bool:
        return bool(self._tokenizer.chat_template)

    def render(self, messages: Sequence[Message], prefill: str = "") -> str:
        """The text up to where the model goes on: the head of its turn, and the prefill if there is one.
        Raises UserError where the template refuses the conversation."""
        from jinja2 import TemplateError

        turns = [message.model_dump() for message in messages]
        if prefill:
            turns.append({"role": "assistant", "content": prefill + _MARK})
        try:
            text = self._tokenizer.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=not prefill
            )
        except (TemplateError, ValueError, TypeError) as error:
            raise self._refused(f"does not take this conversation: {error}") from error
        rendered, mark, _ = str(text).partition(_MARK)
        if prefill and not mark:
            raise self._refused("does not write what the assistant says, so no answer can be begun")
        return rendered

    def _refused(self, why: str) -> UserError:
        fix = "ask it as a base model: --style complete (or `style: complete`)"
        return UserError(Problem(f"chat template of {self._model}", why, fix, _PAGE))


def load_own_template(model: str) -> OwnTemplate:
    """The template of a folder or hub id. Raises UserError if its tokenizer cannot be loaded."""
    fix = "name a folder in Hugging Face layout or a reachable hub id, or use --style complete"
    try:
        from transformers import AutoTokenizer

        return OwnTemplate(AutoTokenizer.from_pretrained(model), model)
    except ImportError as error:
        fix = "pip install 'codemill[train]', or use --style complete"
        raise UserError(Problem(f"tokenizer of {model}", f"needs transformers: {error}", fix)) from error
    except (OSError, ValueError, KeyError) as error:
        words = f"cannot be loaded: {' '.join(str(error).split())[:300]}"
        raise UserError(Problem(f"tokenizer of {model}", words, fix, _PAGE)) from error
