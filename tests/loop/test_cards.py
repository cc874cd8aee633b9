"""The cards of the machine: what `nvidia-smi` lists of what CUDA_VISIBLE_DEVICES leaves visible."""

from pathlib import Path

import pytest

from synth.cards import Card, find_cards, visible_to_child
from tests.loop.stub_cards import MIB, stub_nvidia_smi


@pytest.mark.parametrize(("visible", "count"), [("", 0), ("-1", 0), ("0", 1), ("0,1,3", 3), ("0,-1,1", 1)])
def test_without_nvidia_smi_cards_are_counted_from_what_is_visible(
    monkeypatch: pytest.MonkeyPatch, visible: str, count: int
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert len(find_cards()) == count


def test_cards_have_the_memory_that_nvidia_smi_states(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_nvidia_smi(tmp_path, monkeypatch, [(24564, 24000), (81559, 1000)])
    first, second = find_cards()
    assert first == Card(0, "0", "Stub GPU", 24564 * MIB, 24000 * MIB)
    assert (second.id, second.memory, second.free) == ("1", 81559 * MIB, 1000 * MIB)


@pytest.mark.parametrize(("visible", "ids"), [("2,0", ["2", "0"]), ("GPU-1", ["GPU-1"])])
def test_number_0_is_the_first_visible_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, visible: str, ids: list[str]
) -> None:
    stub_nvidia_smi(tmp_path, monkeypatch, [(100, 100), (200, 200), (300, 300)])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    cards = find_cards()
    assert [card.id for card in cards] == ids
    assert [card.number for card in cards] == list(range(len(ids)))
    assert cards[0].memory == {"2,0": 300, "GPU-1": 200}[visible] * MIB
    assert visible_to_child(cards) == {"CUDA_VISIBLE_DEVICES": visible}


def test_a_part_of_a_card_has_no_size_and_a_broken_tool_shows_no_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_nvidia_smi(tmp_path, monkeypatch, [(100, 100)])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-7")
    assert find_cards() == (Card(0, "MIG-7"),)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    for broken in ("exit 9", "echo '0, GPU-0, Stub'", "echo '[N/A]'"):
        (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{broken}\n")
        assert find_cards() == ()
