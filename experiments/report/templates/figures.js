// Each figure is drawn when it comes near the screen, and Plotly, which takes a second to begin, is
// run for the first of them: the page itself answers at once.
function load() {
  if (window.Plotly) return;
  const script = document.createElement("script");
  script.textContent = document.getElementById("plotly").textContent;
  document.head.append(script);
}

const coarse = matchMedia("(pointer: coarse)");
const drawn = new Set();

function draw(place) {
  load();
  const figure = FIGURES[place.dataset.figure];
  const ink = getComputedStyle(document.documentElement).getPropertyValue("--ink").trim();
  figure.layout.font.color = ink;
  figure.layout.dragmode = coarse.matches ? false : "zoom"; // else a finger could not scroll on
  for (const trace of figure.data)
    if (Array.isArray(trace.customdata) && !trace.text)
      trace.text = trace.customdata.map(key => NETWORKS[key] || key);
  Plotly.react(place, figure.data, figure.layout, {
    responsive: true, displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d"],
    showSendToCloud: false, plotlyServerURL: "", // Plotly's own server is a network too
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
