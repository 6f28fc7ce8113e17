"""Passwords: which ones are good enough, and their hashes, made without holding up the event loop."""

import asyncio
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from shared.errors import TagwerkError

#: https://pages.nist.gov/800-63-4/sp800-63b.html: length counts, rules of composition do not.
SHORTEST, LONGEST = 12, 256

#: Hashes at once: each takes 64 MiB for a moment.
PARALLEL = 2
#: Sign-ins that wait for one of them. More are sent away.
WAITING = 32

_COMMON = Path(__file__).parent / "common_passwords.txt"


@cache
def common_passwords() -> frozenset[str]:
    """In lower case, of those that are long enough to be taken at all."""
    return frozenset(line for line in _COMMON.read_text().splitlines() if line and not line.startswith("#"))


def why_not_password(password: str, *, id: str, name: str) -> str | None:
    """Why this password is refused for the principal; None for a good one. Pure but for the list."""
    folded = password.casefold()
    if len(password) < SHORTEST:
        return f"it has fewer than {SHORTEST} characters"
    if len(password) > LONGEST:
        return f"it has more than {LONGEST} characters"
    if folded in common_passwords() or _trimmed(folded) in common_passwords():
        return "it is one of those that are tried first"
    if len(set(folded)) < 5:
        return "it consists of too few different characters"
    own = {word for word in (id, name.casefold(), *name.casefold().split()) if len(word) > 3}
    if any(len(folded.replace(word, "")) < SHORTEST // 2 for word in own):
        return "it is little more than your own name"
    return None


def _trimmed(folded: str) -> str:
    """Without the digits and signs that people add to satisfy a rule."""
    return folded.strip("0123456789!?.,-_#*+$ ")


def check_password(password: str, *, id: str, name: str) -> None:
    """Raises `password_refused`."""
    reason = why_not_password(password, id=id, name=name)
    if reason is not None:
        raise TagwerkError(
            "password_refused",
            f"this password cannot be taken: {reason}",
            concern="password",
            next_step=f"Take one with {SHORTEST} characters or more, such as a few words that belong to "
            "nothing; a password manager makes good ones.",
        )


class Hasher:
    """Argon2id with the parameters of RFC 9106 for little memory, a limited number at once."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._slots = asyncio.Semaphore(PARALLEL)
        self._waiting = 0
        #: Takes the place of the hash of a principal who has none, so that the answer takes as long.
        self._nobody = _nobodys(self._hasher)

    async def hash(self, password: str) -> str:
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, _plain(password))

    async def verify(self, hash: str | None, password: str) -> bool:
        """Whether the password belongs to the hash; never to None. Raises `sign_in_busy`."""
        if self._waiting >= WAITING:
            raise TagwerkError(
                "sign_in_busy",
                "too many people sign in at this moment",
                next_step="Try again in a few seconds.",
                retryable=True,
            )
        self._waiting += 1
        try:
            async with self._slots:
                fits = await asyncio.to_thread(self._verify, hash or self._nobody, _plain(password))
        finally:
            self._waiting -= 1
        return fits and hash is not None

    def needs_rehash(self, hash: str) -> bool:
        """Whether it was made with other parameters than ours."""
        return self._hasher.check_needs_rehash(hash)

    def _verify(self, hash: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(hash, password)
        except (VerificationError, InvalidHashError):
            return False


@cache
def _hash_of_nobody(time_cost: int, memory_cost: int, parallelism: int, hash_len: int) -> str:
    hasher = PasswordHasher(
        time_cost=time_cost, memory_cost=memory_cost, parallelism=parallelism, hash_len=hash_len
    )
    return hasher.hash("nobody's password")


def _nobodys(hasher: PasswordHasher) -> str:
    """Made once for the same parameters: it takes as long as a sign-in."""
    return _hash_of_nobody(hasher.time_cost, hasher.memory_cost, hasher.parallelism, hasher.hash_len)


def _plain(password: str) -> bytes:
    # Halves of surrogate pairs come in with JSON; what is too long is never a password.
    return password[: LONGEST + 1].encode("utf-8", "surrogatepass")
