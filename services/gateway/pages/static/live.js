// Follows a run: as soon as something happens to it, the part of the page that shows it is fetched again and
// taken over. The server's sequence numbers keep it exact: a lost connection goes on behind the last event that
// was seen, and the part is asked for with that event in it.
import { takeOver } from "./morph.js";

/** Events that change the state of a run: they are shown at once. */
const TURNS = [
  "requested", "started", "attempt_failed", "cancel_requested", "due", "decided", "finished", "undecodable", "end",
];
/** Events that tell how far it is: they are shown one after the other. */
const STEPS = ["progressed", "recorded", "called", "logged"];
/** Milliseconds between the beginnings of two fetches for steps; longer where the server takes long. */
const PACE = 400;
const SHARE = 5;
/** Milliseconds until a lost connection is made again, doubled each time. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 8000;

/** @param {HTMLElement} line `data-live`: where the events are, `data-after`: the last one that the page has. */
export function followRun(line) {
  const words = line.querySelector("[data-live-words]");
  const announcement = document.querySelector("[data-announce]");
  let seen = Number(line.dataset.after);
  let shown = seen;
  let source = null;
  let wait = FIRST_WAIT;
  let retry = 0;
  let fetching = false;
  let begun = -PACE;
  let took = 0;
  let turned = false;
  let timer = 0;
  let ended = false;

  function say(state) {
    line.dataset.state = state;
    words.textContent = line.dataset[state];
  }

  function connect() {
    clearTimeout(retry);
    if (source || ended || document.hidden) return;
    source = new EventSource(`${line.dataset.live}?after=${seen}`);
    source.addEventListener("open", () => {
      wait = FIRST_WAIT;
      say("on");
      if (seen > shown) refresh(true);
    });
    source.addEventListener("error", () => {
      disconnect();
      if (ended) return;
      say("off");
      retry = setTimeout(connect, wait);
      wait = Math.min(wait * 2, LONGEST_WAIT);
    });
    for (const name of TURNS) source.addEventListener(name, (event) => happened(event, true));
    for (const name of STEPS) source.addEventListener(name, (event) => happened(event, false));
  }

  function disconnect() {
    source?.close();
    source = null;
  }

  function happened(event, turn) {
    if (event.type === "end") {
      ended = true;
      disconnect();
      seen = Math.max(seen, JSON.parse(event.data).sequence);
    } else {
      seen = Math.max(seen, Number(event.lastEventId));
    }
    if (seen > shown) refresh(turn);
    else if (ended && !fetching) say("ended");
  }

  function refresh(turn) {
    turned ||= turn;
    if (fetching || (timer && !turn)) return;
    const rest = turned ? 0 : begun + Math.max(PACE, SHARE * took) - performance.now();
    if (rest > 0) later(rest);
    else load();
  }

  function later(milliseconds) {
    timer = setTimeout(load, milliseconds);
  }

  async function load() {
    clearTimeout(timer);
    timer = 0;
    fetching = true;
    turned = false;
    begun = performance.now();
    const wanted = seen;
    let again = false;
    try {
      const url = new URL(location.href);
      url.hash = "";
      url.searchParams.set("fragment", "true");
      url.searchParams.set("at_least", wanted);
      const answer = await fetch(url, { redirect: "manual", headers: { Accept: "text/html" } });
      if (answer.ok) {
        take(await answer.text(), wanted);
      } else if (answer.type === "opaqueredirect" || (answer.status >= 400 && answer.status < 500 && answer.status !== 429)) {
        // Signed out, or not to be seen any more: only loading the page again can tell.
        ended = true;
        disconnect();
        say("gone");
        return;
      } else {
        again = true;
      }
    } catch {
      again = true;
    } finally {
      fetching = false;
      took = performance.now() - begun;
    }
    if (again) later(1000);
    else if (seen > shown) refresh(turned);
    else if (ended) say("ended");
  }

  function take(html, wanted) {
    const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("run");
    const part = document.getElementById("run");
    if (!fresh || !part) return;
    const before = part.dataset.state;
    takeOver(part, fresh);
    shown = Math.max(wanted, Number(fresh.dataset.sequence));
    seen = Math.max(seen, shown);
    document.title = fresh.dataset.title;
    if (fresh.dataset.state !== before) {
      announcement.textContent = fresh.querySelector("[data-sentence]").textContent.trim();
      part.dispatchEvent(new CustomEvent("run-changed", { bubbles: true }));
    }
  }

  // A page that nobody looks at leaves the browser's few connections to the others.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      clearTimeout(retry);
      disconnect();
    } else connect();
  });
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", connect);
  connect();
}
