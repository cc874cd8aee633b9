"""The page of help, made of the filter language, the keys and the reasons."""

from synth.inspector.filter_language import EVIDENCE, FIELDS, field_of
from synth.inspector.web.keys import KEYS
from synth.inspector.web.page import Page, Visit
from synth.reasons import REASONS
from synth.records import Record


class HelpField(Record):
    """A field of the filter language."""

    name: str
    aliases: tuple[str, ...]
    about: str
    example: str
    known: tuple[str, ...]


class HelpKey(Record):
    """A key."""

    key: str
    does: str
    where: str


class HelpReason(Record):
    """A reason why a unit is rejected or fails."""

    code: str
    reason_class: str
    sentence: str
    stage: str


class HelpPage(Record):
    """All that helps."""

    fields: tuple[HelpField, ...]
    keys: tuple[HelpKey, ...]
    reasons: tuple[HelpReason, ...]


def load(_: Visit) -> HelpPage:
    """What this version knows."""
    fields = [*FIELDS.values(), field_of(f"{EVIDENCE}NAME")]
    return HelpPage(
        fields=tuple(
            HelpField(
                name="evidence.NAME" if field.name == EVIDENCE else field.name,
                aliases=field.aliases,
                about=field.about,
                example=field.example,
                known=field.known if len(field.known) <= 12 else (),
            )
            for field in fields
        ),
        keys=tuple(HelpKey(**key._asdict()) for key in KEYS),
        reasons=tuple(
            HelpReason(
                code=one.code, reason_class=one.reason_class.value, sentence=one.sentence, stage=one.stage
            )
            for one in sorted(REASONS.values(), key=lambda one: (one.reason_class.value, one.code))
        ),
    )


PAGES = (Page("/help", "help.html", load),)
