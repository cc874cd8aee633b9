/* Keys. Each presses the visible button or link that carries it (data-key), so that nothing is done by keys alone. */
(() => {
  "use strict";
  const typing = (element) => element.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");

  const use = (element) => {
    if (element.matches("input, textarea, select")) { element.focus(); if (element.select) element.select(); }
    else element.click();
  };

  /* j and k: the links that open rows, one after the other. */
  const rows = () => [...document.querySelectorAll("[data-row]")];
  const opener = (row) => row.matches("[data-open]") ? row : row.querySelector("[data-open]") || row.querySelector("a");
  const stepRow = (step) => {
    const all = rows();
    if (!all.length) return;
    const at = all.findIndex((row) => row.contains(document.activeElement));
    const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1);
    opener(all[next]).focus({ preventScroll: true });
    all[next].scrollIntoView({ block: "nearest" });
  };

  /* [ and ]: tests that failed. The one that is shown is open, the others are closed. */
  const stepFailing = (step) => {
    const all = [...document.querySelectorAll("[data-failing]")];
    if (!all.length) return;
    let at = all.findIndex((one) => one.contains(document.activeElement) || one === document.activeElement);
    if (at < 0) at = all.findIndex((one) => one.open);
    const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
    for (const one of all) if (one.matches("details")) one.open = one === next;
    const target = next.querySelector("summary") || next;
    target.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  };

  const copy = async (button) => {
    const label = button.querySelector("span") || button;
    const before = label.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy || location.href);
      label.textContent = "copied";
    } catch {
      label.textContent = "not allowed here";
    }
    setTimeout(() => { label.textContent = before; }, 1500);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if ("copy" in button.dataset) copy(button);
    if (button.dataset.rowStep) stepRow(Number(button.dataset.rowStep));
    if (button.dataset.failingStep) stepFailing(Number(button.dataset.failingStep));
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const focused = document.activeElement;
    if (focused && typing(focused)) {
      if (event.key === "Escape") focused.blur();
      return;
    }
    const wanted = [...document.querySelectorAll("[data-key]")].find(
      (one) => one.dataset.key === event.key && !one.disabled && one.getClientRects().length);
    if (wanted) { event.preventDefault(); use(wanted); }
  });

  /* Back in a list: the row that the address names has the focus. */
  const mark = () => {
    const row = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (row && row.matches("[data-row]")) opener(row).focus({ preventScroll: true });
  };
  addEventListener("hashchange", mark);
  addEventListener("load", mark);
})();
