// Boards: a card is dragged, or moved by its menu; the server decides, and the sums follow its answer.
(() => {
  "use strict";

  const { all, fillModal, labels, leave, modal, one, onContent, post, toast } = window.nova;

  const laneOf = (card) => card.closest(".lane-l");
  const laneList = (id) => one(`.lane-l[data-lane="${CSS.escape(id)}"]`);

  /** Where a card is, so that a refused move can be taken back. */
  const position = (card) => ({ lane: laneOf(card), before: card.nextElementSibling });

  function put(card, { lane, before }) {
    lane.insertBefore(card, before?.parentElement === lane ? before : null);
    for (const button of all("[data-nv-move-to]", card)) {
      button.closest("li").hidden = button.dataset.nvMoveTo === lane.dataset.lane;
    }
  }

  function request(card) {
    const lane = laneOf(card);
    const body = new URLSearchParams({ id: card.dataset.id, lane: lane.dataset.lane, version: card.dataset.version ?? "" });
    for (const other of lane.children) body.append("order", other.dataset.id);
    return body;
  }

  /** nova/_board_moved.html: every element replaces the text of the one with its id. */
  function applySums(html, card) {
    const answer = new DOMParser().parseFromString(html, "text/html").body;
    for (const fresh of [...answer.children]) {
      const shown = document.getElementById(fresh.id);
      if (shown) shown.replaceChildren(...fresh.childNodes);
      if (fresh.dataset.version) card.dataset.version = fresh.dataset.version;
    }
  }

  // What the open question of the dialog is about.
  let asked = null;

  async function settle(card, previous, body) {
    const wanted = position(card);
    try {
      const response = await post(one("[data-nv-board]").dataset.nvBoard, body, { keepalive: true });
      if (leave(response)) return;
      const text = await response.text();
      if (response.ok) {
        put(card, wanted);
        applySums(text, card);
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

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-nv-move-to]");
    if (!button) return;
    const card = button.closest(".dcard");
    const previous = position(card);
    const lane = laneList(button.dataset.nvMoveTo);
    put(card, { lane, before: lane.firstElementChild });
    one("a", card).focus();
    settle(card, previous, request(card));
  });

  // In the capture phase, before the dialog's own handling of forms.
  document.addEventListener("submit", async (event) => {
    if (!event.target.matches("[data-nv-board-ask]") || !asked) return;
    event.preventDefault();
    const { card, previous, wanted } = asked;
    const body = new FormData(event.target, event.submitter);
    modal.close();
    put(card, wanted);
    settle(card, previous, body);
  }, true);

  onContent((root) => {
    if (!window.Sortable || !one("[data-nv-board]")) return;
    for (const lane of all(".lane-l", root)) {
      if (Sortable.get(lane)) continue;
      let previous = null;
      new Sortable(lane, {
        group: "board",
        animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 150,
        delay: 120,
        delayOnTouchOnly: true,
        filter: ".dropdown",
        preventOnFilter: false,
        onStart: ({ item }) => (previous = position(item)),
        onEnd({ item, from, to, oldIndex, newIndex }) {
          if (from === to && oldIndex === newIndex) return;
          put(item, position(item));
          settle(item, previous, request(item));
        },
      });
    }
  });
})();
