// Each figure is drawn when it comes near the screen, so that a long page answers at once.
const coarse = matchMedia("(pointer: coarse)");
const drawn = new Set();

function draw(place) {
  const figure = FIGURES[place.dataset.figure];
  const ink = getComputedStyle(document.documentElement).getPropertyValue("--ink").trim();
  figure.layout.font.color = ink;
  figure.layout.dragmode = coarse.matches ? false : "zoom"; // else a finger could not scroll on
  for (const trace of figure.data)
    if (Array.isArray(trace.customdata) && !trace.text)
      trace.text = trace.customdata.map(key => NETWORKS[key] || key);
  Plotly.react(place, figure.data, figure.layout, {
    responsive: true, displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d"],
  });
  drawn.add(place);
}

const watcher = new IntersectionObserver(seen => {
  for (const each of seen)
    if (each.isIntersecting) {
      watcher.unobserve(each.target);
      draw(each.target);
    }
}, { rootMargin: "300px" });
const places = document.querySelectorAll(".plot");
places.forEach(place => watcher.observe(place));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach(draw));
addEventListener("beforeprint", () => places.forEach(draw));
