// The page of a document: it follows the document while it is read, and shows where a field stands on its page.
import { takeOver } from "./morph.js";

/** Milliseconds between two looks: at first, and at most. */
const FIRST = 700;
const LONGEST = 8000;

const line = document.querySelector("[data-follows]");
if (line) follow(line);

/** @param {HTMLElement} line `data-follows`: where the part of the page is that changes */
function follow(line) {
  const words = line.querySelector("[data-live-words]");
  const announcement = document.querySelector("[data-announce]");
  let wait = FIRST;
  let timer = 0;
  let over = false;

  function say(state) {
    line.dataset.state = state;
    words.textContent = line.dataset[state];
  }

  function later() {
    clearTimeout(timer);
    if (!over && !document.hidden) timer = setTimeout(look, wait);
  }

  async function look() {
    try {
      const answer = await fetch(line.dataset.follows, { redirect: "manual", headers: { Accept: "text/html" } });
      if (answer.ok) {
        take(await answer.text());
      } else if (answer.type === "opaqueredirect" || (answer.status >= 400 && answer.status < 500 && answer.status !== 429)) {
        // Signed out, or not to be seen any more: only loading the page again can tell.
        over = true;
        say("gone");
      } else {
        say("off");
      }
    } catch {
      say("off");
    }
    // What changes is looked at soon again, what does not less and less often.
    wait = Math.min(wait * 1.3, LONGEST);
    later();
  }

  function take(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("document");
    const part = document.getElementById("document");
    if (!fresh || !part) return;
    const before = part.dataset.step;
    takeOver(part, fresh);
    if (part.dataset.step !== before) {
      wait = FIRST;
      announcement.textContent = part.querySelector("[data-sentence]").textContent.trim();
    }
    over = part.dataset.moving !== "true";
    say(over ? "ended" : "on");
  }

  document.addEventListener("visibilitychange", () => {
    wait = FIRST;
    later();
  });
  say("on");
  later();
}

// One points at a field, and sees it on the page; or the other way round.
let marked = "";
function mark(names) {
  if (names === marked) return;
  marked = names;
  for (const element of document.querySelectorAll("[data-on]:is(tr, rect)")) element.removeAttribute("data-on");
  for (const name of names.split(" ").filter(Boolean)) {
    for (const element of document.querySelectorAll(`tr[data-field="${name}"], rect[data-places~="${name}"]`)) {
      element.dataset.on = "";
    }
  }
}

function pointedAt(target) {
  if (!(target instanceof Element)) return "";
  return target.closest("tr[data-field]")?.dataset.field ?? target.closest("rect[data-places]")?.dataset.places ?? "";
}
document.addEventListener("mouseover", (event) => mark(pointedAt(event.target)));
document.addEventListener("focusin", (event) => mark(pointedAt(event.target)));

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-shows]");
  const place = link && document.querySelector(`rect[data-places~="${link.dataset.shows}"]`);
  if (!place) return;
  event.preventDefault();
  mark(link.dataset.shows);
  place.scrollIntoView({ block: "center", behavior: "smooth" });
});
