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

  function offerValue() {
    const filter = chosenFilter();
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

  document.addEventListener("keydown", (event) => {
    const form = event.target.closest?.("[data-nv-cell]");
    if (form && event.key === "Escape") cancelCell(form);
  });

  document.addEventListener("htmx:afterSettle", () => one("form.cell [autofocus]")?.focus());

  onContent((root) => {
    countChosen();
    if (one("[data-nv-filter-field]", root)) offerOperations();
  });
})();
