"""The model's own chat template: what it writes reaches the model byte for byte, and nothing else does."""

from pathlib import Path
from typing import Any

import pytest

from posttrain.core.chat_template import CHAT_TEMPLATE
from posttrain.core.policy import POCKET_WEIGHTS
from posttrain.evaluate.own_template import OwnTemplate, load_own_template
from synth.errors import UserError
from synth.records import Message
from tests.conftest import make_tokenizer

QUESTION = (Message(role="user", content="  Write `add`.\n"),)
FOREIGN = (
    "{{ bos_token }}{% if messages[0]['role'] != 'system' %}<<sys>> Be a good model.\n{% endif %}"
    "{% for message in messages %}"
    "{% if message['role'] not in ('user', 'assistant') %}{{ raise_exception('no such role') }}{% endif %}"
    "[{{ message['role'] | upper }}]\n{{ message['content'] | trim }} [/{{ message['role'] | upper }}]"
    "{{ eos_token }}{% endfor %}{% if add_generation_prompt %}[ASSISTANT]\n{% endif %}"
)
BOS = "<|im_start|>"


def foreign_tokenizer(template: str | None = FOREIGN) -> Any:  # noqa: ANN401  # transformers is not typed
    """One that puts a token before each text, and whose template writes that token too."""
    processors = pytest.importorskip("tokenizers").processors
    fast = pytest.importorskip("transformers").PreTrainedTokenizerFast
    backend = make_tokenizer(320).backend_tokenizer
    mark = backend.token_to_id(BOS)
    backend.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A $B", special_tokens=[(BOS, mark)]
    )
    tokenizer = fast(tokenizer_object=backend, bos_token=BOS, eos_token="<|im_end|>")
    tokenizer.chat_template = template
    return tokenizer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    foreign_tokenizer().save_pretrained(tmp_path)
    return tmp_path


def test_a_chat_is_what_the_tokenizer_itself_renders_byte_for_byte(folder: Path) -> None:
    transformers = pytest.importorskip("transformers")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    own = load_own_template(str(folder))
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    turns = [message.model_dump() for message in QUESTION]
    expected = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    assert own.render(QUESTION).encode() == expected.encode()
    assert own.render(QUESTION) == (
        f"{BOS}<<sys>> Be a good model.\n[USER]\nWrite `add`. [/USER]<|im_end|>[ASSISTANT]\n"
    )
    assert tokenizer.chat_template == FOREIGN != CHAT_TEMPLATE
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("prefill", ["Sure:\n```python\n", "Sure:\n```python", "\\1 {{ x }}  \n\n"])
def test_an_answer_that_has_begun_is_not_closed(folder: Path, prefill: str) -> None:
    own = load_own_template(str(folder))
    assert own.render(QUESTION, prefill) == own.render(QUESTION) + prefill


def test_the_pocket_model_is_asked_in_the_template_of_its_folder() -> None:
    pytest.importorskip("transformers")
    own = load_own_template(str(POCKET_WEIGHTS))
    assert own.is_there
    assert own.render(QUESTION, "```") == (
        "<|im_start|>user\n  Write `add`.\n<|im_end|>\n<|im_start|>assistant\n```"
    )


def test_a_template_that_refuses_or_hides_is_named_with_the_way_out() -> None:
    system = (Message(role="system", content="Be brief."), *QUESTION)
    with pytest.raises(UserError, match=r"no such role(.|\n)*--style complete"):
        OwnTemplate(foreign_tokenizer(), "mine").render(system)
    silent = "{% for message in messages %}{{ message['role'] }}{% endfor %}"
    with pytest.raises(UserError, match=r"chat template of mine(.|\n)*no answer can be begun"):
        OwnTemplate(foreign_tokenizer(silent), "mine").render(QUESTION, "```")
    assert not OwnTemplate(foreign_tokenizer(None), "mine").is_there


def test_a_model_without_a_tokenizer_is_named(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    with pytest.raises(UserError, match=r"tokenizer of (.|\n)*--style complete"):
        load_own_template(str(tmp_path))


def test_a_rendered_chat_begins_once_and_a_raw_text_as_its_tokenizer_begins_texts() -> None:
    pytest.importorskip("torch")
    from synth.generation.transformers_worker import PolicyWorker

    worker = PolicyWorker()
    worker.tokenizer = tokenizer = foreign_tokenizer()
    rendered = OwnTemplate(tokenizer, "mine").render(QUESTION)
    mark = tokenizer.convert_tokens_to_ids(BOS)
    chat = worker._encode({"messages": [], "prompt": rendered, "is_rendered": True})
    turns = [message.model_dump() for message in QUESTION]
    assert chat == worker._encode({"messages": turns, "prompt": ""})
    assert (chat[0], chat.count(mark)) == (mark, 1)
    raw = worker._encode({"messages": [], "prompt": "def add(a, b):", "is_rendered": False})
    assert raw == tokenizer("def add(a, b):")["input_ids"]
    assert (raw[0], raw.count(mark)) == (mark, 1)
