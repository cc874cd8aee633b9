"""One start of a run on simulated cards, as `codemill run` makes it: answer, train, and answer with what was
trained.

`python -m benchmarks.placement.command FOLDER LAYOUT` does it in a process of its own, which can be killed.
The one rule: session, placement, launch and engine are the real ones.
"""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from benchmarks.placement.layouts import LAYOUTS, Layout
from posttrain.loop.rounds import train
from posttrain.loop.session import Parts, RunPlan, Session, open_session
from posttrain.pocket.world import POCKET_WORLD
from synth.config import Recipe, SamplingConfig
from synth.generation.protocol import GenerationRequest
from synth.pipeline.books import RoundProgress
from synth.pipeline.round import RoundData, WrittenSet
from synth.policy import Policy
from synth.products import PRODUCTS
from synth.prompts.library import PromptLibrary
from synth.records import Message
from synth.store.run_folder import RunFolder, RunIdentity


class LineReporter:
    """Prints what is said."""

    def say(self, text: str) -> None:
        print(text, flush=True)

    @contextmanager
    def round(self) -> Iterator[None]:
        yield

    def show(self, progress: RoundProgress) -> None:
        self.say(f"round {progress.round}")

    def share(self, what: str, done: int, total: int) -> None:
        self.say(f"{what} {done} of {total}")

    def print_table(self, title: str, heads: object, rows: object) -> None:
        self.say(title)

    def print_line(self, text: str) -> None:
        self.say(text)


class ModelList(BaseHTTPRequestHandler):
    """All that an engine elsewhere is asked before it is used."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"data": [{"id": "m"}]}')

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def other_machine() -> Iterator[str]:
    """The address of an endpoint."""
    with ThreadingHTTPServer(("127.0.0.1", 0), ModelList) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()


def start(folder: Path, layout: Layout) -> None:
    """Bring the run in this folder to its end, or fail."""
    (folder / "cards" / "command.pid").write_text(str(os.getpid()))
    sections = {**layout.sections(), "execution": {"kind": "recorded", "path": str(folder)}}
    with other_machine() as url:
        identity = RunIdentity.of_recipe(Recipe.model_validate(sections), {})
        if "base_url" in sections["engine"]:
            sections["engine"] = {**sections["engine"], "base_url": url}
        _start(folder, Recipe.model_validate(sections), identity)


def _start(folder: Path, recipe: Recipe, identity: RunIdentity) -> None:
    with RunFolder.create_or_resume(folder, "placed", identity) as run:
        plan = RunPlan(recipe, folder, run, PromptLibrary.load("pocket"))
        asyncio.run(_session(plan, folder))


async def _session(plan: RunPlan, folder: Path) -> None:
    async with open_session(plan, Parts(LineReporter(), POCKET_WORLD)) as session:
        await _ask(session, session.base)
        for policy in await train(session, 1, session.base, _data(folder)):
            await _ask(session, policy)


async def _ask(session: Session, policy: Policy) -> None:
    """One answer of this policy, where an engine of ours gives it."""
    if session.model is None or not session.placement.engines:
        return
    await session.model.serve(policy, session.reporter)
    messages = (Message(role="user", content=f"Who answers? {os.getpid()}"),)
    await session.model.engine.generate(GenerationRequest(messages=messages, sampling=SamplingConfig()))


def _data(folder: Path) -> RoundData:
    rows, pairs = folder / "rows.jsonl", folder / "pairs.jsonl"
    rows.write_text('{"prompt": "a", "completion": "b"}\n' * 8)
    pairs.write_text('{"prompt": "a", "chosen": "b", "rejected": "c"}\n' * 8)
    return RoundData(
        tuple(
            WrittenSet(product, one, pairs if one.job == "dpo" else rows, 8)
            for product in PRODUCTS
            for one in product.data_sets
        )
    )


if __name__ == "__main__":
    start(Path(sys.argv[1]), next(one for one in LAYOUTS if one.name == sys.argv[2]))
