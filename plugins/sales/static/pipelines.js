// Dragging stages into another order. The arrow buttons do the same without a script.
(() => {
  "use strict";
  const list = document.querySelector("[data-sales-order]");
  if (!list || !window.Sortable) return;

  const save = async () => {
    const body = new URLSearchParams();
    for (const stage of list.children) body.append("stage", stage.dataset.id);
    const token = document.querySelector("meta[name=csrf-token]").content;
    const response = await fetch(list.dataset.salesOrder, { method: "POST", body, headers: { "X-CSRFToken": token } });
    // Somebody else changed the stages: show what is stored.
    if (!response.ok) return location.reload();
    document.getElementById("sales-live").textContent = list.dataset.salesSaid;
  };

  new Sortable(list, { handle: ".sales-grip", animation: 150, onEnd: () => save().catch(() => location.reload()) });
})();
