// Copies the few third-party files we serve out of node_modules into core/static/vendor, which is committed: installing
// and running Peyvand never needs node. `npm ci && npm run vendor` must leave a clean tree.
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";

const HERE = import.meta.dirname;
const MODULES = path.join(HERE, "node_modules");
const OUT = path.join(HERE, "..", "core", "static", "vendor");
// axe-core checks pages in the tests and is never served.
const CHECKS = path.join(HERE, "checks");

// package -> { folder under OUT, files, packages whose code these files bundle }
const SERVED = {
  "@fontsource-variable/inter": { folder: "fonts", files: ["files/inter-latin-wght-normal.woff2"] },
  "@fontsource-variable/vazirmatn": { folder: "fonts", files: ["files/vazirmatn-arabic-wght-normal.woff2"] },
  "bootstrap": {
    folder: "bootstrap",
    files: ["dist/css/bootstrap.min.css", "dist/css/bootstrap.rtl.min.css", "dist/js/bootstrap.bundle.min.js"],
    bundles: ["@popperjs/core"],
  },
  "chart.js": { folder: "chartjs", files: ["dist/chart.umd.min.js"], bundles: ["@kurkle/color"] },
  "htmx.org": { folder: "htmx", files: ["dist/htmx.min.js"] },
  "sortablejs": { folder: "sortablejs", files: ["Sortable.min.js"] },
  "tom-select": {
    folder: "tom-select",
    files: ["dist/js/tom-select.complete.min.js", "dist/css/tom-select.bootstrap5.min.css"],
    bundles: ["@orchidjs/sifter", "@orchidjs/unicode-variants"],
  },
};

// Outline icons of the sprite. A plugin names one of these in its manifest and menu items.
const ICONS = `
  adjustments alert-circle alert-triangle apps archive arrow-down arrow-left arrow-right arrow-up arrows-sort ban bell
  bolt bookmark box briefcase building building-skyscraper calendar cash chart-bar check checklist chevron-down
  chevron-left chevron-right chevron-up circle-check circle-x clock columns-3 command copy database database-import
  device-floppy dots dots-circle-horizontal dots-vertical download external-link eye file-spreadsheet file-text filter
  gift git-merge grip-vertical headset heart-handshake history home hourglass id inbox info-circle key keyboard
  layout-dashboard layout-kanban list lock login logout mail map-pin menu-2 message minus moon note package paperclip pencil phone plug
  plug-connected plus puzzle receipt refresh rocket search send settings share shield-check sparkles star sun table
  tags target-arrow trash trophy truck upload user user-plus users world x
`.trim().split(/\s+/);

const read = (name, file) => fs.readFileSync(path.join(MODULES, name, file));
const manifest = (name) => JSON.parse(read(name, "package.json"));
const sri = (bytes) => `sha384-${crypto.createHash("sha384").update(bytes).digest("base64")}`;

/** The file as served: source map comments would make browsers ask for files that are not here. */
function served(name, file) {
  const bytes = read(name, file);
  if (!/\.(js|css)$/.test(file)) return bytes;
  const text = bytes.toString().replace(/\n?\/[/*][#@] sourceMappingURL=\S*( ?\*\/)?\s*$/, "\n");
  return Buffer.from(text);
}

/** One SVG file with a <symbol> per icon, so that a page names an icon instead of repeating its paths. */
function sprite() {
  const symbols = ICONS.map((icon) => {
    const svg = read("@tabler/icons", `icons/outline/${icon}.svg`).toString();
    const [, inner] = svg.match(/<svg[^>]*>([\s\S]*)<\/svg>/);
    const paths = inner.replace(/<path stroke="none"[^>]*\/>/, "").replace(/\s+/g, " ").trim();
    return `<symbol id="${icon}" viewBox="0 0 24 24">${paths}</symbol>`;
  });
  return Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`);
}

function notice(name) {
  const { version, license } = manifest(name);
  const file = fs.readdirSync(path.join(MODULES, name)).find((entry) => /^licen[sc]e/i.test(entry));
  const text = file ? read(name, file).toString().replace(/\r\n/g, "\n").trim() : `Licensed under ${license}.`;
  return `==== ${name} ${version} (${license}) ====\n\n${text}\n`;
}

const lock = JSON.parse(fs.readFileSync(path.join(HERE, "package-lock.json"))).packages;
const packages = {};
const notices = [];

function record(name, files) {
  const { version, license } = manifest(name);
  const { integrity } = lock[`node_modules/${name}`];
  packages[name] = { version, license, integrity, files };
  notices.push(notice(name));
}

function write(relative, bytes) {
  const target = path.join(OUT, relative);
  fs.mkdirSync(path.dirname(target), { recursive: true });
  fs.writeFileSync(target, bytes);
  return { bytes: bytes.length, integrity: sri(bytes) };
}

fs.rmSync(OUT, { recursive: true, force: true });
for (const [name, { folder, files, bundles = [] }] of Object.entries(SERVED)) {
  const written = {};
  for (const file of files) {
    const relative = path.posix.join(folder, path.basename(file));
    written[relative] = write(relative, served(name, file));
  }
  record(name, written);
  for (const bundled of bundles) record(bundled, {});
}
record("@tabler/icons", { "icons.svg": write("icons.svg", sprite()) });

fs.writeFileSync(path.join(OUT, "VENDOR.json"), JSON.stringify(packages, null, 2) + "\n");
fs.writeFileSync(path.join(OUT, "THIRD_PARTY_NOTICES.txt"), notices.join("\n"));

fs.mkdirSync(CHECKS, { recursive: true });
fs.writeFileSync(path.join(CHECKS, "axe.min.js"), read("axe-core", "axe.min.js"));
console.log(`${Object.keys(packages).length} packages, ${ICONS.length} icons`);
