// Makes one tree of elements like another with as few changes as possible, so that whoever reads keeps focus,
// selection, scroll position, what they unfolded and what they typed.

/** What the reader changes, not the server. */
function isOwn(element, name) {
  return name === "open" || name === "checked" || (name === "value" && element.type !== "hidden");
}

/** @param {Element} old stays in the page, @param {Element} fresh is used up */
export function takeOver(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!isOwn(old, name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (!isOwn(old, name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  const waiting = new Map();
  for (const child of old.children) if (child.id) waiting.set(child.id, child);
  let place = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    let known = next.id ? waiting.get(next.id) : null;
    if (!known && place && alike(place, next)) known = place;
    if (!known) {
      old.insertBefore(next, place);
      continue;
    }
    if (known === place) place = place.nextSibling;
    else old.insertBefore(known, place);
    if (known.nodeType === Node.ELEMENT_NODE) takeOver(known, next);
    else if (known.data !== next.data) known.data = next.data;
  }
  while (place) {
    const after = place.nextSibling;
    place.remove();
    place = after;
  }
}

function alike(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName && (one.id || "") === (other.id || "");
}
