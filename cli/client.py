"""The gateway's HTTP API as the commands use it: typed answers, and problems instead of statuses."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from uuid import UUID

import httpx
from pydantic import BaseModel, ValidationError

from cli.connection import Connection
from cli.problems import problem_of_answer, unreachable

Model = TypeVar("Model", bound=BaseModel)

#: Seconds for an ordinary answer. A long poll adds what it asked for.
ANSWER_WITHIN = 30.0
#: Seconds without a byte of an upload or a download.
STALLED_AFTER = 120.0


class Gateway:
    """A connection to the gateway. Use as an asynchronous context manager."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        headers = {"Accept": "application/json", "User-Agent": "tagwerk-cli"}
        if connection.token is not None:
            headers["Authorization"] = f"Bearer {connection.token}"
        # trust_env: no proxy of the environment may come between us and 127.0.0.1.
        local = httpx.URL(connection.url).host in ("127.0.0.1", "localhost", "::1")
        self.http = httpx.AsyncClient(
            base_url=connection.url + "/api/v1",
            headers=headers,
            timeout=httpx.Timeout(ANSWER_WITHIN, connect=5.0),
            trust_env=not local,
        )

    async def __aenter__(self) -> "Gateway":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()

    async def get(self, path: str, model: type[Model], **query: Any) -> Model:
        """`query` values that are None are left out; lists become repeated fields."""
        wait = float(query.get("wait") or 0)
        answer = await self._send("GET", path, params=_filled(query), timeout=_patience(ANSWER_WITHIN + wait))
        return self._read(answer, model)

    async def post(
        self,
        path: str,
        model: type[Model],
        body: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = ANSWER_WITHIN,
    ) -> Model:
        answer = await self._send("POST", path, json=body, headers=headers, timeout=_patience(timeout))
        return self._read(answer, model)

    async def put(self, path: str, model: type[Model], body: Mapping[str, Any]) -> Model:
        return self._read(await self._send("PUT", path, json=body), model)

    async def put_nothing(self, path: str, body: Mapping[str, Any]) -> None:
        """For what answers nothing."""
        await self._send("PUT", path, json=body)

    async def delete_and_read(self, path: str, model: type[Model]) -> Model:
        """For what answers how it is then."""
        return self._read(await self._send("DELETE", path), model)

    async def delete(self, path: str) -> None:
        await self._send("DELETE", path)

    async def upload(self, file: Path, *, client: str | None, interactive: bool) -> Any:
        """Send one file; the bare answer, also where the file itself was refused."""
        form = {"interactive": "true" if interactive else "false"}
        if client is not None:
            form["client"] = client
        with file.open("rb") as content:
            answer = await self._request(
                "POST",
                "/documents",
                data=form,
                files={"file": (shown_name(file), content, _media_type(file))},
                timeout=_patience(STALLED_AFTER),
            )
        body = _json(answer)
        if answer.is_error and not (isinstance(body, dict) and "files" in body):
            raise problem_of_answer(answer.status_code, body, str(answer.url))
        return body

    async def keep_file(self, file: Path, *, client: str | None) -> Any:
        """Upload a file that a job is to read; the answer names its reference."""
        with file.open("rb") as content:
            answer = await self._send(
                "POST",
                "/files",
                data={} if client is None else {"client": client},
                files={"file": (shown_name(file), content, "application/octet-stream")},
                timeout=_patience(STALLED_AFTER),
            )
        return _json(answer)

    async def download(self, path: str, target: Path, query: Mapping[str, Any] | None = None) -> int:
        """Write a file as it comes; returns its size. A download that breaks off leaves nothing behind."""
        unfinished = target.with_name(target.name + ".unfinished")
        size = 0
        try:
            async with self.stream(path, query=query) as answer:
                with unfinished.open("wb") as file:
                    async for chunk in answer.aiter_bytes():
                        size += file.write(chunk)
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)
        return size

    async def read_bytes(self, path: str) -> bytes:
        async with self.stream(path) as answer:
            return await answer.aread()

    @asynccontextmanager
    async def stream(
        self,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = STALLED_AFTER,
        query: Mapping[str, Any] | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """An answer that is read as it comes; problems are raised before the first byte."""
        try:
            async with self.http.stream(
                "GET", path, headers=headers, timeout=_patience(timeout), params=_filled(query or {})
            ) as answer:
                if answer.is_error:
                    await answer.aread()
                    raise problem_of_answer(answer.status_code, _json(answer), str(answer.url))
                yield answer
        except httpx.TransportError as error:
            raise unreachable(self.connection.url, _words(error)) from error

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        answer = await self._request(method, path, **options)
        if answer.is_error:
            raise problem_of_answer(answer.status_code, _json(answer), str(answer.url))
        return answer

    async def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return await self.http.request(method, path, **options)
        except httpx.TransportError as error:
            raise unreachable(self.connection.url, _words(error)) from error

    def _read(self, answer: httpx.Response, model: type[Model]) -> Model:
        try:
            return model.model_validate_json(answer.content)
        except ValidationError as error:
            problem = problem_of_answer(answer.status_code, None, str(answer.url))
            problem.details.append(f"{model.__name__}: {error.error_count()} fields differ from the contract")
            raise problem from error


def run_path(run_id: UUID, part: str = "") -> str:
    return f"/runs/{run_id}" + (f"/{part}" if part else "")


def shown_name(file: Path) -> str:
    """The file's name, with a sign in place of bytes that are no UTF-8."""
    return os.fsencode(file.name).decode(errors="replace")


def _patience(seconds: float) -> httpx.Timeout:
    return httpx.Timeout(seconds, connect=5.0)


def _filled(query: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in query.items()
        if value is not None and value != []
    }


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _words(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.ConnectTimeout | httpx.ReadTimeout | httpx.WriteTimeout | httpx.PoolTimeout):
        return "no answer in time"
    return str(error) or type(error).__name__


def _media_type(file: Path) -> str:
    """What the name says; the gateway compares it with the content."""
    endings = {
        ".pdf": "application/pdf",
        ".png": "image/png",
        ".jpg": "image/jpeg",
        ".jpeg": "image/jpeg",
        ".tif": "image/tiff",
        ".tiff": "image/tiff",
    }
    return endings.get(file.suffix.lower(), "application/octet-stream")
