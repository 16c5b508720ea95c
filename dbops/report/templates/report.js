"use strict";
document.documentElement.classList.add("js");

/* Sorts and filters one list of tables. Without this script the list is whole, in the order of the page. */
function finder(root) {
  const SHOWN = 200;
  const table = root.querySelector("table");
  const [shown, later, out] = table.tBodies;
  const controls = root.querySelector(".controls");
  const search = controls.querySelector("[type=search]");
  const only = controls.querySelector("[data-only]");
  const full = controls.querySelector("[data-full]");
  const status = controls.querySelector("[role=status]");
  const more = root.querySelector(".more");
  const heads = [...table.tHead.rows[0].cells];
  const kinds = heads.map((head) => head.dataset.sort);
  const rank = { different: 0, unknown: 1, counted: 2, equal: 3 };
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  let order = [...shown.rows, ...later.rows].map((row) => {
    const cells = row.cells;
    const match = cells[1].firstElementChild.classList[1];
    return {
      row,
      equal: match === "equal",
      text: row.textContent.toLowerCase(),
      keys: kinds.map((kind, index) => {
        const cell = cells[index];
        if (kind === "rank") return rank[match];
        if (kind === "number") return numeric(cell.dataset.v ?? cell.textContent);
        return kind ? cell.textContent : null;
      }),
    };
  });

  function numeric(text) {
    const digits = text.replace(/\D/g, "");
    return digits === "" ? -1 : Number(digits);
  }

  function place() {
    const words = search.value.trim().toLowerCase();
    const fits = [];
    const rest = [];
    for (const item of order) {
      const fit = (!only.checked || !item.equal) && (words === "" || item.text.includes(words));
      (fit ? fits : rest).push(item.row);
    }
    out.replaceChildren(...rest);
    shown.replaceChildren(...fits.slice(0, SHOWN));
    later.replaceChildren(...fits.slice(SHOWN));
    const all = table.classList.contains("all") || fits.length <= SHOWN;
    more.hidden = all;
    more.firstElementChild.textContent = `Show all ${fits.length}`;
    const found = `${fits.length} of ${order.length} tables`;
    status.textContent = all ? found : `${found}, the first ${SHOWN} are shown`;
  }

  function sortBy(index) {
    const head = heads[index];
    const down = head.getAttribute("aria-sort") === "ascending" ||
      (kinds[index] === "number" && !head.hasAttribute("aria-sort"));
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const sign = down ? -1 : 1;
    const textual = kinds[index] === "text";
    order.sort((a, b) => sign * (textual ? compare(a.keys[index], b.keys[index]) : a.keys[index] - b.keys[index]));
    place();
  }

  heads.forEach((head, index) => {
    if (!kinds[index]) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sortBy(index));
    head.append(button);
  });
  search.addEventListener("input", place);
  only.addEventListener("change", place);
  full.addEventListener("change", () => table.classList.toggle("full", full.checked));
  more.firstElementChild.addEventListener("click", () => {
    table.classList.add("all");
    place();
  });
  controls.hidden = false;
  place();
}

/* What is folded is unfolded on paper. */
function unfold() {
  for (const part of document.querySelectorAll("details:not([open])")) {
    part.open = true;
    part.dataset.folded = "";
  }
}

function fold() {
  for (const part of document.querySelectorAll("details[data-folded]")) {
    part.open = false;
    delete part.dataset.folded;
  }
}

document.addEventListener("DOMContentLoaded", () => {
  for (const root of document.querySelectorAll("[data-finder]")) finder(root);
});
addEventListener("beforeprint", unfold);
addEventListener("afterprint", fold);
