// Forms: searchable selects and lines of related records.
(() => {
  "use strict";

  const { all, labels, one, onContent, toast } = window.nova;

  // ---- Selects. The data-role names are those Flask-Admin's widgets write.
  const texts = { no_results: () => `<div class="no-results">${labels.noMatch}</div>` };

  function enhanceSelect(select) {
    new TomSelect(select, {
      plugins: select.multiple ? ["remove_button"] : [],
      maxOptions: 200,
      allowEmptyOption: true,
      render: texts,
    });
    select.ariaHidden = "true"; // the label now belongs to the box that Tom Select draws
  }

  /** A field whose choices the server searches; `data-json` holds what is chosen now, as [id, text] pairs. */
  function enhanceLookup(input) {
    const { url, json, multiple, separator, placeholder } = input.dataset;
    const chosen = JSON.parse(json || "null");
    const many = multiple === "1";
    const pairs = chosen ? (many ? chosen : [chosen]) : [];
    const option = ([id, text]) => ({ id: String(id), text });
    const address = (query) => `${url}${url.includes("?") ? "&" : "?"}${new URLSearchParams({ query, offset: 0, limit: 20 })}`;
    // A select brings its own choices, which also serve without a script.
    const own = input.matches("select") ? {} : { options: pairs.map(option), items: pairs.map(([id]) => String(id)) };
    if (input.matches("input")) input.type = "text";
    new TomSelect(input, {
      ...own,
      valueField: "id",
      labelField: "text",
      searchField: "text",
      maxItems: many ? null : 1,
      delimiter: separator || ",",
      preload: "focus",
      placeholder,
      plugins: [many ? "remove_button" : "clear_button"],
      // The server folds Persian and Arabic letters; filtering again here would hide its matches.
      score: () => () => 1,
      render: texts,
      load(query, done) {
        fetch(address(query))
          .then((response) => response.json())
          .then((rows) => {
            // Everything counts as a match (see score), so what was offered before must go.
            this.clearOptions();
            done(rows.map(option));
          })
          .catch(() => {
            toast(labels.offline, "danger");
            done();
          });
      },
    });
    input.ariaHidden = "true";
  }

  onContent((root) => {
    if (!window.TomSelect) return;
    all("select[data-role=select2]:not(.tomselected)", root).forEach(enhanceSelect);
    all("[data-role=select2-ajax]:not(.tomselected)", root).forEach(enhanceLookup);
    one("[data-nv-errors]", root)?.focus();
  });

  // ---- Lines of related records
  const lastNumber = (row) => Number.parseInt(row.id.split("-").pop(), 10) || 0;

  /** Clone the template line and give its fields the prefix under which the server reads them: phones-2-number. */
  function addLine(lines) {
    const list = one(":scope > .inline-field-list", lines);
    const row = one(":scope > template", lines).content.firstElementChild.cloneNode(true);
    const outer = lines.closest(".inl-row.fresh");
    const base = outer ? `${outer.id}-${lines.dataset.nvInline}` : lines.dataset.nvInline;
    const next = Math.max(-1, ...[...list.children].map(lastNumber)) + 1;
    const prefix = `${base}-${next}`;
    const prefixed = (name) => (name ? `${prefix}-${name}` : prefix);

    row.id = prefix;
    row.classList.add("fresh");
    for (const field of all("[name]", row)) {
      field.id = prefixed(field.id);
      field.name = prefixed(field.getAttribute("name"));
    }
    for (const label of all("label[for]", row)) label.htmlFor = prefixed(label.htmlFor);
    list.append(row);
    window.nova.prepare(row);
    one("input:not([type=hidden]), select, textarea", row)?.focus();
  }

  document.addEventListener("click", (event) => {
    const add = event.target.closest("[data-nv-add]");
    const remove = event.target.closest("[data-nv-remove]");
    if (add) addLine(add.closest("[data-nv-inline]"));
    if (remove) {
      const lines = remove.closest("[data-nv-inline]");
      remove.closest(".inl-row").remove();
      one(":scope > [data-nv-add]", lines).focus();
    }
  });
})();
