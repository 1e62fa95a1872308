// The palette and the keys. Without this file the box at the top leads to a page with the same results.
(() => {
  "use strict";

  const { labels, localDigits, one, all } = window.nova;
  const palette = one("#nv-palette");
  const sheet = one("#nv-keys");
  if (!palette) return;

  const input = one("input", palette);
  const list = one("#nv-palette-list");
  const status = one("[role=status]", palette);
  const WAIT = 120; // milliseconds after the last letter
  const REMEMBERED = 12;
  const store = `peyvand-recent-${palette.dataset.person}`;
  const keysStore = "peyvand-keys";

  // ---- What was opened lately: kept in this browser, and shown only after the server has looked at the rights again
  const read = (key) => {
    try {
      return localStorage.getItem(key) ?? "";
    } catch {
      return "";
    }
  };
  const write = (key, value) => {
    try {
      localStorage.setItem(key, value);
    } catch {
      // A browser that keeps nothing works without memory.
    }
  };
  const recent = () => read(store).split(",").filter(Boolean);

  const here = location.pathname.match(/\/([a-z][a-z0-9_]*)\/([a-z][a-z0-9_]*)\/(\d+)$/);
  if (here) {
    const entry = `${here[1]}.${here[2]}:${here[3]}`;
    write(store, [entry, ...recent().filter((other) => other !== entry)].slice(0, REMEMBERED).join(","));
  }

  // ---- Asking
  let timer;
  let request;
  let shownFor = null;

  async function ask() {
    request?.abort();
    request = new AbortController();
    const text = input.value.trim();
    const query = new URLSearchParams({ q: text, recent: recent().join(",") });
    list.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(`${palette.dataset.url}?${query}`, {
        headers: { "HX-Request": "true" },
        signal: request.signal,
      });
      if (window.nova.leave(answer)) return;
      if (!answer.ok) throw new Error(answer.statusText);
      list.innerHTML = await answer.text();
      shownFor = text;
      choose(options()[0]);
      status.textContent = status.dataset.count.replace("{n}", localDigits(options().length));
    } catch (error) {
      if (error.name === "AbortError") return;
      list.textContent = navigator.onLine ? labels.failed : labels.offline;
    }
    list.removeAttribute("aria-busy");
  }

  // ---- Choosing
  const options = () => all("[role=option]", list);
  const chosen = () => one("[aria-selected=true]", list);

  function choose(option) {
    chosen()?.setAttribute("aria-selected", "false");
    if (!option) return input.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  function step(by) {
    const shown = options();
    if (!shown.length) return;
    choose(shown[(shown.indexOf(chosen()) + by + shown.length) % shown.length]);
  }

  function open(text = "") {
    if (palette.open) return input.select();
    input.value = text;
    palette.showModal();
    input.focus();
    list.textContent = list.dataset.loading;
    ask();
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT);
  });

  /** Enter before the answer has come means the answer, not what was shown for fewer letters. */
  async function go(event, newTab) {
    event.preventDefault();
    if (shownFor !== input.value.trim()) {
      clearTimeout(timer);
      await ask();
    }
    const target = chosen();
    if (!target) return one("form", palette).submit();
    if (newTab) return window.open(target.href, "_blank", "noopener");
    palette.close();
    location.assign(target.href);
  }

  palette.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown") step(1);
    else if (event.key === "ArrowUp") step(-1);
    else if (event.key === "Enter" && event.target === input) return go(event, event.ctrlKey || event.metaKey);
    else return;
    event.preventDefault();
  });
  list.addEventListener("pointermove", (event) => {
    const option = event.target.closest("[role=option]");
    if (option && option !== chosen()) choose(option);
  });
  list.addEventListener("click", (event) => {
    // A page that is only scrolled to would stay behind the dialog.
    if (event.target.closest("a") && !event.ctrlKey && !event.metaKey && !event.shiftKey) palette.close();
  });

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-nv-palette]");
    if (!opener || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(opener.value ?? "");
  });

  // ---- Keys, by their place on the keyboard, so that they work on every layout
  const GO_WITHIN = 1200; // milliseconds between G and the letter
  let going = 0;
  const typing = (element) => element.closest?.("input, textarea, select, [contenteditable=true], [role=textbox]");
  const lettersOn = () => read(keysStore) !== "off";

  const singles = {
    Slash: (event) => (event.shiftKey ? sheet.showModal() : one("main input[type=search]")?.focus()),
    KeyC: () => one("[data-nv-create]")?.click(),
    KeyG: () => (going = performance.now()),
  };

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.code === "KeyK") {
      event.preventDefault();
      return palette.open ? palette.close() : open();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (typing(event.target) || one("dialog[open]") || !lettersOn()) return;
    if (performance.now() - going < GO_WITHIN) {
      going = 0;
      const link = one(`[data-nv-go="${event.code.replace("Key", "")}"]`, sheet);
      if (link) {
        event.preventDefault();
        return location.assign(link.href);
      }
    }
    const act = event.key === "?" ? () => sheet.showModal() : singles[event.code];
    if (act && (!event.shiftKey || event.code === "Slash" || event.key === "?")) {
      event.preventDefault();
      act(event);
    }
  });

  const keysBox = one("[data-nv-keys-on]", sheet);
  keysBox.checked = lettersOn();
  keysBox.addEventListener("change", () => write(keysStore, keysBox.checked ? "on" : "off"));
  for (const opener of all("[data-nv-keys]")) opener.addEventListener("click", () => sheet.showModal());
})();
