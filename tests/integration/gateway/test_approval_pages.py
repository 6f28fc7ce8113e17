"""The pages of approvals as a browser gets them from a real gateway and a real documents service."""

import html
import re

import httpx

from tests.integration.gateway.site import Site
from tests.integration.gateway.test_approvals import arrived, paying_site
from tests.integration.gateway.test_pages import browser

__all__ = ["paying_site"]


def page_of(site: Site, client: httpx.AsyncClient) -> httpx.AsyncClient:
    return browser(site, client.headers["Authorization"].removeprefix("Bearer "))


def version_in(page: str) -> str:
    found = re.search(r'name="values_version" value="([^"]+)"', page)
    assert found is not None
    return found[1]


async def test_an_invoice_is_asked_about_corrected_and_approved_by_two(paying_site: Site) -> None:
    site = paying_site
    ada = await site.user("ada", roles=("accounting", "uploader"))
    one, two = page_of(site, ada), page_of(site, await site.user("bea", roles=("accounting",)))
    path = f"/approvals/{await arrived(ada)}"
    inbox = (await one.get("/approvals")).text
    assert 'href="/approvals" aria-current="page"' in inbox, "where one is, is marked"
    assert f'href="{path}"' in inbox
    assert "1,190.00 EUR" in inbox
    assert "Nothing waits here" in (await one.get("/approvals?state=approved")).text
    german = (await one.get(path, headers={"Accept-Language": "de-CH"})).text
    assert "Was gelesen wurde" in german
    seen = version_in((await one.get(path)).text)

    asked = await one.post(f"{path}/ask", data={"said": "Was it delivered?"})
    assert (asked.status_code, asked.headers["location"]) == (303, f"{path}?done=ask")
    assert "Was it delivered?" in (await two.get("/approvals?state=questioned")).text
    assert (await two.post(f"{path}/answer", data={"said": "Yes, on Monday."})).status_code == 303

    doubtful = await one.post(f"{path}/approve", data={"values_version": seen, "said": "looks good"})
    assert doubtful.status_code == 422
    assert "Doubtful fields have to be confirmed" in doubtful.text
    assert ">looks good</textarea>" in doubtful.text

    name = {"was.issuer_name": "Nordlicht Druck GmbH", "is.issuer_name": "Nordlicht <b> AG"}
    wrong = await one.post(f"{path}/correct", data={**name, "was.iban": "", "is.iban": "CH93 0000"})
    assert wrong.status_code == 422
    assert 'value="CH93 0000"' in wrong.text
    assert 'value="Nordlicht &lt;b&gt; AG"' in wrong.text
    both = {**name, "was.gross_amount": "1,190.00", "is.gross_amount": "1.190"}
    unclear = await one.post(f"{path}/correct", data=both)
    assert unclear.status_code == 422
    assert 'id="is-gross_amount-error">This may be read in two ways' in unclear.text
    assert 'value="1.190"' in unclear.text
    assert (await one.post(f"{path}/correct", data={"said": "nothing"})).status_code == 422
    assert (await one.post(f"{path}/correct", data=name)).status_code == 303

    stale = await two.post(f"{path}/approve", data={"values_version": seen, "said": "fine"})
    assert stale.status_code == 409
    assert "The values have changed meanwhile" in stale.text
    assert "Nordlicht Druck GmbH → Nordlicht <b> AG" in html.unescape(stale.text)
    assert ">fine</textarea>" in stale.text

    now = {"values_version": version_in(stale.text)}
    assert (await one.post(f"{path}/approve", data=now)).status_code == 303
    assert "Take your approval back" in (await one.get(path)).text
    assert (await one.post(f"{path}/withdraw", data={"said": "the wrong one"})).status_code == 303
    assert (await one.post(f"{path}/reject", data={"said": "x"})).status_code == 422
    assert (await one.post(f"{path}/reject", data={"said": "not ours"})).status_code == 303
    assert f'href="{path}"' in (await one.get("/approvals?state=rejected")).text
    assert "not ours" in (await one.get(path)).text

    again = {"was.order_number": "", "is.order_number": "4711", "said": "it is ours"}
    assert (await one.post(f"{path}/correct", data=again)).status_code == 303
    now = {"values_version": version_in((await one.get(path)).text)}
    for page in (one, two):
        assert (await page.post(f"{path}/approve", data=now)).headers["location"] == f"{path}?done=approve"
    twice = (await two.post(f"{path}/approve", data=now)).headers["location"]
    assert twice == f"{path}?done=approve&changed=false"
    assert "You had done this before" in (await two.get(twice)).text
    assert "You rejected it" not in (await two.get(f"{path}?done=reject")).text, "an address can say anything"
    late = await page_of(site, await site.user("cid", roles=("accounting",))).post(
        f"{path}/reject", data={"said": "not <ours>"}
    )
    assert late.status_code == 409
    assert "already by ada and bea" in late.text
    assert "<blockquote>not &lt;ours&gt;</blockquote>" in late.text
    assert f'href="{path}"' in (await one.get("/approvals?state=approved")).text


async def test_who_may_not_see_it_finds_nothing_and_who_lacks_the_role_changes_nothing(
    paying_site: Site,
) -> None:
    site = paying_site
    uma = await site.user("uma", roles=("uploader",))
    path = f"/approvals/{await arrived(uma)}"
    foreign = page_of(site, await site.user("eve", roles=("accounting",), clients=("other",)))
    assert path not in (await foreign.get("/approvals?state=all")).text
    assert (await foreign.get(path)).status_code == 404
    uploader = (await page_of(site, uma).get(path)).text
    assert "you need the role accounting" in uploader
    assert "/approve" not in uploader.replace("/approvals", "")
    assert f'action="{path}/correct"' not in uploader
    assert (await foreign.post(f"{path}/reject", data={"said": "not ours"})).status_code == 404
    ada = page_of(site, await site.user("ada", roles=("accounting",)))
    assert "waiting for approval" in (await ada.get(path)).text
