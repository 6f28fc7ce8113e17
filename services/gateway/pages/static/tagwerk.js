// Small improvements of pages that work without any of them.
import { offerCopying } from "./copy.js";
import { filterAsYouType } from "./filter.js";
import { followRun } from "./live.js";
import { keepFresh } from "./refresh.js";

for (const field of document.querySelectorAll("[data-filter]")) filterAsYouType(field);
for (const line of document.querySelectorAll("[data-live]")) followRun(line);
for (const line of document.querySelectorAll("[data-refresh]")) keepFresh(line);
offerCopying();

// "/" goes to the search box, as long as nobody is typing.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const search = document.getElementById("search");
  if (search) {
    event.preventDefault();
    search.focus();
  }
});

// Menus close with Escape, and when somebody goes on elsewhere.
const menus = document.querySelectorAll("details[data-closes]");
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus) {
    if (!menu.open) continue;
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  for (const menu of menus) if (!menu.contains(event.target)) menu.open = false;
});

// A link to a place inside something folded unfolds it.
function unfold() {
  const place = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const fold = place && place.closest("details[data-opens-for-anchor]");
  if (fold) {
    fold.open = true;
    place.scrollIntoView();
  }
}
addEventListener("hashchange", unfold);
unfold();
