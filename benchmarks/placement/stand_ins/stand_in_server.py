"""Stands in for vLLM's server on simulated cards: its options, its sleep as vLLM 0.32 does it, and an answer
to every request.

Place in the flow: `VllmProcess` starts it under vLLM's name. The one rule: what vLLM refuses, it refuses;
what vLLM would answer asleep or with lost weights is noted as wrong.
"""

import argparse
import json
import os
import signal
import socketserver
import sys
import time
from http.server import BaseHTTPRequestHandler
from typing import Any, NoReturn
from urllib.parse import parse_qs, urlsplit

from benchmarks.placement.stand_ins import simulated_card
from benchmarks.placement.stand_ins.kill_switch import step

Body = dict[str, Any]
Query = dict[str, list[str]]
ASLEEP = 1 << 30
TAGS = {"weights", "kv_cache"}

parser = argparse.ArgumentParser()
for name in ("--uds", "--served-model-name", "--model"):
    parser.add_argument(name)
parser.add_argument("--gpu-memory-utilization", type=float, default=0.92)
parser.add_argument("--tensor-parallel-size", type=int, default=1)
parser.add_argument("--enable-sleep-mode", action="store_true")
parser.add_argument("--enable-lora", action="store_true")
options, others = parser.parse_known_args()


class EngineState:
    """What the engine holds."""

    def __init__(self, weights: str) -> None:
        self.sleeping: set[str] = set()
        self.level = 0
        self.weights = weights
        self.adapters: list[str] = []


STATE = EngineState(options.model)


def note(what: str, **more: object) -> None:
    simulated_card.note("engine", what, **more)


class StandInHandler(BaseHTTPRequestHandler):
    """The endpoints that codemill calls."""

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/v1/models":
            names = [options.served_model_name, *STATE.adapters]
            self.answer(200, {"data": [{"id": name} for name in names]})
        elif path == "/is_sleeping":
            self.answer(200, {"is_sleeping": bool(STATE.sleeping)})
        else:
            self.answer(200, {})

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size) or b"{}")
        url = urlsplit(self.path)
        handle = HANDLERS.get(url.path)
        if handle is None:
            self.answer(404, {"error": f"no {url.path}"})
            return
        try:
            self.answer(200, handle(body or {}, parse_qs(url.query)) or {})
        except (ValueError, simulated_card.CardIsFull) as error:
            note("refused", path=self.path, error=str(error))
            self.answer(500, {"error": str(error)})

    def answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def address_string(self) -> str:
        return "socket"


def sleep(body: Body, query: Query) -> None:
    level = int(query["level"][0])
    note("sleep", level=level)
    step("sleep")
    if not options.enable_sleep_mode:
        raise ValueError("sleep mode is not enabled")
    if level == 2 and options.enable_lora:
        raise ValueError("level 2 with adapters crashes")
    STATE.sleeping, STATE.level = set(TAGS), level
    if level == 2:
        STATE.weights = ""
    simulated_card.claim("engine", size=ASLEEP)
    step("asleep")


def wake_up(body: Body, query: Query) -> None:
    tags = set(query.get("tags", TAGS))
    note("wake", tags=sorted(tags))
    step(f"wake {'+'.join(sorted(tags))}")
    STATE.sleeping -= tags
    share = options.gpu_memory_utilization
    simulated_card.claim("engine", share=share / 2 if STATE.sleeping else share)


def collective_rpc(body: Body, query: Query) -> None:
    note("reload", path=body["kwargs"]["weights_path"])
    step("reload")
    if "weights" in STATE.sleeping:
        raise ValueError("no memory for the weights")
    STATE.weights = body["kwargs"]["weights_path"]


def load_adapter(body: Body, query: Query) -> None:
    note("adapter", path=body["lora_path"])
    step("adapter")
    if STATE.sleeping:
        raise ValueError("asleep")
    STATE.adapters.append(body["lora_name"])


def unload_adapter(body: Body, query: Query) -> None:
    STATE.adapters.remove(body["lora_name"])


def complete(body: Body, query: Query) -> Body:
    sound = not STATE.sleeping and STATE.weights
    note("answer" if sound else "answered asleep", model=body["model"])
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "done"}}
    return {"choices": [choice], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}


HANDLERS = {
    "/sleep": sleep,
    "/wake_up": wake_up,
    "/collective_rpc": collective_rpc,
    "/reset_prefix_cache": lambda body, query: None,
    "/v1/load_lora_adapter": load_adapter,
    "/v1/unload_lora_adapter": unload_adapter,
    "/v1/chat/completions": complete,
}


class StandInServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def end_slowly(*_: object) -> NoReturn:
    """As a real server does, whose memory is free only some time after it was told to end."""
    time.sleep(0.5)
    os._exit(0)


signal.signal(signal.SIGTERM, end_slowly)
note("start", cards=simulated_card.visible(), options=[*sys.argv[1:]])
simulated_card.claim("engine", share=options.gpu_memory_utilization)
step("start")
StandInServer(options.uds, StandInHandler).serve_forever()
