"""The pages as a browser gets them from a real gateway."""

import re

import httpx

from services.gateway.pages.static_files import static_files
from shared.access import Access
from shared.words import Level
from tests.integration.gateway.site import Site

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def browser(site: Site, token: str | None, **headers: str) -> httpx.AsyncClient:
    client = site.client(token)
    client.base_url = httpx.URL(site.url)
    client.headers.update({**BROWSER, **headers})
    return client


async def token_of(site: Site, id: str, *roles: str) -> str:
    user = await site.user(id, roles=roles)
    return user.headers["Authorization"].removeprefix("Bearer ")


async def test_who_is_not_signed_in_is_led_there_and_back(site: Site) -> None:
    for token in (None, "wrong"):
        answer = await browser(site, token).get("/jobs/lab.noop?x=1&y=2")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/sign-in?next=/jobs/lab.noop%3Fx%3D1%26y%3D2"


async def test_pages_allow_no_code_inside_and_nothing_from_elsewhere(site: Site) -> None:
    answer = await browser(site, site.admin_token).get("/")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert " style=" not in answer.text
    assert not re.search(r"<script(?![^>]* src=)|\son\w+=|https?://(?!www\.w3\.org)", answer.text)


async def test_static_files_may_be_kept_for_ever(site: Site) -> None:
    page = await browser(site, site.admin_token).get("/")
    paths = set(re.findall(r'"(/static/[^"#]+)', page.text))
    assert static_files().path("tagwerk.css") in paths
    nobody = browser(site, None)
    for path in paths:
        file = await nobody.get(path)
        assert file.status_code == 200, path
        assert "immutable" in file.headers["cache-control"]
        assert file.headers["x-content-type-options"] == "nosniff"
    assert (await nobody.get("/static/0000000000000000/tagwerk.css")).status_code == 404
    hash = static_files().hash
    assert (await nobody.get(f"/static/{hash}/..%2Fcatalogue.py")).status_code == 404


async def test_pages_and_their_files_are_sent_compressed_and_nothing_else_is(site: Site) -> None:
    reader = browser(site, site.admin_token)
    page = await reader.get("/")
    assert page.headers["content-encoding"] == "gzip"
    assert page.num_bytes_downloaded < len(page.content) / 2
    style = await reader.get(static_files().path("tagwerk.css"))
    assert style.headers["content-encoding"] == "gzip"
    plain = {"Accept-Encoding": "identity"}
    assert (await reader.get(style.url.path, headers=plain)).text == style.text
    assert "content-encoding" not in (await reader.get("/", headers=plain)).headers
    for path in ("/openapi.json", "/api/v1/jobs", "/healthz"):
        assert "content-encoding" not in (await reader.get(path)).headers, path


async def test_everybody_sees_their_jobs_and_why_they_may_not_start_them(site: Site) -> None:
    await site.offer("desk.open", title="Open job")
    technical = Access(module="desk", level=Level.TECHNICAL, roles=frozenset({"technical"}))
    await site.offer("desk.hidden", title="Hidden job", access=technical)
    reader = browser(site, await token_of(site, "rita"))
    catalogue = (await reader.get("/")).text
    assert "Open job" in catalogue
    assert "for the roles clerk" in catalogue
    assert "/jobs/desk.open/start" not in catalogue
    assert "Hidden job" not in catalogue
    assert "/dead-letters" not in catalogue
    hidden = await reader.get("/jobs/desk.hidden")
    missing = await reader.get("/jobs/desk.missing")
    assert hidden.status_code == missing.status_code == 404
    clerk = (await browser(site, await token_of(site, "cleo", "clerk")).get("/")).text
    assert "/jobs/desk.open/start" in clerk
    administrator = (await browser(site, site.admin_token).get("/")).text
    assert "Hidden job" in administrator
    assert "/dead-letters" in administrator


async def test_every_link_of_the_navigation_leads_to_a_page(site: Site) -> None:
    admin = browser(site, site.admin_token)
    page = (await admin.get("/")).text
    menu = page[page.index('<nav class="menu"') : page.index("<main")]
    paths = re.findall(r'href="([^"#]+)"', menu)
    assert {"/", "/dead-letters", "/systems", "/users"} <= set(paths)
    for path in paths:
        # Without the service behind it a page says so, at the same place.
        assert (await admin.get(path)).status_code in (200, 503), path


async def test_what_jobs_and_people_write_is_no_html(site: Site) -> None:
    nasty = "<script>alert(1)</script>\"'><img src=x>"
    await site.offer("desk.nasty", title=nasty, description=nasty, owner=nasty, on=nasty, schedule=nasty)
    admin = browser(site, site.admin_token)
    for path in ("/", "/jobs/desk.nasty", f"/?q={nasty}", f"/jobs/{nasty}"):
        answer = await admin.get(path)
        assert "<script>alert" not in answer.text, path
        assert "<img" not in answer.text, path


async def test_an_error_is_a_page_for_people_and_a_problem_for_programs(site: Site) -> None:
    admin = browser(site, site.admin_token, **{"Accept-Language": "de-CH"})
    page = await admin.get("/jobs/desk.missing")
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert "Diesen Job gibt es nicht" in page.text
    assert "Es gibt keinen Job desk.missing, den Sie sehen dürfen" in page.text
    assert page.headers["x-request-id"] in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert (await admin.get("/api/v1/jobs/desk.missing")).json()["code"] == "job_not_found"
    program = await admin.get("/jobs/desk.missing", headers={"Accept": "*/*"})
    assert program.json()["code"] == "job_not_found"
    assert (await admin.get("/?q=" + "x" * 300)).status_code == 422


async def test_without_the_status_service_the_page_says_so(bare_site: Site) -> None:
    await bare_site.start_gateway()
    page = await browser(bare_site, bare_site.admin_token).get("/")
    assert page.status_code == 503
    assert "A service does not answer" in page.text
    assert "Try again" in page.text


async def test_preferences_are_kept_in_cookies(site: Site) -> None:
    kept: list[tuple[dict[str, str], dict[str, str]]] = [
        ({"language": "de"}, {"language": "de"}),
        ({"theme": "dark", "time_zone": "UTC"}, {"theme": "dark", "time_zone": "UTC"}),
        ({"time_zone": "Nowhere/Land"}, {}),
    ]
    for form, cookies in kept:
        anybody = browser(site, None)
        answer = await anybody.post("/preferences", data={**form, "next": "/runs?state=failed"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/runs?state=failed")
        assert dict(answer.cookies) == cookies
        assert all("SameSite=lax" in line for line in answer.headers.get_list("set-cookie"))


async def test_pages_are_no_part_of_the_api(site: Site) -> None:
    contract = (await browser(site, None).get("/openapi.json")).json()
    assert all(
        path.startswith(("/api/v1/", "/healthz", "/readyz", "/asyncapi.json")) for path in contract["paths"]
    )
