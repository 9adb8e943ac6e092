"use strict";
// Tables: a heading sorts, falling first where its column holds numbers.
function sort(heading) {
  const row = heading.parentElement, table = row.closest("table"), body = table.tBodies[0];
  const column = [...row.cells].indexOf(heading);
  const value = line => {
    const text = line.cells[column].textContent.trim();
    const number = parseFloat(text.replaceAll(",", ""));
    return Number.isNaN(number) ? text : number;
  };
  const lines = [...body.rows];
  const known = lines.filter(line => value(line) !== "-");
  const numbers = known.every(line => typeof value(line) === "number");
  const before = heading.getAttribute("aria-sort");
  const falling = before === "none" ? numbers : before === "ascending";
  known.sort((a, b) => numbers ? value(a) - value(b)
    : String(value(a)).localeCompare(String(value(b)), undefined, { numeric: true }));
  if (falling) known.reverse();
  body.append(...known, ...lines.filter(line => value(line) === "-"));
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
