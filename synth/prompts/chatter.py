"""What models say around an instruction: openings, headings, JSON, closing offers. Pure functions.

Place in the flow: `extract_instruction` takes it off; what is left of it makes the answer none
(`rules.instruction_faults`). The one rule: only
a whole line or sentence of chatter goes; words of the task stay.
"""

import json
import re
from typing import Final

_OPENER: Final = re.compile(
    r"(?i)^\W*(?:sure\b|certainly\b|of course\b|okay\b|ok[,.!]|absolutely\b|great\b|here(?:'|’)?s\b|here is\b"
    r"|here are\b|below is\b|the following is\b|no problem\b|gladly\b|happy to\b|understood\b|got it\b"
    r"|¡?claro\b|por supuesto\b|aquí (?:está|tiene|tienes)\b|bien sûr\b|voici\b|certainement\b|natürlich\b"
    r"|gerne\b|hier ist\b|selbstverständlich\b|конечно\b|вот\b|разумеется\b|com certeza\b|aqui está\b"
    r"|certo\b|ecco\b|certamente\b|بالتأكيد|بالطبع|إليك|当然|好的|以下是|没问题|下面是|もちろん|以下は|以下が|はい、|承知"
    r"|물론|네[,.]|다음은|여기)"
)
_ENDS: Final = re.compile(r"[:：!！。.]\W*$")
_HEADING: Final = re.compile(
    r"(?i)^\s*(?:#+\s*[^\n]{0,60}|[*_]{2}[^*_\n]{1,60}[*_]{2}[:：]?"
    r"|(?:instruction|task|problem|tarea|tâche|aufgabe|задача|tarefa|compito|任务|题目|課題|과제|المهمة)\s*[:：]?)\s*$"
)
_CLOSER: Final = re.compile(
    r"(?i)^\W*(?:let me know\b|(?:i )?hope (?:this|that|it)\b|feel free\b|would you like\b|do you want\b"
    r"|if you (?:need|want|would|have any)\b|is there anything\b|happy coding\b|good luck\b|please let me\b"
    r"|this (?:task|instruction|description) (?:captures|describes|covers)\b|note that i\b|i (?:have|'ve) \w+"
    r"|espero que\b|avísame\b|si necesitas\b|¿quieres\b|n'hésite|j'espère\b|dites-moi\b|souhaitez-vous\b"
    r"|ich hoffe\b|lass mich wissen\b|sag(?:en sie)? \w+ bescheid\b|wenn sie\b.*\bfragen\b|möchten sie\b"
    r"|надеюсь\b|дайте знать\b|если (?:нужно|у вас)\b|хотите\b|se precisar\b|me avise\b|spero che\b"
    r"|fammi sapere\b|希望(?:这|对)|如果(?:您|你)(?:需要|有)|如有|需要我|何か(?:あれ|ご)|ご不明|お役に立"
    r"|도움이 되|필요하(?:시|면)|궁금|أتمنى|أخبرني|إذا كنت)"
)
_SENTENCE: Final = re.compile(r"(?<=[.!?。！？])\s*(?=\S)")
_KEYS: Final = ("instruction", "task", "problem", "description", "text", "content", "prompt", "question")


def without_chatter(text: str) -> str:
    """The text without what stands around the task; as it was if nothing but chatter would be left."""
    text = _unwrapped(text)
    lines = text.split("\n")
    while len(lines) > 1 and (not lines[0].strip() or _is_opening(lines[0])):
        lines = lines[1:]
    while len(lines) > 1 and (not lines[-1].strip() or _CLOSER.match(lines[-1])):
        lines = lines[:-1]
    kept = _without_outer_sentences("\n".join(lines).strip())
    return kept or text


def chatter_in(text: str) -> str:
    """A sentence of chatter that is left in an instruction; empty if there is none."""
    sentences = [one for line in text.split("\n") for one in _SENTENCE.split(line) if one.strip()]
    for at, one in enumerate(sentences):
        if _CLOSER.match(one) and (at == 0 or at >= len(sentences) - 2):
            return one
    first = text.split("\n", 1)[0]
    if sentences and _OPENER.match(sentences[0]) and re.search(r"[:：!！]", first[:100]):
        return sentences[0]
    return ""


def _is_opening(line: str) -> bool:
    if _HEADING.match(line) or re.fullmatch(r"\s*[-=*_]{3,}\s*", line):
        return True
    return len(line) <= 160 and bool(_OPENER.match(line)) and bool(_ENDS.search(line))


def _without_outer_sentences(text: str) -> str:
    """A sentence of greeting before the task on its line, and an offer after it."""
    while found := re.match(r"[^\n.!?。！？:：]{1,120}[!！:：]\s*", text):
        if not _OPENER.match(found[0]) or not text[found.end() :].strip():
            break
        text = text[found.end() :]
    while len(sentences := _SENTENCE.split(text)) > 1 and _CLOSER.match(sentences[-1]):
        text = text[: text.rindex(sentences[-1])].rstrip()
    return text


def _unwrapped(text: str) -> str:
    """The one text in a JSON object, such as `{"task": "..."}`."""
    if not text.startswith("{") or len(text) > 20_000:
        return text
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(found, dict):
        return text
    said = [found[key] for key in found if str(key).lower() in _KEYS and isinstance(found[key], str)]
    return said[0].strip() if len(said) == 1 else text
