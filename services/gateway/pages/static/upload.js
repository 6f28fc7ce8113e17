// Files that are dropped anywhere on the page, or chosen, go up by themselves: each with its progress, and with
// what became of it. The form itself works without: it sends all files at once, and the page says the same.
import { takeOver } from "./morph.js";

/** Files that are on their way at the same time. */
const AT_ONCE = 3;
/** From so many files on, nobody waits in front of each of them. */
const MANY = 20;

const zone = document.getElementById("drop");
if (zone) offerDropping(zone);

function offerDropping(zone) {
  const form = zone.querySelector("form");
  const input = form.querySelector("input[type=file]");
  const list = zone.querySelector("[data-list]");
  const item = zone.querySelector("[data-item]");
  const status = zone.querySelector("[data-said]");
  const waiting = [];
  const counts = { total: 0, done: 0, new: 0, known: 0, refused: 0 };
  let sending = 0;
  let last = null;

  for (const element of zone.querySelectorAll("[data-plain]")) element.hidden = true;
  for (const element of zone.querySelectorAll("[data-scripted]")) element.hidden = false;
  zone.dataset.ready = "";

  input.addEventListener("change", () => {
    // A copy: the list of a field that is emptied is empty.
    take([...input.files]);
    input.value = "";
  });
  form.addEventListener("submit", (event) => event.preventDefault());

  // Leaving one element for another inside the page is no leaving: what counts is how deep one is.
  let depth = 0;
  const brings = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragenter", (event) => {
    if (!brings(event)) return;
    depth += 1;
    zone.dataset.over = "";
  });
  document.addEventListener("dragleave", (event) => {
    if (!brings(event)) return;
    depth = Math.max(0, depth - 1);
    if (!depth) delete zone.dataset.over;
  });
  document.addEventListener("dragover", (event) => {
    if (!brings(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
  document.addEventListener("drop", (event) => {
    if (!brings(event)) return;
    event.preventDefault();
    depth = 0;
    delete zone.dataset.over;
    take([...event.dataTransfer.files]);
  });

  function take(files) {
    if (!files.length) return;
    if (counts.done === counts.total) for (const name in counts) counts[name] = 0;
    for (const file of files) {
      const line = item.content.firstElementChild.cloneNode(true);
      line.querySelector("[data-name]").textContent = file.name;
      say(line, "waiting");
      list.append(line);
      waiting.push({ file, line, many: files.length >= MANY });
    }
    counts.total += files.length;
    list.lastElementChild.scrollIntoView({ block: "nearest" });
    next();
  }

  function next() {
    while (sending < AT_ONCE && waiting.length) {
      sending += 1;
      send(waiting.shift());
    }
  }

  function send({ file, line, many }) {
    const body = new FormData();
    body.append("client", form.elements.client.value);
    body.append("interactive", String(!many));
    body.append("file", file);
    const request = new XMLHttpRequest();
    request.open("POST", zone.dataset.sends);
    request.setRequestHeader("Accept", "text/html");
    const token = document.querySelector("meta[name=csrf-token]")?.content;
    if (token) request.setRequestHeader("X-CSRF-Token", token);
    const bar = line.querySelector("progress");
    say(line, "sending");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable && event.total) bar.value = (100 * event.loaded) / event.total;
    });
    request.upload.addEventListener("load", () => {
      bar.value = 100;
      say(line, "checking");
    });
    request.addEventListener("load", () => answered(line, file, request));
    request.addEventListener("error", () => broken(line, "[data-broken]"));
    request.send(body);
  }

  /** The page says in its own words what became of a file; signed out, there is another page. */
  function answered(line, file, request) {
    const said = new DOMParser().parseFromString(`<ul>${request.responseText}</ul>`, "text/html");
    const told = said.querySelector("li[data-outcome]");
    if (!told) {
      broken(line, request.status < 400 ? "[data-ended]" : "[data-broken]");
      return;
    }
    const name = told.querySelector("[data-name]");
    if (name) name.textContent = file.name;
    line.replaceWith(told);
    if (told.dataset.outcome === "new") last = told.querySelector("a").href;
    ended(told.dataset.outcome);
  }

  function broken(line, place) {
    line.dataset.outcome = "refused";
    line.querySelector("progress").remove();
    line.querySelector(place).hidden = false;
    say(line, "refused");
    ended("refused");
  }

  function ended(outcome) {
    counts[outcome] += 1;
    counts.done += 1;
    sending -= 1;
    if (counts.done < counts.total) {
      const words = counts.done === 1 ? status.dataset.one : status.dataset.many;
      status.textContent = filled(words, counts);
      next();
      return;
    }
    status.textContent = filled(status.dataset.all, { ...counts, taken: counts.new });
    // Who brought one document wants to see it; who brought several goes on from the list.
    if (counts.total === 1 && counts.new === 1) location.assign(last);
    else if (counts.new) refresh();
  }

  function say(line, state) {
    const words = line.querySelector("[data-state]");
    words.textContent = words.dataset[state];
  }
}

function filled(words, values) {
  return words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** What has come in stands in the list below. */
async function refresh() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("documents");
    if (fresh) takeOver(document.getElementById("documents"), fresh);
  } catch {
    // The list is as old as the page; every line above has its link.
  }
}
