"""Calls to systems in the customer's network: the address is fixed, parameters fill in the rest."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import httpx

from services.mqtt_bridge.agent.core import Result, Unfinished
from services.mqtt_bridge.agent.registry import HttpAction
from services.mqtt_bridge.agent.registry_file import read_secret
from shared.agents import AgentItem


async def call(action: HttpAction, values: Mapping[str, Any], command: str) -> Result:
    """One call, never repeated. Raises `Unfinished`, which says whether it may have changed something."""
    given = {name: _plain(value) for name, value in values.items() if value is not None}
    url = action.url
    for name in action.in_path:
        url = url.replace(f"{{{name}}}", quote(str(given.pop(name)), safe=""))
    headers = {name: read_secret(secret) for name, secret in action.headers.items()}
    headers.setdefault("Idempotency-Key", command)
    body: dict[str, Any] = {"json": given} if action.changes else {"params": given}
    try:
        async with (
            httpx.AsyncClient(trust_env=False, timeout=action.timeout) as client,
            client.stream(action.method, url, headers=headers, **body) as answer,
        ):
            content = b""
            async for piece in answer.aiter_bytes():
                content += piece
                if len(content) > action.answer_limit:
                    break
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise _failed(action, f"no connection: {error or type(error).__name__}") from error
    except httpx.HTTPError as error:
        raise _failed(
            action, f"no answer: {error or type(error).__name__}", done_perhaps=action.changes
        ) from error
    if answer.status_code >= 500:
        raise _failed(action, f"it answered {answer.status_code}", done_perhaps=action.changes)
    if not answer.is_success:
        raise _failed(action, f"it answered {answer.status_code}")
    text = content[: action.answer_limit].decode(errors="replace")
    data = {"status": answer.status_code, "answer": text}
    more = len(content) > action.answer_limit
    return Result(items=[AgentItem(key="answer", data=data)], more=more)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


def _failed(action: HttpAction, cause: str, *, done_perhaps: bool = False) -> Unfinished:
    step = "Check the local system and the action in the agent's file."
    if done_perhaps:
        step = "Look into the local system whether it was done, then decide it at the run."
    return Unfinished(
        "agent_call_failed",
        f"{action.method} {action.url}: {cause}",
        step,
        done_perhaps=done_perhaps,
    )
