// What every page has: toasts, dialogs, the side menu, the theme switch. Other files hang on window.nova.
// Nothing here is needed to read or to save; no inline handler, no eval.
(() => {
  "use strict";

  const root = document.documentElement;
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const meta = (name) => one(`meta[name="${name}"]`)?.content ?? "";
  const labels = JSON.parse(one("#nv-labels")?.textContent ?? "{}");

  /** Western digits as this reader writes them. */
  const localDigits = (text) => String(text).replace(/\d/g, (digit) => labels.digits?.[digit] ?? digit);

  function icon(name, className = "") {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    svg.setAttribute("class", `ic ${className}`);
    svg.setAttribute("aria-hidden", "true");
    use.setAttribute("href", `${meta("nv-icons")}#${name}`);
    svg.append(use);
    return svg;
  }

  // ---- Content that arrives later is prepared by the same callbacks as the page.
  const preparations = [];
  const prepare = (element) => preparations.forEach((callback) => callback(element));

  /** Call `callback(element)` for the page and for every piece put into it; it must bear being called twice. */
  const onContent = (callback) => preparations.push(callback);

  document.addEventListener("DOMContentLoaded", () => prepare(document));
  document.addEventListener("htmx:load", (event) => prepare(event.detail?.elt ?? event.target));

  // ---- Requests
  /** `options.keepalive` lets a small request end even when the page is left at once. */
  function post(url, body, options = {}) {
    const headers = { "X-CSRFToken": meta("csrf-token"), "HX-Request": "true" };
    return fetch(url, { method: "POST", body, headers, ...options });
  }

  /** Follow what the server asks for; true when the page is about to change. */
  function leave(response) {
    const target = response.headers.get("HX-Redirect");
    if (target) location.assign(target);
    else if (response.headers.get("HX-Refresh")) location.reload();
    else return false;
    return true;
  }

  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-CSRFToken"] = meta("csrf-token");
  });
  document.addEventListener("htmx:responseError", () => toast(labels.failed, "danger"));
  document.addEventListener("htmx:sendError", () => toast(labels.offline, "danger"));

  // ---- Toasts
  const SHOWN_FOR = 6000;
  const UNDO_SHOWN_FOR = 10000;

  function expire(message) {
    if (message.matches(".t-danger")) return;
    const wait = message.querySelector("form") ? UNDO_SHOWN_FOR : SHOWN_FOR;
    setTimeout(() => (message.matches(":hover, :focus-within") ? expire(message) : message.remove()), wait);
  }

  function toast(text, kind = "info") {
    const message = document.createElement("div");
    message.className = `nv-toast t-${kind}`;
    if (kind === "danger") message.setAttribute("role", "alert");
    message.append(icon(kind === "danger" ? "alert-triangle" : "info-circle"), text);
    one("#toasts").append(message);
    setTimeout(() => message.remove(), SHOWN_FOR);
  }

  document.addEventListener("DOMContentLoaded", () => all(".nv-toast").forEach(expire));

  // ---- The dialog that shows a fragment of the server
  const modal = one("#nv-modal");
  const modalBody = one("[data-nv-modal-body]");

  function fillModal(html) {
    modalBody.innerHTML = html;
    window.htmx?.process(modalBody);
    prepare(modalBody);
    if (!modal.open) modal.showModal();
    one("[aria-invalid], input:not([type=hidden]), select, textarea, button[type=submit]", modalBody)?.focus();
  }

  async function openModal(url) {
    try {
      const response = await fetch(url, { headers: { "HX-Request": "true" } });
      if (leave(response)) return;
      if (response.ok) fillModal(await response.text());
      else toast(labels.failed, "danger");
    } catch {
      toast(labels.offline, "danger");
    }
  }

  /** A refused form comes back as a fragment or as a whole page; only its fields replace the ones shown. */
  function showAnswer(html) {
    const answer = new DOMParser().parseFromString(html, "text/html");
    if (one(".modal-head", answer)) return fillModal(html);
    const fields = one(".admin-form .form-card", answer);
    const place = one(".modal-scroll", modalBody);
    if (!fields || !place) return toast(labels.failed, "danger");
    place.replaceChildren(...fields.childNodes);
    prepare(place);
    one("[aria-invalid]", place)?.focus();
  }

  modal?.addEventListener("submit", async (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    event.preventDefault();
    try {
      const response = await post(form.action, new FormData(form, event.submitter));
      if (!leave(response)) showAnswer(await response.text());
    } catch {
      toast(labels.offline, "danger");
    }
  });

  for (const dialog of all("dialog")) {
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }

  // ---- Ask before a button with data-nv-confirm submits
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    const question = button?.dataset.nvConfirm;
    if (!question || button.dataset.confirmed) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const dialog = one("#nv-confirm");
    one("#nv-confirm-text").textContent = question;
    dialog.onclose = () => {
      if (dialog.returnValue === "yes") {
        button.dataset.confirmed = "1";
        button.form.requestSubmit(button);
        delete button.dataset.confirmed;
      }
      dialog.returnValue = "";
    };
    dialog.showModal();
  }, true);

  // ---- Side menu on narrow screens
  const side = one("#side");

  function toggleSide(open = !side.classList.contains("open")) {
    side.classList.toggle("open", open);
    for (const button of all("[data-nv-side][aria-controls]")) button.setAttribute("aria-expanded", open);
    for (const behind of all(".column, .bottom-bar")) behind.inert = open;
    one(open ? "a, button" : "[data-nv-side]", open ? side : document)?.focus();
  }

  // ---- Theme: shown at once, remembered by the server
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("[data-nv-theme]")) return;
    event.preventDefault();
    const theme = root.dataset.bsTheme === "dark" ? "light" : "dark";
    root.dataset.bsTheme = root.dataset.themeChoice = theme;
    const body = new FormData(form);
    body.set("theme", theme);
    try {
      await post(form.action, body);
    } catch {
      toast(labels.offline, "danger");
    }
  });

  // ---- Clicks and keys
  document.addEventListener("click", (event) => {
    if (side?.classList.contains("open") && !event.target.closest("#side, [data-nv-side]")) return toggleSide(false);
    const target = event.target.closest("[data-nv-side], [data-nv-dismiss], [data-nv-close], [data-nv-modal]");
    if (!target) return;
    if (target.matches("[data-nv-side]")) toggleSide();
    else if (target.matches("[data-nv-dismiss]")) target.closest(".nv-toast").remove();
    else if (target.matches("[data-nv-close]")) {
      event.preventDefault();
      target.closest("dialog")?.close();
    } else if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      openModal(target.dataset.nvModal);
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && side?.classList.contains("open")) toggleSide(false);
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const form = event.target.closest?.("form[data-nv-guard]");
      if (form) {
        event.preventDefault();
        form.requestSubmit();
      }
    }
  });

  // ---- Typed but not saved
  let unsaved = false;
  document.addEventListener("input", (event) => {
    if (event.target.closest?.("main [data-nv-guard]")) unsaved = true;
  });
  document.addEventListener("submit", () => (unsaved = false));
  addEventListener("beforeunload", (event) => unsaved && event.preventDefault());

  window.nova = { all, fillModal, icon, labels, leave, localDigits, modal, one, onContent, post, prepare, toast };
})();
