// Buttons that copy what stands in a field; without this script the text can be selected by hand.

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    // Without the right to the clipboard, or without TLS.
    field.select();
    document.execCommand("copy");
  }
  button.textContent = button.dataset.copied;
});

export function offerCopying() {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
}
