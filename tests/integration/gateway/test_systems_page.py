"""The page of systems as a browser gets it from a real gateway."""

from tests.integration.gateway.site import Site
from tests.integration.gateway.test_pages import browser, token_of


async def test_services_are_shown_as_they_are(site: Site) -> None:
    admin = browser(site, site.admin_token)
    await site.offer("desk.open", title="Open job")
    shown = (await admin.get("/systems")).text
    section = shown[shown.index('id="service"') :]
    # Nobody offers the jobs of `desk`, so it comes before those that are at work.
    assert section.index("<strong>desk</strong>") < section.index("<strong>gateway</strong>")
    assert "it is not running; runs of its jobs wait" in section
    assert "Start the desk service, or look at its log." in section
    assert "need attention, as of now." in shown
    assert 'href="/jobs/desk.open"' in section
    german = browser(site, site.admin_token, **{"Accept-Language": "de"})
    assert "brauchen Aufmerksamkeit" in (await german.get("/systems")).text


async def test_everybody_sees_what_their_jobs_need_and_of_their_clients_alone(site: Site) -> None:
    plain = browser(site, await token_of(site, "plain"))
    shown = (await plain.get("/systems")).text
    assert "<strong>gateway</strong>" not in shown
    foreign = await plain.get("/systems?client=somebody-elses")
    assert foreign.status_code == 404
    assert "There is no such client" in foreign.text
