// Rows of a list: walking with keys, a quick view, folding groups, choosing columns and their widths, the place on Back.
(() => {
  "use strict";

  const { all, one, onContent } = window.nova;
  const headers = { "HX-Request": "true" };

  // ---- The quick view: a panel beside the list. Without this script its link is a page.
  const panel = () => one("#peek-panel");
  let opener = null;

  async function peek(link) {
    const response = await fetch(link.href, { headers });
    if (!response.ok) return;
    opener = link;
    panel().innerHTML = await response.text();
    panel().hidden = false;
    panel().focus();
  }

  function closePeek() {
    panel().hidden = true;
    opener?.focus();
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-nv-peek]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      peek(link);
    }
    if (event.target.closest("[data-nv-peek-close]")) closePeek();
    const fold = event.target.closest("[data-nv-fold]");
    if (fold) toggleGroup(fold);
    const move = event.target.closest("[data-nv-move]");
    if (move) {
      event.preventDefault();
      moveColumn(move);
    }
  });

  // ---- Groups unfold to the first rows of the list they stand for.
  async function toggleGroup(button) {
    const open = button.getAttribute("aria-expanded") !== "true";
    const body = document.getElementById(button.getAttribute("aria-controls"));
    if (open && !body.firstChild) {
      const response = await fetch(button.dataset.nvFold, { headers });
      if (!response.ok) return;
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const rows = one("table.model-list", page);
      all(".c-chk, .c-act, tfoot, .cell-e", rows ?? page).forEach((part) => part.remove());
      body.append(rows ?? one(".empty-state", page) ?? "");
    }
    body.closest("tr").hidden = !open;
    button.setAttribute("aria-expanded", String(open));
  }

  // ---- Columns: the buttons of the form move a line without asking the server.
  function moveColumn(button) {
    const line = button.closest("li");
    const step = Number(button.dataset.nvMove);
    if (step < 0) line.previousElementSibling?.before(line);
    else line.nextElementSibling?.after(line);
    button.focus();
  }

  // ---- Keys, by their place on the keyboard, so that they work in a Persian layout too.
  const rows = () => all("tr[data-nv-row]");
  const here = () => one("tr.at");

  function walk(step) {
    const list = rows();
    if (!list.length) return;
    const next = list[Math.min(Math.max(list.indexOf(here()) + step, 0), list.length - 1)];
    here()?.classList.remove("at");
    next.classList.add("at");
    next.tabIndex = -1;
    next.focus();
  }

  const KEYS = {
    KeyJ: () => walk(1),
    KeyK: () => walk(-1),
    KeyX: () => one("[name=rowid]", here())?.click(),
    KeyE: () => one(".dropdown-item[href*='/edit']", here())?.click(),
    Enter: () => one(".rec-link", here())?.click(),
    F2: () => one(".cell-e", here())?.click(),
    Space: () => one("[data-nv-peek]", here())?.click(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && panel() && !panel().hidden) return closePeek();
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.closest("input, select, textarea, button, a, [contenteditable]")) return;
    const act = KEYS[event.code];
    if (!act || (!here() && !["KeyJ", "KeyK"].includes(event.code))) return;
    event.preventDefault();
    act();
  });

  // ---- Widths of columns: drag the grip, or arrow keys on it; kept for the person.
  const kept = () => JSON.parse(one("#list-widths")?.textContent || "{}");
  const STEP = 16;
  const bounded = (pixels) => Math.min(Math.max(Math.round(pixels), 40), 1200);

  function setWidth(head, pixels) {
    for (const side of ["inlineSize", "minInlineSize", "maxInlineSize"]) head.style[side] = `${bounded(pixels)}px`;
    head.dataset.width = bounded(pixels);
    one("[data-nv-width]", head).setAttribute("aria-valuenow", bounded(pixels));
  }

  async function keepWidths() {
    const form = new FormData();
    form.set("csrf_token", one("meta[name=csrf-token]").content);
    for (const head of all("th[data-width]")) form.set(`width-${one("[data-nv-width]", head).dataset.nvWidth}`, head.dataset.width);
    await fetch(kept().url, { method: "POST", body: form });
  }

  document.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest("[data-nv-width]");
    if (!grip) return;
    event.preventDefault();
    const head = grip.closest("th");
    const [start, before] = [event.clientX, head.getBoundingClientRect().width];
    const way = document.documentElement.dir === "rtl" ? -1 : 1;
    const drag = (moved) => setWidth(head, before + way * (moved.clientX - start));
    document.addEventListener("pointermove", drag);
    document.addEventListener("pointerup", () => {
      document.removeEventListener("pointermove", drag);
      keepWidths();
    }, { once: true });
  });

  document.addEventListener("keydown", (event) => {
    const grip = event.target.closest?.("[data-nv-width]");
    if (!grip || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    event.preventDefault();
    const wider = (event.key === "ArrowRight") === (document.documentElement.dir !== "rtl");
    const head = grip.closest("th");
    setWidth(head, head.getBoundingClientRect().width + (wider ? STEP : -STEP));
    keepWidths();
  });

  // ---- The place on Back: how far the page was scrolled, for its very address.
  const spot = () => `nova-scroll:${location.pathname}${location.search}`;
  addEventListener("pagehide", () => sessionStorage.setItem(spot(), String(Math.round(scrollY))));
  const before = Number(sessionStorage.getItem(spot()));
  const cameBack = document.referrer.startsWith(location.origin + location.pathname) && !document.referrer.includes("?");
  if (before && cameBack) scrollTo(0, before);

  onContent(() => {
    const { widths } = kept();
    for (const grip of all(".model-list [data-nv-width]:not([role])")) {
      // Without this script there is nothing to drag, so only here does the edge become a separator.
      const now = Math.round(grip.closest("th").getBoundingClientRect().width);
      const says = { role: "separator", tabindex: 0, "aria-orientation": "vertical", "aria-label": grip.dataset.label };
      Object.assign(says, { "aria-valuemin": 40, "aria-valuemax": 1200, "aria-valuenow": now });
      for (const [name, value] of Object.entries(says)) grip.setAttribute(name, value);
      const width = widths?.[grip.dataset.nvWidth];
      if (width && !grip.closest("th").dataset.width) setWidth(grip.closest("th"), width);
    }
  });
})();
