"""Streams into files, and back: each message with its sequence, each durable with how far it was.

Not by the server's own snapshots, since those cannot be cut at the moment of the backup. The time at which
a message was stored does not come back: it is kept for as long as its stream keeps messages, from the
restore on.
"""

import asyncio
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from deploy.backup.cut import api
from deploy.backup.manifest import Durable, Stream, altered
from deploy.backup.messages import MessageWriter, StoredMessage, read_messages
from shared.errors import TagwerkError

#: Messages that are on their way at once.
_AT_ONCE: Final = 500
#: Of a key-value bucket only the values count: their sequences are not kept.
_BUCKET: Final = "KV_"
_SECOND: Final = 10**9


async def save_stream(nc: Client, stream: Stream, path: Path) -> int:
    """Write the messages up to the moment of the backup; how many there were.

    Those that expire meanwhile are missing, as they soon would be.
    """
    count = 0
    with MessageWriter(path) as file:
        if stream.messages == 0:
            return 0
        js = nc.jetstream(timeout=30)
        reading = await js.pull_subscribe(
            "", stream=stream.name,
            config=ConsumerConfig(
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=max(stream.first, 1),
                ack_policy=AckPolicy.NONE, mem_storage=True, num_replicas=1, inactive_threshold=60.0,
            ),
        )  # fmt: skip
        last, left = 0, 1
        while last < stream.last and left > 0:
            try:
                batch = await reading.fetch(_AT_ONCE, timeout=5)
            except TimeoutError:
                # The last ones were removed meanwhile.
                break
            messages = [_stored(message) for message in batch]
            last, left = messages[-1].sequence, batch[-1].metadata.num_pending
            kept = [message for message in messages if message.sequence <= stream.last]
            await asyncio.to_thread(file.write, kept)
            count += len(kept)
        await reading.unsubscribe()
    return count


def _stored(message: Any) -> StoredMessage:
    # $JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<consumer's sequence>.<time>.<pending>, with
    # <domain>.<account> after ACK on servers that have them.
    tokens = message.reply.split(".")
    at = 5 if len(tokens) == 9 else 7
    return StoredMessage(
        int(tokens[at]), message.subject, int(tokens[at + 2]), message.data, message.headers or {}
    )


async def refuse_used_streams(nc: Client, streams: list[Stream]) -> None:
    """Raises `TagwerkError` (`bus_in_use`) if one of these streams holds or held messages."""
    answer = await api(nc, "STREAM.LIST", absent="streams")
    names = {stream.name for stream in streams}
    used = [
        found["config"]["name"]
        for found in answer["streams"] or []
        if found["config"]["name"] in names and found["state"]["last_seq"] > 0
    ]
    if used:
        raise TagwerkError(
            "bus_in_use",
            f"the bus holds messages already, in {', '.join(used)}",
            concern=used[0],
            next_step="Restore to a new bus; or, if nobody needs it any more, delete these streams first.",
        )


async def restore_stream(nc: Client, stream: Stream, path: Path, moment: float) -> None:
    """Make a stream that ends where it did, and its durables. `moment`: of the backup, seconds since 1970.

    Raises `TagwerkError`: `backup_altered`, `bus_refuses`, `stream_not_restored`.
    """
    js = nc.jetstream(timeout=30)
    # An empty one, as the admin step leaves it, could not be given its first sequence.
    await api(nc, f"STREAM.DELETE.{stream.name}", absent="streams")
    config = {"name": stream.name, **stream.config}
    await api(nc, f"STREAM.CREATE.{stream.name}", config | {"deny_purge": False})
    keeps_sequences = not stream.name.startswith(_BUCKET)
    if keeps_sequences and stream.last > 0:
        await api(nc, f"STREAM.PURGE.{stream.name}", {"seq": max(stream.first, 1)})
    remembered = moment - stream.config.get("duplicate_window", 0) / _SECOND  # type: ignore[operator]
    await _publish(js, stream, path, int(remembered * _SECOND), keeps_sequences=keeps_sequences)
    await api(nc, f"STREAM.UPDATE.{stream.name}", config)
    for durable in stream.durables:
        await _restore_durable(nc, stream, durable)


async def _publish(
    js: JetStreamContext, stream: Stream, path: Path, remembered: int, *, keeps_sequences: bool
) -> None:
    messages = read_messages(path)
    if keeps_sequences:
        messages = _without_holes(messages, stream)
    holes: list[int] = []
    while batch := list(islice(messages, _AT_ONCE)):
        sent = [
            await js.publish_async(one.subject, one.payload, headers=_headers(one, remembered))
            for one in batch
        ]
        for one, ack in zip(batch, await asyncio.gather(*sent), strict=True):
            if keeps_sequences and ack.seq != one.sequence:
                raise TagwerkError(
                    "stream_not_restored",
                    f"message {one.sequence} of {stream.name} was stored at {ack.seq}",
                    concern=stream.name,
                    next_step="Somebody publishes to this bus: restore to one that nobody uses yet.",
                )
        holes += [one.sequence for one in batch if _is_hole(one)]
    for sequence in holes:
        await js.delete_msg(stream.name, sequence)


def _without_holes(messages: Iterator[StoredMessage], stream: Stream) -> Iterator[StoredMessage]:
    """With a placeholder, removed afterwards, for each message that the stream had no longer."""
    expected = max(stream.first, 1)
    subject = ""
    for message in messages:
        if message.sequence < expected or message.sequence > stream.last:
            raise altered(Path(stream.name), f"message {message.sequence} is out of order")
        subject = message.subject
        for sequence in range(expected, message.sequence):
            yield StoredMessage(sequence, subject, 0, b"")
        yield message
        expected = message.sequence + 1
    if subject:
        for sequence in range(expected, stream.last + 1):
            yield StoredMessage(sequence, subject, 0, b"")


def _is_hole(message: StoredMessage) -> bool:
    return message.time == 0


def _headers(message: StoredMessage, remembered: int) -> dict[str, str] | None:
    """Without the conditions under which it was published; with its id only if the server knew that still."""
    kept = {
        name: value
        for name, value in message.headers.items()
        if not name.startswith(("Nats-Expected-", "Nats-Batch-"))
        and (name != "Nats-Msg-Id" or message.time >= remembered)
    }
    return kept or None


async def _restore_durable(nc: Client, stream: Stream, durable: Durable) -> None:
    where = f"{stream.name}.{durable.name}"
    await api(nc, f"CONSUMER.DURABLE.CREATE.{where}", {"stream_name": stream.name, "config": durable.config})
    if durable.floor > 0:
        # A stream that lost its beginning hands out the first that it has.
        after = max(durable.floor + 1, stream.first)
        await api(nc, f"CONSUMER.RESET.{where}", {"seq": after})
