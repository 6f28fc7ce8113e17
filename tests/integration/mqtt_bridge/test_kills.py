"""kill -9 of the bridge at each of its points: nothing that came in is lost, and nothing is done twice."""

from pathlib import Path

from shared import subjects
from tests.integration.mqtt_bridge.conftest import Device, Site, until
from tests.support.faults.points import SIDES, Killing, Recording, Watch
from tests.support.nursery import Newborn, Nursery, environment_of

ANSWERS = "tagwerk/answers/main"
LAST = "tagwerk/out/main/lab/records/last"
#: Points that have to be among those found.
EXPECTED = {
    "publish ingress.mqtt.records",
    "write mqtt_bridge.store.Received._claim_all",
    "publish run.requested",
    "write mqtt_bridge.store.Received._remember_all",
    "publish egress.mqtt.records",
    "ack mqtt-ingress",
    "ack mqtt-egress",
    "ack mqtt-states",
    "publish event.message.received",
    "publish event.document.uploaded",
}


class Repetition:
    """Three messages that come in while the bridge is away, and what has to be there of them."""

    def __init__(self, site: Site, device: Device, nursery: Nursery, number: int) -> None:
        self._site = site
        self._device = device
        self._nursery = nursery
        self.number = number

    async def start(self, watch: Watch | None) -> Newborn:
        return await self._nursery.start("mqtt_bridge", environment_of(self._site.settings()), watch)

    async def send(self) -> None:
        await self._device.send("tagwerk/in/main/records", {"id": self.number, "count": 1})
        await self._device.send("tagwerk/in/main/goods", {"number": self.number})
        letter = f"Letter number {self.number}, which is plain text.\n".encode()
        await self._device.send(f"tagwerk/in/main/scans/letter-{self.number}.txt", letter)

    async def done(self) -> bool:
        """Whether each was answered, and everything told: the bus has it, and whoever listens outside."""
        heard = [f"{ANSWERS}/records", f"{ANSWERS}/goods", f"{ANSWERS}/scans", LAST]
        told = [len({one.payload for one in self._device.on(topic)}) for topic in heard]
        return min(*told, *(await self._found()).values()) >= self.number

    async def faults(self) -> list[str]:
        """What is not there exactly once."""
        wrong = [f"{what}: {count}" for what, count in (await self._found()).items() if count != self.number]
        dead = await self._site.bus.read(subjects.DEAD, "dead.>")
        return wrong + [f"a dead letter: {letter.data.decode()[:300]}" for letter in dead]

    async def _found(self) -> dict[str, int]:
        site = self._site
        return {
            "runs": await site.count(subjects.RUNS, "run.lab.records.>"),
            "events": await site.count(subjects.EVENTS, "event.message.received"),
            "documents": await site.count(subjects.EVENTS, "event.document.uploaded"),
        }


async def test_a_kill_anywhere_loses_nothing_and_doubles_nothing(
    site: Site, device: Device, nursery: Nursery, tmp_path: Path
) -> None:
    await device.subscribe(f"{ANSWERS}/#")
    await device.subscribe(LAST)
    # From here on the broker keeps what comes for the bridge.
    await site.start()
    await site.stop()

    record = Recording(tmp_path / "points")
    first = Repetition(site, device, nursery, 1)
    await first.send()
    process = await first.start(record)
    await until(first.done, "the undisturbed repetition")
    await process.end()
    assert not await first.faults()
    lines = record.path.read_text().splitlines()
    points = {line.split(" ", 2)[2] for line in lines}
    assert points >= EXPECTED, f"not found: {EXPECTED - points}; there are {sorted(points)}"

    for number, name in enumerate(sorted(EXPECTED), 2):
        for side in SIDES[number % 2 :: 2]:
            repetition = Repetition(site, device, nursery, number)
            await repetition.send()
            dying = await repetition.start(Killing(name, 1, side))
            assert await dying.wait() == -9, f"{side} {name} was not reached"
            healthy = await repetition.start(None)
            await until(repetition.done, f"killed {side} {name}")
            await healthy.end()
            faults = await repetition.faults()
            assert not faults, f"killed {side} {name}: {faults}"
