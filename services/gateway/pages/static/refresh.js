// Keeps a part of a page as it is at the server: fetched again every few seconds while somebody looks, and taken
// over so that focus, scroll and what was typed stay. Without scripts the page says as of when it is.
import { takeOver } from "./morph.js";

/** Times that a pause grows to while the server does not answer. */
const LONGEST = 12;

/** @param {HTMLElement} part `data-refresh`: seconds between two fetches; it has an id. */
export function keepFresh(part) {
  const pause = Number(part.dataset.refresh) * 1000;
  let timer = 0;
  let failed = 0;

  async function load() {
    const url = new URL(location.href);
    url.hash = "";
    url.searchParams.set("fragment", "true");
    try {
      const answer = await fetch(url, { redirect: "manual", headers: { Accept: "text/html", "X-Follows": "1" } });
      // Signed out: whoever goes on is led to the sign-in.
      if (answer.type === "opaqueredirect") return;
      if (!answer.ok) throw new Error(answer.statusText);
      take(await answer.text());
      failed = 0;
    } catch {
      failed = Math.min(failed + 1, LONGEST);
    }
    wait();
  }

  function take(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html").getElementById(part.id);
    if (!fresh) return;
    const said = part.querySelector("[data-sentence]")?.textContent.trim();
    takeOver(part, fresh);
    const says = part.querySelector("[data-sentence]")?.textContent.trim();
    const announcement = document.querySelector("[data-announce]");
    if (announcement && says !== said) announcement.textContent = says;
  }

  function wait() {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(load, pause * (1 + failed));
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : load()));
  addEventListener("pagehide", () => clearTimeout(timer));
  addEventListener("pageshow", wait);
  wait();
}
