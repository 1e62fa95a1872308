// Calendars: an entry is dragged to another day, or moved by its form; arrows walk over the days.
(() => {
  "use strict";

  const { all, labels, leave, one, post, toast } = window.nova;

  const UNDO_SHOWN_FOR = 10000;
  const DAY = 86400000;
  const calendar = () => one("[data-nv-calendar]");
  const cellOf = (date) => one(`.cal-d[data-day="${CSS.escape(date)}"]`);

  // ---- Drag
  let dragged = null;

  document.addEventListener("pointerdown", (event) => {
    // Only what may be moved can be dragged; links would drag their address otherwise.
    const entry = event.target.closest?.("[data-move] .cal-e");
    if (entry && event.pointerType === "mouse") entry.draggable = true;
  });

  document.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("[data-move] .cal-e");
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.textContent.trim());
  });

  document.addEventListener("dragover", (event) => {
    const cell = dragged && event.target.closest(".cal-d");
    for (const other of all(".cal-d.drop")) other.classList.toggle("drop", other === cell);
    if (!cell) return;
    cell.classList.add("drop");
    event.preventDefault();
  });

  document.addEventListener("dragend", () => {
    for (const cell of all(".cal-d.drop")) cell.classList.remove("drop");
    dragged = null;
  });

  document.addEventListener("drop", (event) => {
    const cell = dragged && event.target.closest(".cal-d");
    if (!cell) return;
    event.preventDefault();
    if (cell !== dragged.closest(".cal-d")) move(dragged, cell);
  });

  async function move(entry, cell) {
    const previous = { list: entry.parentElement, before: entry.nextElementSibling };
    const back = () => previous.list.insertBefore(entry, previous.before?.parentElement ? previous.before : null);
    const body = new URLSearchParams({ id: entry.dataset.id, version: entry.dataset.version, day: cell.dataset.day, drag: 1 });
    one(".cal-l", cell).append(entry);
    cell.classList.remove("none");
    try {
      const response = await post(calendar().dataset.move, body, { keepalive: true });
      if (leave(response)) return;
      const text = await response.text();
      if (response.ok) return settle(entry, text);
      back();
      toast([409, 422].includes(response.status) && text.length < 300 ? text : labels.failed, "danger");
    } catch {
      back();
      toast(labels.offline, "danger");
    }
  }

  /** nova/_calendar_moved.html: the entry with its new version, the sentence, and the way back. */
  function settle(entry, html) {
    const answer = new DOMParser().parseFromString(html, "text/html").body;
    entry.replaceWith(one("[data-nv-entry] > .cal-e", answer));
    one("#calendar-live").textContent = one("#calendar-live", answer).textContent;
    const told = one("[data-nv-toast]", answer);
    if (!told) return;
    const message = document.createElement("div");
    message.className = "nv-toast t-success";
    message.append(...told.childNodes);
    one("#toasts").append(message);
    const expire = () => (message.matches(":hover, :focus-within") ? setTimeout(expire, 2000) : message.remove());
    setTimeout(expire, UNDO_SHOWN_FOR);
  }

  // ---- A click on the empty part of a day creates there
  document.addEventListener("click", (event) => {
    const cell = event.target.closest?.(".cal-grid .cal-d");
    if (!cell || event.target.closest("a, button, .cal-e")) return;
    const add = one(".cal-add", cell);
    if (add) location.assign(add.href);
  });

  // ---- Keys: arrows walk over the days, PageUp and PageDown over the months, M moves the focused entry
  const shifted = (date, days) => new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY).toISOString().slice(0, 10);

  function focusDay(date, by) {
    const cell = cellOf(date);
    if (cell) return one(".cal-n", cell).focus();
    // Beyond the edge the neighbouring month is loaded, and the day is focused there.
    sessionStorage.setItem("nova-day", date);
    location.assign(one(by < 0 ? "[data-nv-previous]" : "[data-nv-next]").href);
  }

  document.addEventListener("keydown", (event) => {
    if (!calendar() || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
    const entry = event.target.closest?.(".cal-e");
    if (entry && event.code === "KeyM") {
      event.preventDefault();
      one(".cal-m", entry)?.click();
      return;
    }
    const cell = event.target.closest?.(".cal-d");
    if (!cell) return;
    if (event.key === "PageUp" || event.key === "PageDown") {
      event.preventDefault();
      location.assign(one(event.key === "PageUp" ? "[data-nv-previous]" : "[data-nv-next]").href);
    }
    const forward = document.dir === "rtl" ? -1 : 1;
    const days = { ArrowLeft: -forward, ArrowRight: forward, ArrowUp: -7, ArrowDown: 7 }[event.key];
    if (!days || !cell.closest(".cal-grid")) return;
    event.preventDefault();
    focusDay(shifted(cell.dataset.day, days), days);
  });

  document.addEventListener("DOMContentLoaded", () => {
    const date = sessionStorage.getItem("nova-day");
    sessionStorage.removeItem("nova-day");
    if (date && calendar()) one(".cal-n", cellOf(date) ?? undefined)?.focus();
  });
})();
