"""SFTP to a server outside: its host key pinned, time-outs, errors in our words, and every call recorded.

No host is trusted that the file of known hosts does not name, and nothing of the account under which the
service runs is used: no agent, no keys, no settings.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

import asyncssh

from shared.clients.reaching import not_reached
from shared.errors import CredentialsRejected, ExternalSystemUnavailable, TagwerkError
from shared.runner.context import Calls
from shared.words import CallOutcome

#: Seconds to connect and sign in, and for one command; a file of some MB may take longer.
CONNECT_WITHIN: Final = 15.0
ANSWER_WITHIN: Final = 60.0
TRANSFER_WITHIN: Final = 600.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SftpAddress:
    """Where a server is, and as whom we sign in there: with a key, or with a password."""

    host: str
    port: int
    user: str
    #: Keys by which the server is known, as OpenSSH writes them.
    known_hosts: Path
    key_file: Path | None = None
    password: str | None = field(default=None, repr=False)


class SftpSystem:
    """One server, bound to one run. Use as an async context manager: it signs in and out."""

    def __init__(self, system: str, calls: Calls, address: SftpAddress) -> None:
        self._system = system
        self._calls = calls
        self._address = address
        self._connection: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None

    async def __aenter__(self) -> Self:
        """Raises `ExternalSystemNotReached`, `ExternalSystemUnavailable`, `ExternalSystemPaused`,
        `DestinationNotAllowed`, `CredentialsRejected`, `sftp_host_untrusted` and `sftp_setup_invalid`."""
        address = self._address
        async with self._calls.reaching(self._system, address.host, address.port):
            try:
                await self._recorded("sign in", self._sign_in, within=CONNECT_WITHIN)
            except BaseException:
                self._break_off()
                raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._break_off()

    def _break_off(self) -> None:
        # What was to be done is done; nobody waits for a server that says no goodbye.
        if self._connection is not None:
            self._connection.abort()

    async def names(self, folder: str) -> Sequence[str]:
        """What lies in a folder. Raises `sftp_refused`, as all of these do, and what signing in raises when
        the connection breaks."""
        found = await self._recorded("list folder", lambda: self._sftp.listdir(folder))
        return sorted(str(name) for name in found if name not in (".", ".."))

    async def make_folder(self, folder: str) -> None:
        """Make it, with those above it, if it is not there."""
        await self._recorded("make folder", lambda: self._sftp.makedirs(folder, exist_ok=True))

    async def upload(self, content: bytes, path: str) -> None:
        """Write a file, in place of one that is there. Where the server can tell (`fsync@openssh.com`), it is
        on its disk afterwards."""
        await self._recorded("upload file", lambda: self._upload(content, path), within=TRANSFER_WITHIN)

    async def move(self, source: str, target: str) -> bool:
        """Give a file or folder another name on the server, at once; False if there is no `source`.

        Broken off, it may have happened: whether `source` is still there tells. Nothing is written over.
        """
        return await self._recorded("move", lambda: self._move(source, target), when_lost=CallOutcome.UNKNOWN)

    async def remove(self, folder: str) -> None:
        """Remove a folder with what is in it, if it is there."""
        await self._recorded("remove folder", lambda: self._remove(folder))

    async def _sign_in(self) -> None:
        address = self._address
        # An empty list of keys means none; None would mean those of the account.
        keys = [] if address.key_file is None else [str(address.key_file)]
        self._connection = await asyncssh.connect(
            address.host, address.port, username=address.user, known_hosts=str(address.known_hosts),
            client_keys=keys, password=address.password, config=None, agent_path=None,
            gss_auth=False, gss_kex=False, host_based_auth=False, kbdint_auth=False,
            connect_timeout=CONNECT_WITHIN, login_timeout=CONNECT_WITHIN, keepalive_interval=15,
        )  # fmt: skip
        self._client = await self._connection.start_sftp_client()

    async def _upload(self, content: bytes, path: str) -> None:
        async with self._sftp.open(path, "wb") as file:
            await file.write(content)
            try:
                await file.fsync()
            except asyncssh.SFTPOpUnsupported:
                return

    async def _move(self, source: str, target: str) -> bool:
        try:
            await self._sftp.rename(source, target)
        except asyncssh.SFTPError:
            # Which code a server gives is its own business: what counts is whether it is still there.
            if await self._sftp.lexists(source):
                raise
            return False
        return True

    async def _remove(self, folder: str) -> None:
        if await self._sftp.lexists(folder):
            await self._sftp.rmtree(folder)

    @property
    def _sftp(self) -> asyncssh.SFTPClient:
        assert self._client is not None, "signed in"
        return self._client

    async def _recorded(
        self,
        operation: str,
        work: Callable[[], Awaitable[T]],
        *,
        within: float = ANSWER_WITHIN,
        when_lost: CallOutcome = CallOutcome.FAILED,
    ) -> T:
        """What `work` gives, recorded."""
        with self._calls.begin(self._system, operation, broken_off=when_lost) as call:
            try:
                async with asyncio.timeout(within):
                    result = await work()
            except (asyncssh.Error, OSError, ValueError) as error:
                failure = self._failure(error)
                lost = self._client is not None and isinstance(failure, ExternalSystemUnavailable)
                call.failed_with(failure, when_lost if lost else CallOutcome.FAILED)
                raise failure from None
            call.succeeded()
            return result

    def _failure(self, error: Exception) -> TagwerkError:
        said = str(error)[:300] or type(error).__name__
        match error:
            case asyncssh.HostKeyNotVerifiable():
                return TagwerkError(
                    "sftp_host_untrusted",
                    f"{self._address.host} shows a host key that is not among the known ones: {said}",
                    concern=self._system,
                    next_step="Ask whoever runs the server for its host key. Only if it is the one that is "
                    "shown, add it to the file of known hosts (ssh-keyscan writes the line).",
                )
            case asyncssh.PermissionDenied():
                return CredentialsRejected(
                    self._system, f"it refused the sign-in of {self._address.user}: {said}"
                )
            case asyncssh.SFTPConnectionLost() | asyncssh.SFTPNoConnection():
                return ExternalSystemUnavailable(self._system, f"the connection broke: {said}")
            case asyncssh.SFTPError():
                return TagwerkError(
                    "sftp_refused",
                    f"it refused a command: {said}",
                    concern=self._system,
                    next_step="Check folder and rights of the user on the server.",
                )
            case asyncssh.KeyImportError() | FileNotFoundError() | PermissionError() | ValueError():
                return TagwerkError(
                    "sftp_setup_invalid",
                    f"key or known hosts cannot be read: {said}",
                    concern=self._system,
                    next_step="Check the files of key and known hosts: they have to be there, readable for "
                    "the service, and written as OpenSSH writes them, the key without a passphrase.",
                )
            case _ if self._connection is None and isinstance(error, OSError):
                timed_out = isinstance(error, TimeoutError)
                return not_reached(self._system, self._address.host, error, timed_out=timed_out)
            case TimeoutError():
                return ExternalSystemUnavailable(self._system, "no answer in time")
            case _:
                return ExternalSystemUnavailable(self._system, f"the connection broke: {said}")
