"""What a message means by the rules, without I/O."""

import difflib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from services.mqtt_bridge.messages import Arrived
from services.mqtt_bridge.rules import Rule, Rules
from services.mqtt_bridge.topics import check_topic, matches
from shared.errors import TagwerkError

#: Characters of a value that tells messages apart.
_LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes two messages the same one."""

    topic: str
    #: The value of the rule's field, or the payload's hash.
    fingerprint: str
    #: For how long it counts; None: for good.
    window: timedelta | None
    #: SHA-256 of the payload, in hex: the same identity with another payload is a mistake.
    payload_sha256: str

    def key(self, first: int) -> str:
        """The idempotency key; `first` is the sequence in INGRESS of the first of the same messages."""
        return f"mqtt:{self.topic}:{self.fingerprint}" + ("" if self.window is None else f":{first}")


def rule_for(rules: Rules, topic: str) -> Rule:
    """The first rule that fits. Raises `no_rule`."""
    for rule in rules.rules:
        if matches(rule.topic, topic):
            return rule
    raise TagwerkError(
        "no_rule",
        f"no rule takes messages on {topic}",
        concern=topic,
        next_step="Write a rule for the topic, or end the subscription; then replay this dead letter.",
    )


def rule_name(rules: Rules, topic: str) -> str:
    """The name of the rule that takes it; `none` for what the session still held when its rule went."""
    try:
        return rule_for(rules, topic).name
    except TagwerkError:
        return "none"


def identity_of(rule: Rule, message: Arrived) -> Identity:
    """Raises `payload_invalid`."""
    sha256 = hashlib.sha256(message.payload).hexdigest()
    path = rule.idempotency_field
    if path is None:
        window = timedelta(minutes=rule.window_minutes)
        return Identity(message.topic, f"sha256-{sha256}", window, sha256)
    value = _found(_object(rule, message.payload), path)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise _invalid(rule, f"its field {path} tells messages apart and has to be text or a whole number")
    written = json.dumps(value, ensure_ascii=False)
    if len(written) > _LONGEST_KEY:
        raise _invalid(rule, f"its field {path} has more than {_LONGEST_KEY} characters")
    return Identity(message.topic, written, None, sha256)


def parameters_of(rule: Rule, payload: bytes) -> dict[str, Any]:
    """The parameters of the run that a message asks for. Raises `payload_invalid`."""
    start = rule.start
    assert start is not None, "the rule starts no job"
    found = {}
    if start.fields:
        content = _object(rule, payload)
        found = {name: _found(content, path) for name, path in start.fields.items()}
    return {**start.parameters, **{name: value for name, value in found.items() if value is not None}}


def data_of(rule: Rule, payload: bytes) -> dict[str, Any]:
    """What an event tells. Raises `payload_invalid`."""
    return _object(rule, payload)


def file_name_of(rule: Rule, topic: str) -> str:
    """What an upload is called."""
    assert rule.upload is not None, "the rule takes no documents"
    return rule.upload.file_name or topic.rstrip("/").rpartition("/")[2] or "document"


@dataclass(frozen=True, slots=True)
class Answering:
    """Where an answer goes, and what it repeats."""

    topic: str
    #: Of MQTT 5, as it came.
    correlation_data: bytes | None
    #: From the payload.
    correlation: Any


def answering(rule: Rule, message: Arrived) -> Answering | None:
    """How to answer; None if nobody wants an answer. Bears any payload: refusals are answered too."""
    own = message.response_topic
    topic = own if own is not None and _may_answer(rule, own) else rule.response_topic
    if topic is None:
        return None
    correlation = None
    if rule.correlation_field is not None:
        try:
            correlation = _found(_object(rule, message.payload), rule.correlation_field)
        except TagwerkError:
            correlation = None
    return Answering(topic, message.correlation_data, correlation)


def simple(value: Any) -> str | int | float | bool | None:
    """A correlation is a plain value; of anything else its JSON is repeated."""
    return value if value is None or isinstance(value, str | int | float | bool) else json.dumps(value)


def job_missing(job: str, *, retired: bool, known: Sequence[str]) -> TagwerkError:
    """Nobody offers the job that a rule names."""
    close = difflib.get_close_matches(job, known, n=1)
    meant = f"; did you mean {close[0]}?" if close and not retired else ""
    why = "is offered by no service any more" if retired else "is not known"
    return TagwerkError(
        "job_not_found",
        f"the job {job} {why}{meant}",
        concern=job,
        next_step="Correct the rule and start the bridge again; then replay this dead letter.",
    )


def _may_answer(rule: Rule, topic: str) -> bool:
    """A message can have the bridge publish only where its rule lets it."""
    prefix = rule.response_prefix
    if prefix is None or not (topic == prefix or topic.startswith(prefix.rstrip("/") + "/")):
        return False
    try:
        check_topic(topic)
    except ValueError:
        return False
    return True


def _object(rule: Rule, payload: bytes) -> dict[str, Any]:
    try:
        content = json.loads(payload, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _invalid(rule, f"it is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise _invalid(rule, f"it is a JSON {type(content).__name__}, and an object was expected")
    return content


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _found(content: dict[str, Any], path: str) -> Any:
    """The value at a path, None if it is not there."""
    value: Any = content
    for name in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _invalid(rule: Rule, cause: str) -> TagwerkError:
    return TagwerkError(
        "payload_invalid",
        f"the payload does not fit the rule {rule.name}: {cause}",
        concern=rule.name,
        next_step="Correct what the sender publishes, or the rule; then send the message again.",
    )
