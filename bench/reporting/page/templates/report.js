"use strict";
// Sorting: a click (or Enter) on a column's title goes ascending, descending, as printed. Cells without a value stay last.
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0], printed = [...body.rows], heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, place) => head.querySelector("button").addEventListener("click", () => {
    const next = { none: "ascending", ascending: "descending", descending: "none" }[head.getAttribute("aria-sort")];
    heads.forEach((other) => other.setAttribute("aria-sort", other === head ? next : "none"));
    const rows = [...printed];
    if (next !== "none") rows.sort(order(place, head.classList.contains("number"), next === "ascending" ? 1 : -1));
    body.append(...rows);
  }));
}

function order(place, numeric, sign) {
  const key = (row) => {
    const cell = row.cells[place];
    if (!numeric) return cell.textContent.trim();
    return cell.dataset.sort === undefined ? null : Number(cell.dataset.sort);
  };
  return (one, other) => {
    const [a, b] = [key(one), key(other)];
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (numeric ? a - b : a.localeCompare(b, undefined, { numeric: true }));
  };
}

// Colours: as the system, dark, light; remembered where the browser allows it.
const theme = document.getElementById("theme");
const themes = ["system", "dark", "light"];
let colours = "system";
try { colours = localStorage.getItem("segmote-bench-theme") || "system"; } catch { /* a local file may not remember */ }
function paint() {
  if (colours === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = colours;
  theme.textContent = `Colours: ${colours}`;
  theme.setAttribute("aria-label", `Colours: ${colours === "system" ? "as the system" : colours}`);
}
theme.addEventListener("click", () => {
  colours = themes[(themes.indexOf(colours) + 1) % themes.length];
  try { localStorage.setItem("segmote-bench-theme", colours); } catch { /* see above */ }
  paint();
});
paint();

// Gallery: filters, layers, the large view.
const form = document.getElementById("filters");
if (form) {
  const list = document.getElementById("cards"), cards = [...list.children];
  const count = document.getElementById("count"), large = document.getElementById("large");
  const stage = large.querySelector(".stage"), words = document.getElementById("large-words");
  const fields = form.elements;
  const visible = () => [...list.children].filter((card) => !card.hidden);
  let current = null;

  function filter() {
    const low = fields.low.value === "" ? 0 : Number(fields.low.value);
    const high = fields.high.value === "" ? 100 : Number(fields.high.value);
    for (const card of cards) {
      const wanted = ["prompt", "model", "dataset", "label", "why"].every((name) => !fields[name].value || card.dataset[name] === fields[name].value);
      const dice = Number(card.dataset.dice);
      card.hidden = !(wanted && dice >= low && dice <= high);
    }
    const sign = { up: 1, down: -1 }[fields.order.value];
    list.append(...(sign ? [...cards].sort((a, b) => sign * (a.dataset.dice - b.dataset.dice)) : cards));
    for (const layer of ["target", "prediction", "given"]) {
      for (const where of [list, stage]) where.classList.toggle(`no-${layer}`, !fields[layer].checked);
    }
    for (const card of cards) {
      const drawing = card.querySelector("svg");
      drawing.setAttribute("viewBox", fields.whole.checked ? drawing.dataset.whole : drawing.dataset.near);
    }
    count.textContent = `${visible().length} of ${cards.length} predictions`;
  }

  function show(card) {
    current = card;
    stage.replaceChildren(card.querySelector("svg").cloneNode(true));
    words.textContent = card.querySelector("button").getAttribute("aria-label");
    if (!large.open) large.showModal();
  }

  function step(by) {
    const shown = visible(), place = shown.indexOf(current);
    show(shown[(place + by + shown.length) % shown.length]);
  }

  list.addEventListener("click", (event) => {
    const card = event.target.closest(".card");
    if (card) show(card);
  });
  large.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (event.target === large || button?.hasAttribute("data-close")) large.close();
    else if (button) step(Number(button.dataset.step));
  });
  large.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by) step(by);
  });
  large.addEventListener("close", () => current?.querySelector("button").focus());
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  filter();
}

// Paper shows everything.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
