"use strict";
// Tables: a heading sorts, falling first where its column holds numbers. "12ab" is none, though
// parseFloat finds one in it; an interval may stand behind a number.
const NUMBER = /^[-+]?[\d,]*\.?\d+(e[-+]?\d+)?%?( \[.*)?$/i;
function sort(heading) {
  const row = heading.parentElement, table = row.closest("table"), body = table.tBodies[0];
  const column = [...row.cells].indexOf(heading);
  const text = line => line.cells[column].textContent.trim();
  const lines = [...body.rows], known = lines.filter(line => text(line) !== "-");
  const numbers = known.every(line => NUMBER.test(text(line)));
  const value = line => parseFloat(text(line).replaceAll(",", ""));
  const before = heading.getAttribute("aria-sort");
  const falling = before === "none" ? numbers : before === "ascending";
  known.sort((a, b) => numbers ? value(a) - value(b) : text(a).localeCompare(text(b)));
  if (falling) known.reverse();
  body.append(...known, ...lines.filter(line => text(line) === "-"));
  for (const cell of row.cells) cell.setAttribute("aria-sort", "none");
  heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
}
document.querySelectorAll("thead button").forEach(button =>
  button.addEventListener("click", () => sort(button.parentElement)));

async function copy(button) {
  const code = button.parentElement.querySelector("pre");
  let done = true;
  try {
    await navigator.clipboard.writeText(code.textContent);
  } catch { // some browsers forbid it to pages from disk
    code.closest("details").open = true;
    getSelection().selectAllChildren(code);
    done = document.execCommand("copy");
  }
  button.textContent = done ? "copied" : "press Ctrl+C";
  document.getElementById("said").textContent = button.textContent;
  setTimeout(() => { button.textContent = "copy"; }, 2000);
}
document.querySelectorAll(".copy").forEach(button => button.addEventListener("click", () => copy(button)));
