// The page of a record: tabs of the composer, drafts, mentions, files dropped or pasted, values changed where they stand.
// Without it every tab is a link, every form posts, and a value has its pencil.
(() => {
  "use strict";

  const { all, labels, leave, one, onContent, post, prepare, toast } = window.nova;

  /** The browser may refuse to keep anything; then nothing is kept. */
  const store = {
    get: (key) => { try { return localStorage.getItem(key) ?? ""; } catch { return ""; } },
    set: (key, value) => { try { value ? localStorage.setItem(key, value) : localStorage.removeItem(key); } catch { /* full or forbidden */ } },
  };

  // ---- Tabs
  function choose(tab, focus = false) {
    for (const other of all("[role=tab]", tab.closest("[role=tablist]"))) {
      const chosen = other === tab;
      other.setAttribute("aria-selected", chosen);
      other.tabIndex = chosen ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
    }
    if (focus) tab.focus();
    return fill(panelOf(tab)).catch((error) => toast(error instanceof TypeError ? labels.offline : labels.failed, "danger"));
  }

  const panelOf = (tab) => document.getElementById(tab.getAttribute("aria-controls"));

  /** The form of a tab comes when somebody turns to it; one that did not come is asked for again the next time. */
  const coming = new WeakMap();
  async function fill(panel) {
    if (panel.dataset.nvPart && !coming.has(panel)) coming.set(panel, load(panel).finally(() => coming.delete(panel)));
    await coming.get(panel);
  }

  async function load(panel) {
    panel.ariaBusy = "true";
    try {
      const response = await fetch(panel.dataset.nvPart, { headers: { "HX-Request": "true" } });
      if (leave(response)) return;
      if (!response.ok) throw new Error(response.statusText);
      show(panel, await response.text());
      delete panel.dataset.nvPart;
    } finally {
      panel.ariaBusy = null;
    }
  }

  function show(panel, html) {
    panel.innerHTML = html;
    window.htmx?.process(panel);
    prepare(panel);
  }

  document.addEventListener("click", async (event) => {
    const tab = event.target.closest("[data-nv-tabs] [role=tab]");
    if (!tab || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    await choose(tab);
    if (!panelOf(tab).hidden) one("textarea, input:not([type=hidden]), select", panelOf(tab))?.focus();
  });

  // Who points at a tab is about to choose it.
  document.addEventListener("pointerover", (event) => {
    const tab = event.target.closest?.("[data-nv-tabs] [role=tab]");
    if (tab) fill(panelOf(tab)).catch(() => {});
  });

  document.addEventListener("keydown", (event) => {
    const tab = event.target.closest?.("[data-nv-tabs] [role=tab]");
    if (!tab) return;
    const tabs = all("[role=tab]", tab.closest("[role=tablist]"));
    const forward = document.documentElement.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    const step = { [forward]: 1, [forward === "ArrowLeft" ? "ArrowRight" : "ArrowLeft"]: -1 }[event.key];
    const target = event.key === "Home" ? tabs[0] : event.key === "End" ? tabs.at(-1) : step && tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    if (!target) return;
    event.preventDefault();
    choose(target, true);
  });

  // ---- A form of the composer is answered in its place when something is wrong with it
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    const panel = form.closest("#composer [role=tabpanel]");
    if (!panel || event.defaultPrevented || form.matches("[data-nv-upload]")) return;
    event.preventDefault();
    const button = event.submitter;
    // Before the button is switched off: a disabled one sends no value.
    const typed = new FormData(form, button);
    if (button) button.disabled = true;
    try {
      const response = await post(form.action, typed);
      if (response.ok || response.redirected) forget(form);
      if (leave(response)) return;
      if (response.status !== 422) return toast(labels.failed, "danger");
      show(panel, await response.text());
      one("[aria-invalid], textarea, input:not([type=hidden])", panel)?.focus();
    } catch {
      toast(labels.offline, "danger");
    } finally {
      if (button) button.disabled = false;
    }
  });

  // ---- Drafts
  const draftOf = (form) => form.dataset.draft && `nv-draft:${form.dataset.draft}`;
  const forget = (form) => draftOf(form) && store.set(draftOf(form), "");

  function restoreDraft(form) {
    const text = one("textarea", form);
    if (form.dataset.restored || !draftOf(form)) return;
    form.dataset.restored = "1";
    if (!text.value) text.value = store.get(draftOf(form));
  }

  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("[data-nv-note]");
    if (!form || !event.target.matches("textarea")) return;
    if (draftOf(form)) store.set(draftOf(form), event.target.value);
    offerPeople(form, event.target);
  });

  // ---- Mentions: @ and the beginning of a name
  const mentioned = /(?:^|[\s(«])@([^\s@][^@\n]{0,30})?$/u;
  let asked = 0;

  async function offerPeople(form, text) {
    const match = mentioned.exec(text.value.slice(0, text.selectionStart));
    const list = one("[data-nv-mentions]", form);
    if (!match) return void (list.hidden = true);
    const mine = ++asked;
    const query = match[1] ?? "";
    try {
      const response = await fetch(`${form.dataset.people}?${new URLSearchParams({ query })}`);
      const people = response.ok ? await response.json() : [];
      if (mine !== asked) return;
      list.replaceChildren(...people.map(([id, name]) => {
        const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
        button.dataset.person = id;
        const item = document.createElement("li");
        item.append(button);
        return item;
      }));
      list.hidden = people.length === 0;
      mark(list, 0);
    } catch {
      list.hidden = true;
    }
  }

  function mark(list, index) {
    const buttons = all("button", list);
    buttons.forEach((button, place) => button.toggleAttribute("data-chosen", place === index));
    buttons[index]?.scrollIntoView({ block: "nearest" });
  }

  function mention(form, button) {
    const text = one("textarea", form);
    const before = text.value.slice(0, text.selectionStart);
    const start = before.lastIndexOf("@");
    text.setRangeText(`@${button.textContent} `, start, text.selectionStart, "end");
    const ids = one("[name=mentions]", form);
    ids.value = [...new Set([...ids.value.split(",").filter(Boolean), button.dataset.person])].join(",");
    one("[data-nv-mentions]", form).hidden = true;
    if (draftOf(form)) store.set(draftOf(form), text.value);
    text.focus();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-nv-mentions] button");
    if (button) mention(button.closest("form"), button);
    else for (const list of all("[data-nv-mentions]:not([hidden])")) list.hidden = true;
  });

  document.addEventListener("keydown", (event) => {
    const form = event.target.closest?.("[data-nv-note]");
    const list = form && one("[data-nv-mentions]:not([hidden])", form);
    if (!list || !event.target.matches("textarea")) return;
    const buttons = all("button", list);
    const now = buttons.findIndex((button) => button.hasAttribute("data-chosen"));
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      mark(list, (now + (event.key === "ArrowDown" ? 1 : -1) + buttons.length) % buttons.length);
    } else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === "Tab") {
      event.preventDefault();
      mention(form, buttons[Math.max(now, 0)]);
    } else if (event.key === "Escape") {
      event.stopPropagation();
      list.hidden = true;
    }
  }, true);

  // ---- Files: dropped, pasted or chosen; each is sent by itself, so that one that fails costs no other
  function send(form, file) {
    const list = one("[data-nv-uploads]", form);
    const item = document.createElement("li");
    const name = document.createElement("bdi");
    const bar = Object.assign(document.createElement("progress"), { max: 1, value: 0 });
    const said = document.createElement("span");
    name.textContent = file.name;
    bar.setAttribute("aria-label", file.name);
    item.append(name, " ", said, bar);
    list.append(item);
    const body = new FormData();
    body.append("file", file, file.name || "image.png");
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      const end = (good, text) => {
        said.textContent = text;
        said.className = good ? "" : "err";
        bar.remove();
        resolve(good);
      };
      request.open("POST", form.action);
      request.setRequestHeader("X-CSRFToken", one('meta[name="csrf-token"]').content);
      request.setRequestHeader("HX-Request", "true");
      request.upload.onprogress = (event) => event.lengthComputable && (bar.value = event.loaded / event.total);
      request.onload = () => {
        const good = request.status === 204;
        end(good, good ? form.dataset.done : request.status === 422 ? request.responseText : form.dataset.failed);
      };
      request.onerror = () => end(false, labels.offline);
      request.send(body);
    });
  }

  async function upload(form, files) {
    const tab = document.getElementById(form.closest("[role=tabpanel]")?.getAttribute("aria-labelledby"));
    if (tab) choose(tab);
    let good = true;
    for (const file of files) good = (await send(form, file)) && good;
    // What failed stays to be read; what was added shows with the next page.
    if (good) location.reload();
  }

  const uploadForm = () => one("[data-nv-upload]");

  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-nv-upload]")) return;
    event.preventDefault();
    const input = one("[type=file]", event.target);
    upload(event.target, [...input.files]);
    input.value = "";
  });

  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!uploadForm() || files.length === 0 || event.target.closest?.("dialog")) return;
    event.preventDefault();
    upload(uploadForm(), files);
  });

  const carriesFiles = (event) => uploadForm() && [...(event.dataTransfer?.types ?? [])].includes("Files");
  const over = (on) => one("#composer")?.classList.toggle("drop-over", on);

  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    over(true);
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget === null && over(false));
  document.addEventListener("drop", (event) => {
    over(false);
    if (!carriesFiles(event)) return;
    event.preventDefault();
    upload(uploadForm(), [...event.dataTransfer.files]);
  });

  // ---- Values where they stand: a click on one opens its form, F2 on the pencil too; Escape takes it back
  document.addEventListener("click", (event) => {
    const value = event.target.closest(".rec-fields .cell-v, .rec-chips .cell-v");
    if (value && !event.target.closest("a, button") && !getSelection().toString()) one(".cell-e", value.parentElement)?.click();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "F2" && event.target.matches?.(".cell-e")) event.target.click();
    const form = event.target.closest?.("[data-nv-cell]");
    if (form && event.key === "Escape") cancel(form);
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-nv-cell-cancel]");
    if (button) cancel(button.closest("form"));
  });

  async function cancel(form) {
    try {
      const response = await fetch(form.dataset.cancel, { headers: { "HX-Request": "true" } });
      const holder = document.createElement("div");
      holder.innerHTML = await response.text();
      const cell = one(".cell", holder);
      form.replaceWith(cell);
      window.htmx?.process(cell);
      one(".cell-e", cell)?.focus();
    } catch {
      toast(labels.offline, "danger");
    }
  }

  document.addEventListener("htmx:afterSettle", () => one("form.cell [autofocus]")?.focus());

  // ---- Empty fields: shown or not, as the reader last chose
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-nv-show-empty]")) store.set("nv-show-empty", event.target.checked ? "1" : "");
  });

  // ---- Keys: next and previous record, by the place of the key, so that a Persian layout has them too
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, textarea, select, dialog, [contenteditable]")) return;
    const link = { KeyN: "[rel=next]", KeyP: "[rel=prev]" }[event.code];
    if (link) one(`.head-acts ${link}`)?.click();
  });

  onContent((root) => {
    all("[data-nv-note]", root).forEach(restoreDraft);
    const box = one("[data-nv-show-empty]", root);
    if (box) box.checked = store.get("nv-show-empty") === "1";
    for (const tab of all("[data-nv-tabs] [role=tab]", root)) tab.tabIndex = tab.getAttribute("aria-selected") === "true" ? 0 : -1;
  });
})();
