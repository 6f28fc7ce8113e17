"""The bus as the manifests configure it, on real servers: three of them, with TLS and keys."""

import asyncio
import ssl
from collections.abc import Iterator

import nats
import pytest
from nats.js.api import ConsumerConfig, StreamConfig
from nats.js.errors import APIError

from deploy.kubernetes.scaling import scaled_object
from deploy.local.ports import LOOPBACK
from shared import subjects
from tests.support.kubernetes import Cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


async def test_the_bus_takes_no_strangers_and_is_believed_by_its_authority_alone(cluster: Cluster) -> None:
    server = f"tls://{LOOPBACK}:{cluster.ports[0][4222]}"
    trusted = ssl.create_default_context(cafile=cluster.authority)
    with pytest.raises(nats.errors.Error, match="Authorization Violation"):
        await nats.connect(server, tls=trusted, tls_handshake_first=True, allow_reconnect=False)
    stranger = ssl.create_default_context()
    with pytest.raises(ssl.SSLCertVerificationError):
        await nats.connect(server, tls=stranger, tls_handshake_first=True, allow_reconnect=False)


async def test_three_servers_keep_what_they_acknowledged_while_one_is_gone(cluster: Cluster) -> None:
    # What is acknowledged is on the disk, and the store stays below its volume of 20 Gi.
    config = cluster.monitor(0, "/jsz?config=true")["config"]
    assert config["sync_always"] is True
    assert config["max_storage"] == 16 * 1024**3
    durable = scaled_object("documents")["spec"]["triggers"][0]["metadata"]["consumer"]
    admin = await cluster.connect()
    js = admin.jetstream()
    await js.add_stream(StreamConfig(subjects.RUNS, subjects=["run.>"], num_replicas=3))
    work = "run.documents.convert-to-pdf.*.interactive.*"
    await js.add_consumer(subjects.RUNS, ConsumerConfig(durable_name=durable, filter_subject=work))

    # A service signs in with its key, and may do what its declaration says.
    gateway = await cluster.connect("gateway")
    requested = "run.documents.convert-to-pdf.1.interactive.requested"
    for _ in range(3):
        await gateway.jetstream().publish(requested, b"{}")
    with pytest.raises((APIError, TimeoutError)):
        await gateway.jetstream(timeout=0.5).purge_stream(subjects.RUNS)

    # What KEDA reads: the account, the stream and the consumer by the names of the ScaledObject.
    leader = (await js.consumer_info(subjects.RUNS, durable)).cluster
    assert leader is not None
    assert leader.leader is not None
    number = int(leader.leader.rpartition("-")[2])
    account = next(
        account
        for account in cluster.monitor(number, "/jsz?acc=$G&consumers=true&config=true")["account_details"]
        if account["name"] == "$G"
    )
    (stream,) = (stream for stream in account["stream_detail"] if stream["name"] == subjects.RUNS)
    (consumer,) = (consumer for consumer in stream["consumer_detail"] if consumer["name"] == durable)
    assert consumer["num_pending"] == 3

    # One of three is gone, the one that leads: the next is elected, and nothing is lost.
    cluster.kill(number)

    async def publish() -> bool:
        try:
            await gateway.jetstream(timeout=1).publish(requested, b"{}")
        except (nats.errors.Error, TimeoutError):
            return False
        return True

    for _ in range(60):
        if await publish():
            break
        await asyncio.sleep(0.2)
    info = await admin.jetstream(timeout=10).stream_info(subjects.RUNS)
    assert info.state.first_seq == 1
    assert info.state.messages >= 4
    assert info.config.num_replicas == 3
    await gateway.close()
    await admin.close()
