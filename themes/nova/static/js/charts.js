// Draws the charts of a page from their tables: the same figures, the same links. The table stays for whoever wants it.
(() => {
  "use strict";

  const { all, labels, one, onContent } = window.nova;
  const root = document.documentElement;
  const rtl = root.dir === "rtl";
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const PERSIAN = labels.digits?.[0] === "۰";
  const COLORS = 8;
  const drawn = new Map();

  const token = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const short = new Intl.NumberFormat(labels.language === "fa" ? "fa-IR" : "en", {
    notation: "compact",
    numberingSystem: PERSIAN ? "arabext" : "latn",
  });

  function read(table) {
    const heads = all("thead th", table).slice(1);
    const rows = all("tbody tr", table).map((row) => ({ label: one("th", row).textContent.trim(), cells: all("td[data-v]", row) }));
    const width = rows[0]?.cells.length ?? 0;
    return {
      labels: rows.map((row) => row.label),
      series: heads.slice(0, width).map((head, place) => ({
        label: head.textContent.trim(),
        cells: rows.map((row) => row.cells[place]),
      })),
    };
  }

  function options(kind, data) {
    const text = token("--muted");
    const line = token("--line");
    const stacked = kind === "bar" && data.series.length > 1;
    const cell = (item) => data.series[item.datasetIndex].cells[item.dataIndex];
    const axis = (more) => ({ stacked, ticks: { color: text }, grid: { color: line }, border: { color: line }, ...more });
    return {
      responsive: true,
      maintainAspectRatio: false,
      animation: calm.matches ? false : { duration: 250 },
      onClick: (_event, items) => {
        const link = items.length && cell({ datasetIndex: items[0].datasetIndex, dataIndex: items[0].index }).querySelector("a");
        if (link) location.assign(link.href);
      },
      onHover: (event, items) => {
        event.native.target.style.cursor = items.length ? "pointer" : "";
      },
      scales: kind === "doughnut" ? {} : {
        x: axis({ reverse: rtl, offset: true, grid: { display: false } }),
        y: axis({ position: rtl ? "right" : "left", beginAtZero: true, ticks: { color: text, callback: (value) => short.format(value) } }),
      },
      plugins: {
        legend: { display: kind === "doughnut" || data.series.length > 1, rtl, textDirection: root.dir, labels: { color: text, boxWidth: 12 } },
        tooltip: {
          rtl,
          textDirection: root.dir,
          callbacks: {
            label: (item) => `${kind === "doughnut" ? item.label : item.dataset.label}: ${cell(item).textContent.trim()}`,
          },
        },
      },
    };
  }

  function draw(figure) {
    const kind = figure.dataset.nvChart;
    const holder = figure.parentElement.querySelector("[data-nv-table]");
    const canvas = one("canvas", figure);
    const data = read(one("table", holder));
    if (!data.labels.length) return;
    if (!drawn.has(figure)) holder.open = false;
    drawn.get(figure)?.destroy();
    canvas.hidden = false;
    figure.classList.add("drawn");
    const color = (place) => token(`--chart-${(place % COLORS) + 1}`);
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    drawn.set(figure, new Chart(canvas, {
      type: kind,
      data: {
        labels: data.labels,
        datasets: data.series.map((series, place) => ({
          label: series.label,
          data: series.cells.map((cell) => Number(cell.dataset.v)),
          backgroundColor: kind === "doughnut" ? data.labels.map((_label, at) => color(at)) : color(place),
          borderColor: kind === "doughnut" ? token("--surface") : color(place),
          borderRadius: kind === "bar" ? 4 : 0,
          maxBarThickness: 48,
          tension: 0.25,
        })),
      },
      options: options(kind, data),
    }));
  }

  const ready = document.fonts?.ready ?? Promise.resolve();
  onContent((element) => {
    const figures = all("[data-nv-chart]", element).filter((figure) => !drawn.has(figure));
    if (element.matches?.("[data-nv-chart]") && !drawn.has(element)) figures.push(element);
    ready.then(() => figures.forEach(draw));
  });

  // Colours are tokens of the theme; a chart has no style sheet, so it is drawn again.
  new MutationObserver(() => [...drawn.keys()].forEach(draw)).observe(root, { attributeFilter: ["data-bs-theme"] });
})();
