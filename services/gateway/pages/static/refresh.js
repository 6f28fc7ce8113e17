// Keeps a part of a page as it is at the server: fetched again every few seconds while somebody looks, and taken
// over so that focus, scroll and what was typed stay. Without scripts the page says as of when it is.
import { takeOver } from "./morph.js";

/** Pauses that grow while the server does not answer: at most so many times as long. */
const LONGEST = 10;

/** @param {HTMLElement} line says how it stands; `data-refresh`: id of the part, `data-seconds`: how often */
export function keepFresh(line) {
  const part = document.getElementById(line.dataset.refresh);
  const words = line.querySelector("[data-live-words]");
  const announcement = document.querySelector("[data-announce]");
  let timer = 0;
  let failed = 0;
  let over = false;

  function say(state) {
    if (line.dataset.state === state) return;
    line.dataset.state = state;
    words.textContent = line.dataset[state];
    if (state !== "on") announcement.textContent = words.textContent;
  }

  function later() {
    clearTimeout(timer);
    const pause = Number(line.dataset.seconds) * 1000 * (1 + failed);
    if (!over && !document.hidden) timer = setTimeout(load, pause);
  }

  async function load() {
    clearTimeout(timer);
    const url = new URL(location.href);
    url.hash = "";
    url.searchParams.set("fragment", "true");
    try {
      const answer = await fetch(url, { redirect: "manual", headers: { Accept: "text/html", "X-Follows": "1" } });
      if (answer.ok) {
        take(await answer.text());
        failed = 0;
        say("on");
      } else if (answer.type === "opaqueredirect" || (answer.status >= 400 && answer.status < 500 && answer.status !== 429)) {
        // Signed out, or not to be seen any more: only loading the page again can tell.
        over = true;
        say("gone");
      } else {
        throw new Error(answer.statusText);
      }
    } catch {
      failed = Math.min(failed + 1, LONGEST);
      say("off");
    }
    later();
  }

  function take(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html").getElementById(part.id);
    if (!fresh) return;
    const said = part.querySelector("[data-sentence]").textContent.trim();
    takeOver(part, fresh);
    const says = part.querySelector("[data-sentence]").textContent.trim();
    if (says !== said) announcement.textContent = says;
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) clearTimeout(timer);
    else if (!over) load();
  });
  addEventListener("pagehide", () => clearTimeout(timer));
  addEventListener("pageshow", later);
  say("on");
  later();
}
