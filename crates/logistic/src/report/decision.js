// The threshold slider: what is called positive at every threshold is counted already, so that moving it is a look-up.
(() => {
  "use strict";
  const source = document.getElementById("counts");
  if (!source) return;
  const counts = JSON.parse(source.textContent);
  const by = (id) => document.getElementById(id);
  const slider = by("threshold");
  const costs = { fp: by("cost-fp"), fn: by("cost-fn") };
  const total = counts.positives + counts.negatives;

  const rounded = (value) => {
    if (value === 0) return "0";
    const text = Math.abs(value) < 1e-4 ? value.toExponential(3) : String(Number(value.toPrecision(4)));
    return text.replaceAll("-", "−");
  };
  const weight = (value) => (Number.isInteger(value) ? value.toLocaleString("en-US") : rounded(value));
  const share = (part, whole) => (whole > 0 ? (part / whole).toFixed(3) : "–");
  const cost = (input) => Math.max(0, Number(input.value) || 0);

  const matrix = (at) => {
    const tp = counts.tp[at], fp = counts.fp[at];
    return { tp, fp, fn: counts.positives - tp, tn: counts.negatives - fp };
  };
  const price = (at) => {
    const { fp, fn } = matrix(at);
    return fp * cost(costs.fp) + fn * cost(costs.fn);
  };

  const move = (name, x, y) => {
    const marker = document.querySelector(`[data-curve="${name}"]`);
    if (!marker) return;
    const [x0, dx, y0, dy] = marker.dataset.scale.split(" ").map(Number);
    const exists = Number.isFinite(x) && Number.isFinite(y);
    marker.style.visibility = exists ? "visible" : "hidden";
    if (!exists) return;
    const dot = marker.firstElementChild;
    dot.setAttribute("cx", (x0 + dx * x).toFixed(1));
    dot.setAttribute("cy", (y0 + dy * y).toFixed(1));
  };

  const show = () => {
    const at = Number(slider.value);
    const threshold = rounded(counts.threshold[at]);
    const { tp, fp, fn, tn } = matrix(at);
    const put = (id, text) => { by(id).textContent = text; };
    put("threshold-value", threshold);
    slider.setAttribute("aria-valuetext", `threshold ${threshold}`);
    put("tn", weight(tn)); put("fp", weight(fp)); put("fn", weight(fn)); put("tp", weight(tp));
    put("accuracy", share(tp + tn, total));
    put("precision", share(tp, tp + fp));
    put("recall", share(tp, counts.positives));
    put("specificity", share(tn, counts.negatives));
    put("fpr", share(fp, counts.negatives));
    put("f1", share(2 * tp, 2 * tp + fp + fn));
    put("cost", rounded(price(at)));
    put("cost-per-row", rounded(price(at) / total));
    const positive = counts.classes[1];
    put("told", `At ${threshold}: ${weight(tp)} of the ${weight(counts.positives)} rows that are ${positive} are found; ` +
      `${weight(fp)} of the ${weight(tp + fp)} called ${positive} are false alarms.`);
    move("roc", fp / counts.negatives, tp / counts.positives);
    move("pr", tp / counts.positives, tp / (tp + fp));
  };

  const go = (at) => { slider.value = at; show(); };
  slider.addEventListener("input", show);
  for (const input of Object.values(costs)) input.addEventListener("input", show);
  by("own").addEventListener("click", () => go(counts.own));
  by("cheapest").addEventListener("click", () => {
    // Of equally cheap thresholds the middle one of their first run, which small changes of the rows move least.
    const prices = counts.threshold.map((_, at) => price(at));
    const least = Math.min(...prices);
    const first = prices.indexOf(least);
    let last = first;
    while (prices[last + 1] === least) last += 1;
    go(Math.floor((first + last) / 2));
  });
  show();
})();
