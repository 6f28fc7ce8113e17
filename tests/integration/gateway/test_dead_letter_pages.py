"""The pages of dead letters as a browser gets them from a real gateway."""

import html
import re

from shared import subjects
from shared.access import TECHNICAL
from shared.dead_letters import bury
from shared.errors import Failure
from tests.integration.gateway.site import Site
from tests.integration.gateway.test_pages import browser

REASON = Failure(
    code="event_undecodable", cause="<b>no</b> event", concern="amount", next_step="Correct the sender."
)


async def bury_some(site: Site) -> list[int]:
    """Two, of the clients alpha and beta; their ids."""
    for number, client in enumerate(("alpha", "beta"), 1):
        await bury(
            site.bus, durable=f"{client}-events", stream=subjects.EVENTS, subject="event.test.happened",
            sequence=number, data=b'{"client": "%s", "text": "<script>1</script>"}' % client.encode(),
            reason=REASON,
        )  # fmt: skip
    letters = (await site.admin.get("/dead-letters")).json()["items"]
    return [letter["id"] for letter in reversed(letters)]


async def test_a_letter_is_found_read_and_published_again(site: Site) -> None:
    first, second = await bury_some(site)
    admin = browser(site, site.admin_token)
    shown = (await admin.get("/dead-letters")).text
    assert "2 dead letters" in shown
    assert shown.index(f"/dead-letters/{second}") < shown.index(f"/dead-letters/{first}")
    assert "The message cannot be read" in shown
    narrowed = (await admin.get("/dead-letters", params={"durable": "alpha-events", "q": "TEST"})).text
    assert f"/dead-letters/{first}" in narrowed
    assert f"/dead-letters/{second}" not in narrowed
    assert "No dead letter fits" in (await admin.get("/dead-letters?q=zzz")).text

    letter = await admin.get(f"/dead-letters/{first}")
    assert "&lt;b&gt;no&lt;/b&gt; event" in letter.text
    assert "Correct the sender." in letter.text
    # As it was sent, indented, and never as HTML.
    assert "<script>1" not in letter.text
    assert '{\n  "client": "alpha",\n  "text": "<script>1</script>"\n}' in html.unescape(letter.text)

    done = await admin.post(f"/dead-letters/{first}/replay")
    assert (done.status_code, done.headers["location"]) == (303, f"/dead-letters?replayed={first}")
    after = (await admin.get(done.headers["location"])).text
    assert f"Dead letter {first} is published again" in after
    assert f'href="/dead-letters/{first}"' not in after
    [event] = await site.bus.read(subjects.EVENTS, "event.test.happened")
    assert event.data.startswith(b'{"client": "alpha"')
    [entry] = await site.audits("dead_letter_replayed")
    assert entry.principal == "admin"
    again = await admin.post(f"/dead-letters/{first}/replay")
    assert again.status_code == 404
    assert "There is no such dead letter" in again.text


async def test_only_who_operates_the_platform_sees_them_and_of_their_clients_alone(site: Site) -> None:
    first, second = await bury_some(site)
    tech = await site.user("tech", roles=(TECHNICAL,), clients=("alpha",))
    plain = await site.user("plain")
    pages = [
        browser(site, user.headers["Authorization"].removeprefix("Bearer "), **{"Accept-Language": "de"})
        for user in (tech, plain)
    ]
    listed = (await pages[0].get("/dead-letters")).text
    assert re.findall(r'href="/dead-letters/(\d+)"', listed) == [str(first)]
    assert "1 unzustellbare Nachricht" in listed
    for method, path in (("GET", f"/dead-letters/{second}"), ("POST", f"/dead-letters/{second}/replay")):
        assert (await pages[0].request(method, path)).status_code == 404
    for method, path in (
        ("GET", "/dead-letters"),
        ("GET", f"/dead-letters/{first}"),
        ("POST", f"/dead-letters/{first}/replay"),
    ):
        refused = await pages[1].request(method, path)
        assert refused.status_code == 403
        assert "event.test" not in refused.text
    assert await site.bus.read(subjects.EVENTS, "event.test.happened") == []


async def test_an_event_of_the_history_is_not_published_again(site: Site) -> None:
    await bury(
        site.bus, durable=subjects.PROJECTOR, stream=subjects.RUNS, subject="run.lab.work.none.ev",
        sequence=7, data=b"{}", reason=REASON,
    )  # fmt: skip
    [letter] = (await site.admin.get("/dead-letters")).json()["items"]
    admin = browser(site, site.admin_token)
    assert "Publish it again" not in (await admin.get(f"/dead-letters/{letter['id']}")).text
    refused = await site.admin.post(f"/dead-letters/{letter['id']}/replay")
    assert (refused.status_code, refused.json()["code"]) == (409, "dead_letter_in_history")
    assert await site.audits("dead_letter_replayed") == []
    assert await site.bus.read(subjects.RUNS, "run.>") == []
    assert len((await site.admin.get("/dead-letters")).json()["items"]) == 1
