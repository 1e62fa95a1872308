// Lists: choosing rows, building a filter, changing a value in place.
(() => {
  "use strict";

  const { all, labels, localDigits, one, onContent, prepare } = window.nova;

  // ---- Choosing rows. CSS shows the bulk bar; this counts, and lets Shift choose a range.
  const boxes = () => all("[name=rowid]");
  let lastBox = null;

  function countChosen() {
    const form = one("#action_form");
    if (!form) return;
    const chosen = boxes().filter((box) => box.checked).length;
    one("[data-nv-selected]", form).textContent = labels.selected.replace("{n}", localDigits(chosen));
    const everything = one("[data-nv-all]");
    if (everything) {
      everything.checked = chosen > 0 && chosen === boxes().length;
      everything.indeterminate = chosen > 0 && !everything.checked;
    }
  }

  function chooseRange(from, to) {
    const list = boxes();
    const [first, last] = [list.indexOf(from), list.indexOf(to)].sort((a, b) => a - b);
    if (first < 0) return;
    for (const box of list.slice(first, last + 1)) box.checked = to.checked;
  }

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-nv-all]")) boxes().forEach((box) => (box.checked = event.target.checked));
    if (event.target.matches("[name=rowid], [data-nv-all]")) countChosen();
    if (event.target.matches("[data-nv-filter-field]")) offerOperations();
    if (event.target.matches("[data-nv-filter-operation]")) offerValue();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-nv-unselect]")) {
      boxes().forEach((box) => (box.checked = false));
      countChosen();
    }
    if (event.target.matches("[name=rowid]")) {
      if (event.shiftKey && lastBox) chooseRange(lastBox, event.target);
      lastBox = event.target;
      countChosen();
    }
    const cancel = event.target.closest("[data-nv-cell-cancel]");
    if (cancel) cancelCell(cancel.closest("form"));
  });

  // ---- With Shift, the head of a column sorts by that as well
  document.addEventListener("htmx:configRequest", (event) => {
    const { nvThen } = event.target.dataset ?? {};
    if (nvThen && event.detail.triggeringEvent?.shiftKey) event.detail.path = nvThen;
  });

  // ---- Filter: field, then its conditions, then a value that fits the condition
  const filterGroups = () => JSON.parse(one("#filter-groups-data").textContent);
  const chosenFilter = () => filterGroups()[one("[data-nv-filter-field]").value][one("[data-nv-filter-operation]").value];

  function offerOperations() {
    const filters = filterGroups()[one("[data-nv-filter-field]").value];
    one("[data-nv-filter-operation]").replaceChildren(...filters.map((filter, index) => new Option(filter.operation, index)));
    offerValue();
  }

  function valueField(filter) {
    if (filter.options) {
      const select = document.createElement("select");
      select.className = "form-select form-select-sm";
      for (const [value, text] of filter.options) select.add(new Option(text, value));
      return select;
    }
    const input = document.createElement("input");
    input.className = "form-control form-control-sm";
    if (filter.type === "nv-date") {
      input.dataset.nvDate = labels.calendar;
      input.dir = "ltr";
    } else {
      input.dir = "auto";
    }
    return input;
  }

  /** The records a link may be compared with come when they are wanted, and are kept. */
  async function askForOptions(filter) {
    const response = await fetch(`${one("[data-nv-filter]").dataset.options}?arg=${encodeURIComponent(filter.arg)}`);
    if (response.ok) filter.options = await response.json();
  }

  const asked = new Map();

  async function offerValue() {
    const filter = chosenFilter();
    if (filter.ask) {
      if (!asked.has(filter.arg)) asked.set(filter.arg, askForOptions(filter).then(() => filter.options));
      filter.options = await asked.get(filter.arg);
      if (chosenFilter().arg !== filter.arg) return;
    }
    const place = one("[data-nv-filter-value]");
    const field = valueField(filter);
    field.name = `flt${one("[data-nv-filter]").dataset.next}_${filter.arg}`;
    field.setAttribute("aria-label", labels.value);
    place.replaceChildren(field);
    prepare(place);
  }

  // ---- Changing a value in place
  async function cancelCell(form) {
    const response = await fetch(form.dataset.cancel, { headers: { "HX-Request": "true" } });
    const holder = document.createElement("div");
    holder.innerHTML = await response.text();
    const cell = one(".cell", holder);
    form.replaceWith(cell);
    window.htmx?.process(cell);
    one(".cell-e", cell)?.focus();
  }

  /** The cell to be edited next, in reading order; found before the save, as the form goes with its answer. */
  function neighbour(form, step) {
    const cells = all(".model-list [data-nv-cell], .model-list .cell");
    return cells[cells.indexOf(form) + step]?.id;
  }

  // Enter saves, as in every form; Escape gives up; Tab saves and goes on to the next cell.
  let goOnWith = null;
  document.addEventListener("keydown", (event) => {
    const form = event.target.closest?.("[data-nv-cell]");
    if (!form) return;
    if (event.key === "Escape") cancelCell(form);
    if (event.key === "Tab" && !event.target.matches("button")) {
      event.preventDefault();
      goOnWith = neighbour(form, event.shiftKey ? -1 : 1);
      form.requestSubmit();
    }
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (!event.target.matches?.(".cell") || !goOnWith) return;
    const next = event.detail.xhr.status < 300 ? document.getElementById(goOnWith) : null;
    goOnWith = null;
    one(".cell-e", next ?? document.createElement("i"))?.click();
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.target.matches?.(".cell") && event.detail.xhr.status >= 400) goOnWith = null;
  });

  document.addEventListener("htmx:afterSettle", () => one("form.cell [autofocus]")?.focus());

  // Going back, the browser ticks the boxes again only after the page was read.
  addEventListener("pageshow", countChosen);

  onContent((root) => {
    countChosen();
    if (one("[data-nv-filter-field]", root)) offerOperations();
  });
})();
