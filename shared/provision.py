"""The one admin step: streams, buckets and durables, made or brought up to date, as often as one likes."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import nats
import structlog
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    KeyValueConfig,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import NotFoundError

from shared import subjects
from shared.declaration import Declaration, Durable

log = structlog.get_logger(__name__)

DAY = 24 * 3600.0
MIB = 1024 * 1024

#: Stream -> (days kept, bytes kept). History outlives RUNS in the status service's archive. `discard=new`
#: with a limit answers a full stream with an error at once, where a full disk would give no answer at all.
LIMITS: dict[str, tuple[float, int]] = {
    subjects.RUNS: (14, 4096 * MIB),
    subjects.EVENTS: (90, 1024 * MIB),
    subjects.OCCURRENCES: (400, 256 * MIB),
    subjects.INGRESS: (14, 1024 * MIB),
    subjects.EGRESS: (14, 256 * MIB),
    subjects.AUDIT: (400, 1024 * MIB),
    subjects.DEAD: (90, 512 * MIB),
}


async def provision(
    nats_url: str,
    declarations: Iterable[Declaration],
    *,
    replicas: int = 1,
    ack_wait: float = 15.0,
    tls: Mapping[str, Any] | None = None,
) -> None:
    """Make everything that the services expect. Idempotent; removes nothing.

    `nats_url` is that of the admin user. Services connect with less and create nothing.
    `tls`: what `shared.connection.bus_tls` gives.
    """
    nc = await nats.connect(nats_url, name="tagwerk-provision", connect_timeout=10, **(tls or {}))
    try:
        js = nc.jetstream(timeout=15)
        await asyncio.gather(
            *(_stream(js, name, filters, replicas) for name, filters in subjects.STREAMS.items()),
            _mqtt_store(js, replicas),
            *(_bucket(js, bucket, replicas) for bucket in subjects.BUCKETS),
        )
        durables = [durable for declaration in declarations for durable in declaration.all_durables()]
        await asyncio.gather(*(_durable(js, durable, ack_wait) for durable in durables))
    finally:
        await nc.close()


async def _stream(js: JetStreamContext, name: str, filters: list[str], replicas: int) -> None:
    days, size = LIMITS[name]
    await _make(
        js,
        StreamConfig(
            name=name,
            subjects=filters,
            storage=StorageType.FILE,
            num_replicas=replicas,
            max_age=days * DAY,
            max_bytes=size,
            discard=DiscardPolicy.NEW,
            allow_direct=True,
            # What comes in by the thousand is stored together; conditions, as RUNS lives by, go one by one.
            allow_atomic=name in (subjects.INGRESS, subjects.EVENTS),
            deny_purge=name in (subjects.RUNS, subjects.AUDIT),
            duplicate_window=120.0,
        ),
    )


async def _mqtt_store(js: JetStreamContext, replicas: int) -> None:
    """The stream of the server's own MQTT listener, before the listener makes it: one that does not remove
    each message by itself (docs/adr/0036). What a session may miss is kept as long as the session."""
    await _make(
        js,
        StreamConfig(
            name=subjects.MQTT_STORE,
            subjects=[subjects.MQTT_STORE_FILTER],
            storage=StorageType.FILE,
            num_replicas=replicas,
            retention=RetentionPolicy.LIMITS,
            max_age=14 * DAY,
            max_bytes=1024 * MIB,
            # Refused, it is not acknowledged to whoever publishes.
            discard=DiscardPolicy.NEW,
        ),
    )


async def _make(js: JetStreamContext, config: StreamConfig) -> None:
    assert config.name is not None, "each of them has one"
    try:
        await js.stream_info(config.name)
    except NotFoundError:
        await js.add_stream(config)
        log.info("made a stream", stream=config.name)
    else:
        await js.update_stream(config)


async def _bucket(js: JetStreamContext, bucket: str, replicas: int) -> None:
    try:
        await js.key_value(bucket)
    except NotFoundError:
        await js.create_key_value(
            KeyValueConfig(bucket=bucket, history=1, replicas=replicas, max_bytes=64 * MIB, direct=True)
        )
        log.info("made a bucket", bucket=bucket)


async def _durable(js: JetStreamContext, durable: Durable, ack_wait: float) -> None:
    await js.add_consumer(
        durable.stream,
        ConsumerConfig(
            durable_name=durable.name,
            filter_subject=durable.filter,
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ack_wait,
            # Never silently: what cannot be handled goes to the dead letters, by our own hand.
            max_deliver=-1,
            max_ack_pending=durable.max_ack_pending,
            # One pull request of a worker may ask for all of its slots.
            max_waiting=512,
        ),
    )
