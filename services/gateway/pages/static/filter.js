// Hides what does not fit while somebody types. `data-filter` names the list (a selector), `data-none` what
// to show when nothing fits; items carry `data-filter-text`, in lower case.

/** @param {HTMLInputElement} field */
export function filterAsYouType(field) {
  const list = document.querySelector(field.dataset.filter);
  const none = document.querySelector(field.dataset.none);
  const status = document.querySelector("[data-filter-status]");
  // The server has left out what did not fit: only it can bring that back.
  if (!list || field.value) return;
  const items = [...list.querySelectorAll("[data-filter-text]")];
  const sections = [...list.querySelectorAll("section")];
  const form = field.form;
  form.classList.add("live");
  form.addEventListener("submit", (event) => event.preventDefault());

  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const item of items) {
      item.hidden = !words.every((word) => item.dataset.filterText.includes(word));
      if (!item.hidden) shown += 1;
    }
    for (const section of sections) section.hidden = !section.querySelector("[data-filter-text]:not([hidden])");
    none.hidden = shown > 0;
    if (status) {
      status.textContent = status.dataset.filterStatus
        .replace("{shown}", shown)
        .replace("{total}", items.length);
    }
  });
}
