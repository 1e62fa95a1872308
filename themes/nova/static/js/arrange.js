// Dragging the cards of a dashboard; the buttons on each card do the same without it.
(() => {
  "use strict";

  const { all, labels, leave, one, post, toast } = window.nova;
  const list = one("[data-nv-arrange]");
  if (!list || !window.Sortable) return;
  const status = one("[data-nv-arranged]");
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

  window.Sortable.create(list, {
    animation: calm ? 0 : 150,
    filter: "button, a",
    preventOnFilter: false,
    onEnd: async () => {
      const body = new FormData();
      body.set("action", "order");
      body.set("order", all("[data-card]", list).map((card) => card.dataset.card).join(","));
      try {
        const answer = await post(list.dataset.nvArrange, body);
        if (leave(answer)) return;
        if (!answer.ok) throw new Error(answer.statusText);
        status.textContent = status.dataset.nvArranged;
      } catch {
        toast(labels.failed, "danger");
      }
    },
  });
})();
