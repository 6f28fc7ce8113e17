// The form that starts a job: checks while one types, choices while one looks for them, files at once.
// All of it works without: "Check" shows the same, "Upload" brings the form again.

const DEBOUNCE = 400;

const form = document.getElementById("start");
const checks = document.getElementById("checks");
const status = document.getElementById("checked");

// What was touched is told what is wrong with it; the rest is not shouted at while somebody fills it in.
const touched = new Set();
let asking = null;
let timer = 0;

function said(except = []) {
  const data = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string" && !except.includes(name)) data.append(name, value);
  }
  return data;
}

async function check() {
  asking?.abort();
  const mine = (asking = new AbortController());
  checks.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(`${form.dataset.start}/checks`, {
      method: "POST",
      body: said(),
      signal: mine.signal,
      redirect: "error",
    });
    if (!answer.ok) throw new Error(answer.statusText);
    show(await answer.text());
  } catch {
    // Who types on asks again; the form itself works without checks.
  } finally {
    if (asking === mine) checks.setAttribute("aria-busy", "false");
  }
}

function show(html) {
  const open = checks.querySelector("details")?.open;
  const parsed = new DOMParser().parseFromString(html, "text/html");
  checks.replaceChildren(...parsed.body.childNodes);
  if (open) checks.querySelector("details").open = true;
  offerCopies();
  const errors = new Map();
  for (const item of checks.querySelectorAll("[data-errors] [data-field]")) errors.set(item.dataset.field, item);
  for (const field of form.querySelectorAll(".field[data-field]")) {
    if (field.dataset.field in OWN) continue;
    tell(field, touched.has(field.dataset.field) ? errors.get(field.dataset.field) : undefined);
  }
  const summary = checks.querySelector("[data-summary]")?.dataset.summary ?? "";
  if (status.textContent !== summary) status.textContent = summary;
}

// Fields of which the checks know nothing.
const OWN = { confirm: true, reason: true };

function tell(field, error) {
  const place = field.querySelector(".error");
  place.replaceChildren(...Array.from(error?.childNodes ?? [], (node) => node.cloneNode(true)));
  place.hidden = !error;
  field.toggleAttribute("data-wrong", Boolean(error));
  for (const control of field.querySelectorAll("[aria-describedby]:not(fieldset)")) {
    if (error) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  }
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(check, DEBOUNCE);
}

form.addEventListener("input", (event) => {
  const field = event.target.closest(".field[data-field]");
  if (!field || event.target.type === "file") return;
  if (event.target.dataset.source) lookUp(event.target);
  soon();
});
form.addEventListener("change", (event) => {
  const field = event.target.closest(".field[data-field]");
  if (!field) return;
  touched.add(field.dataset.field);
  if (event.target.matches("[data-reloads]")) reload();
  else if (event.target.type !== "file") soon();
});

// Another client has other accounts, invoices and files: the form is made anew, with what was typed.
function reload() {
  location.assign(`${form.dataset.start}?${said(["key", "confirm", "reason", "csrf_token"])}`);
}

// Choices that were too many to be shown at once.
const looking = new WeakMap();
async function lookUp(input) {
  const list = input.list;
  if (!list || [...list.options].some((option) => option.value === input.value)) return;
  looking.get(input)?.abort();
  const mine = new AbortController();
  looking.set(input, mine);
  const query = new URLSearchParams({ client: form.elements.client.value, text: input.value, limit: 100 });
  try {
    const answer = await fetch(form.dataset.choices + encodeURIComponent(input.dataset.source) + "?" + query, {
      signal: mine.signal,
    });
    if (!answer.ok) return;
    const page = await answer.json();
    list.replaceChildren(
      ...page.items.map((choice) => {
        const option = new Option(choice.detail ? `${choice.label}, ${choice.detail}` : choice.label, choice.value);
        return option;
      }),
    );
  } catch {
    // The value can be typed.
  }
}

// Files go up as soon as they are chosen; the field then names what came of it.
for (const input of form.querySelectorAll("[data-uploads]")) {
  const field = input.closest(".field");
  const named = field.querySelector(`#f-${input.dataset.uploads}`);
  field.querySelector("[data-upload-button]").hidden = true;
  input.addEventListener("change", async () => {
    if (!input.files.length) return;
    const body = new FormData();
    body.append("client", form.elements.client.value);
    body.append("file", input.files[0]);
    const token = form.elements.csrf_token?.value;
    status.textContent = form.dataset.uploading;
    field.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch("/api/v1/files", {
        method: "POST",
        body,
        headers: token ? { "X-CSRF-Token": token } : {},
      });
      const said = await answer.json();
      if (!answer.ok) throw new Error(said.detail);
      named.value = said.reference;
      status.textContent = said.file_name;
      touched.add(field.dataset.field);
      soon();
    } catch (error) {
      input.value = "";
      const words = document.createElement("span");
      words.textContent = error.message || form.dataset.failed;
      words.lang = "en";
      tell(field, { childNodes: [words] });
      status.textContent = form.dataset.failed;
    } finally {
      field.removeAttribute("aria-busy");
    }
  });
}

function offerCopies() {
  if (!navigator.clipboard) return;
  for (const button of checks.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
      status.textContent = button.textContent;
    });
  }
}

offerCopies();
form.querySelector("[aria-invalid]")?.focus();
if (!checks.querySelector(".verdicts")) check();
