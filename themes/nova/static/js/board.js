// Boards: a card is dragged, or moved by its menu or a key; the server decides, and the sums follow its answer.
(() => {
  "use strict";

  const { all, fillModal, labels, leave, modal, one, onContent, post, prepare, toast } = window.nova;

  const UNDO_SHOWN_FOR = 10000;
  const board = () => one("[data-nv-board]");
  const laneOf = (card) => card.closest(".lane-l");
  const laneList = (id) => one(`.lane-l[data-lane="${CSS.escape(id)}"]`);
  const parsed = (html) => new DOMParser().parseFromString(html, "text/html").body;

  /** Where a card is, so that a refused move can be taken back. */
  const position = (card) => ({ lane: laneOf(card), before: card.nextElementSibling });

  function put(card, { lane, before }) {
    // Putting a card where it is already would take the focus from it.
    if (laneOf(card) === lane && card.nextElementSibling === before) return;
    lane.insertBefore(card, before?.parentElement === lane ? before : null);
  }

  function request(card) {
    const lane = laneOf(card).dataset.lane;
    return new URLSearchParams({ id: card.dataset.id, lane, version: card.dataset.version });
  }

  /** nova/_board_moved.html: every element with an id replaces the one shown, and the card replaces itself. */
  function applyAnswer(html, card) {
    const answer = parsed(html);
    for (const fresh of all("body > [id]", answer.ownerDocument)) {
      const shown = document.getElementById(fresh.id);
      if (!shown) continue;
      shown.className = fresh.className || shown.className;
      shown.replaceChildren(...fresh.childNodes);
    }
    const drawn = one("[data-nv-card] > .dcard", answer);
    const hadFocus = card?.contains(document.activeElement);
    if (drawn) card?.replaceWith(drawn);
    if (hadFocus) one("a", drawn).focus();
    const told = one("[data-nv-toast]", answer);
    if (told) offerUndo(told);
    return drawn;
  }

  function offerUndo(told) {
    const message = document.createElement("div");
    message.className = "nv-toast t-success";
    message.append(...told.childNodes);
    for (const other of all("#toasts [data-nv-move-undo]")) other.closest(".nv-toast").remove();
    one("#toasts").append(message);
    const expire = () => (message.matches(":hover, :focus-within") ? setTimeout(expire, 2000) : message.remove());
    setTimeout(expire, UNDO_SHOWN_FOR);
  }

  // What the open question of the dialog is about.
  let asked = null;

  async function settle(card, previous, body, url = board().dataset.nvBoard) {
    const wanted = position(card);
    try {
      const response = await post(url, body, { keepalive: true });
      if (leave(response)) return;
      const text = await response.text();
      if (response.ok) {
        put(card, wanted);
        applyAnswer(text, card);
        return;
      }
      put(card, previous);
      if (response.status === 422) {
        asked = { card, previous, wanted };
        fillModal(text);
      } else {
        toast(response.status === 409 && text.length < 300 ? text : labels.failed, "danger");
      }
    } catch {
      put(card, previous);
      toast(labels.offline, "danger");
    }
  }

  function moveTo(card, id) {
    const previous = position(card);
    const lane = laneList(id);
    put(card, { lane, before: lane.firstElementChild });
    one("a", card).focus();
    settle(card, previous, request(card));
  }

  // ---- The menu twin of dragging: one dialog for all cards
  let moving = null;

  function openMenu(card) {
    const dialog = one("#board-move");
    if (!dialog) return;
    moving = card;
    for (const button of all("[data-nv-move-to]", dialog)) button.hidden = button.value === laneOf(card).dataset.lane;
    dialog.returnValue = "";
    dialog.showModal();
  }

  document.addEventListener("close", (event) => {
    if (event.target.id !== "board-move" || !moving) return;
    const card = moving;
    moving = null;
    if (event.target.returnValue) moveTo(card, event.target.returnValue);
    else one("[data-nv-move]", card)?.focus();
  }, true);

  // ---- A new card at the head of a lane
  async function openAdd(link) {
    const place = one(`#lane-add-${CSS.escape(link.dataset.nvAdd)}`);
    if (place.firstElementChild) return one("input, select, textarea", place)?.focus();
    try {
      const response = await fetch(link.href, { headers: { "HX-Request": "true" } });
      if (!response.ok) return toast(labels.failed, "danger");
      fillAdd(place, await response.text());
    } catch {
      toast(labels.offline, "danger");
    }
  }

  function fillAdd(place, html) {
    place.innerHTML = html;
    prepare(place);
    one("[aria-invalid], input:not([type=hidden]), select, textarea", place)?.focus();
  }

  async function add(form, submitter) {
    const place = form.parentElement;
    try {
      const response = await post(form.action, new FormData(form, submitter));
      if (leave(response)) return;
      const text = await response.text();
      if (response.status === 422) return fillAdd(place, text);
      if (!response.ok) return toast(labels.failed, "danger");
      const drawn = applyAnswer(text, null);
      // Whoever pressed twice gets the same card twice.
      one(`.dcard[data-id="${CSS.escape(drawn.dataset.id)}"]`)?.remove();
      laneList(form.dataset.nvQuickAdd).prepend(drawn);
      // The next one can be typed at once.
      form.reset();
      one("input:not([type=hidden])", form)?.focus();
    } catch {
      toast(labels.offline, "danger");
    }
  }

  // ---- Folded lanes are remembered in this browser
  const foldKey = (id) => `nova-fold ${location.pathname}${new URLSearchParams(location.search).get("by") ?? ""} ${id}`;

  function fold(lane, folded) {
    const button = one("[data-nv-fold]", lane);
    lane.classList.toggle("folded", folded);
    button.setAttribute("aria-expanded", !folded);
  }

  // ---- Clicks and submits
  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-nv-move], [data-nv-add], [data-nv-quick-cancel], [data-nv-fold]");
    if (!target || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (target.matches("[data-nv-move]")) openMenu(target.closest(".dcard"));
    else if (target.matches("[data-nv-add]")) openAdd(target);
    else if (target.matches("[data-nv-fold]")) {
      const lane = target.closest(".lane");
      const folded = !lane.classList.contains("folded");
      fold(lane, folded);
      if (folded) localStorage.setItem(foldKey(target.dataset.nvFold), "1");
      else localStorage.removeItem(foldKey(target.dataset.nvFold));
    } else {
      const lane = target.closest(".lane");
      target.closest("form").remove();
      one("[data-nv-add]", lane).focus();
    }
  });

  // In the capture phase, before the dialog's own handling of forms.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-nv-board-ask]") && asked) {
      event.preventDefault();
      const { card, previous, wanted } = asked;
      const body = new FormData(form, event.submitter);
      modal.close();
      put(card, wanted);
      settle(card, previous, body);
    } else if (form.matches("[data-nv-quick-add]") && form.closest(".lane-add")) {
      event.preventDefault();
      add(form, event.submitter);
    } else if (form.matches("[data-nv-move-undo]")) {
      const arguments_ = new URL(form.action).searchParams;
      const card = one(`.dcard[data-id="${CSS.escape(arguments_.get("id"))}"]`);
      const lane = laneList(arguments_.get("lane"));
      if (!card || !lane) return;
      event.preventDefault();
      form.closest(".nv-toast").remove();
      const previous = position(card);
      put(card, { lane, before: lane.firstElementChild });
      settle(card, previous, new FormData(form), form.action);
    }
  }, true);

  // ---- Keys: arrows walk over the cards, M opens the menu of the focused one
  function walk(card, key) {
    const cards = all(".dcard", laneOf(card));
    const index = cards.indexOf(card);
    if (key === "ArrowDown" || key === "ArrowUp") return cards[index + (key === "ArrowDown" ? 1 : -1)];
    if (key === "Home") return cards[0];
    if (key === "End") return cards.at(-1);
    const forward = (key === "ArrowRight") === (document.dir !== "rtl") ? 1 : -1;
    const lanes = all(".lane:not(.folded) .lane-l").filter((lane) => lane.firstElementChild || lane === laneOf(card));
    const lane = lanes[lanes.indexOf(laneOf(card)) + forward];
    return lane && (lane.children[index] ?? lane.lastElementChild);
  }

  document.addEventListener("keydown", (event) => {
    const card = event.target.closest?.(".dcard");
    if (event.key === "Escape" && event.target.closest?.("[data-nv-quick-add]")) {
      one("[data-nv-quick-cancel]", event.target.closest("form")).click();
    }
    if (!card || event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.code === "KeyM") {
      event.preventDefault();
      openMenu(card);
    } else if (/^(Arrow(Up|Down|Left|Right)|Home|End)$/.test(event.key)) {
      const next = walk(card, event.key);
      event.preventDefault();
      if (!next) return;
      one("a", next).focus();
      next.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  });

  onContent((root) => {
    for (const button of all("[data-nv-fold]", root)) {
      button.hidden = false;
      if (localStorage.getItem(foldKey(button.dataset.nvFold))) fold(button.closest(".lane"), true);
    }
    if (!window.Sortable || !board()) return;
    for (const lane of all(".lane-l", root)) {
      if (Sortable.get(lane)) continue;
      let previous = null;
      new Sortable(lane, {
        group: "board",
        sort: false,
        draggable: ".dcard",
        animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 150,
        delay: 120,
        delayOnTouchOnly: true,
        filter: "[data-nv-move]",
        preventOnFilter: false,
        onStart: ({ item }) => (previous = position(item)),
        onEnd({ item, from, to }) {
          if (from !== to) settle(item, previous, request(item));
        },
      });
    }
  });
})();
