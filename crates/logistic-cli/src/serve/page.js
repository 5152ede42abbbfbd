// Inputs made of what the model says of its columns; every change is one request, the latest of them.
(() => {
  "use strict";
  const by = (id) => document.getElementById(id);
  const make = (name, words = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(words)) {
      if (key in element) element[key] = value;
      else element.setAttribute(key, value);
    }
    element.append(...children);
    return element;
  };
  const SVG = "http://www.w3.org/2000/svg";
  const draw = (name, words, ...children) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(words)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const signed = (text) => text.replaceAll("-", "−");
  const rounded = (value, digits = 4) => {
    if (typeof value !== "number") return String(value);
    if (value === 0) return "0";
    const size = Math.abs(value);
    const text = size < 1e-4 || size >= 1e9 ? value.toExponential(digits - 1) : String(Number(value.toPrecision(digits)));
    return signed(text);
  };
  const fixed = (value) => signed(Math.abs(value) < 5e-4 ? "0.000" : value.toFixed(3));

  // A name that may be broken where its parts end.
  const broken = (name) => name.split(/(?<=[_:./])/).flatMap((part, at) => (at ? [make("wbr"), part] : [part]));

  let model = null, token = "", inputs = [], busy = false, again = false;

  const ask = async (path, body) => {
    const headers = {};
    if (token) headers.authorization = `Bearer ${token}`;
    if (body) headers["content-type"] = "application/json";
    const response = await fetch(path, { method: body ? "POST" : "GET", headers, body });
    const told = await response.json();
    if (response.ok) return told;
    const error = new Error(told.error ? told.error.message : `status ${response.status}`);
    error.status = response.status;
    error.help = told.error ? told.error.help : null;
    throw error;
  };
  const trouble = (text) => {
    by("trouble").hidden = !text;
    by("trouble").textContent = text || "";
  };

  // One input for a column: how it is shown, its value for a request, and how it is put to a typical one.
  const numberInput = (column, id) => {
    const number = make("input", { id, type: "number", step: "any", inputMode: "decimal" });
    const parts = [number];
    let slider = null;
    if (column.range && column.range[0] < column.range[1]) {
      const [low, high] = column.range;
      // Whole numbers from end to end move by whole steps.
      const whole = Number.isInteger(low) && Number.isInteger(high) && high - low >= 10;
      const step = whole ? 1 : (high - low) / 200;
      const says = `${column.name}, from ${rounded(low)} to ${rounded(high)}`;
      slider = make("input", { type: "range", min: low, max: high, step: whole ? 1 : "any", "aria-label": says });
      slider.addEventListener("input", () => { number.value = Number(Number(slider.value).toPrecision(6)); });
      // A slider of any step has no keys of its own.
      slider.addEventListener("keydown", (event) => {
        const way = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
        if (whole || !way) return;
        event.preventDefault();
        slider.value = Math.min(high, Math.max(low, Number(slider.value) + way * step));
        slider.dispatchEvent(new Event("input", { bubbles: true }));
      });
      number.addEventListener("input", () => { if (number.value !== "") slider.value = number.value; });
      parts.push(slider, make("div", { className: "ends", "aria-hidden": "true" },
        make("span", { textContent: rounded(low) }), make("span", { textContent: rounded(high) })));
    }
    const put = (value) => {
      number.value = Number(Number(value).toPrecision(6));
      if (slider) slider.value = number.value;
    };
    return { parts, control: number, put, first: column.typical ?? (column.above === 0 ? 1 : 0),
      value: () => (number.value === "" ? null : Number(number.value)) };
  };
  const dateInput = (column, id) => {
    const date = make("input", { id, type: "date" });
    if (column.range) [date.min, date.max] = column.range;
    const put = (value) => { date.value = String(value).slice(0, 10); };
    return { parts: [date], control: date, put, first: column.typical ?? "2000-01-01", value: () => date.value || null };
  };
  const levelInput = (column, id) => {
    const select = make("select", { id });
    for (const level of column.levels) select.append(make("option", { value: level, textContent: level || "(empty)" }));
    const put = (value) => { select.value = value; };
    return { parts: [select], control: select, put, first: column.typical ?? column.levels[0], value: () => select.value };
  };
  const input = (column, at) => {
    const id = `input-${at}`;
    const kinds = { number: numberInput, date: dateInput, category: levelInput };
    const own = kinds[column.kind](column, id);
    const top = make("div", { className: "top" }, make("label", { className: "name", htmlFor: id }, ...broken(column.name)));
    const field = make("div", {}, top);
    const [first, ...rest] = own.parts;
    if (column.kind === "number") top.append(first); else field.append(first);
    field.append(...rest);
    let absent = null;
    if (column.missing !== "refused") {
      absent = make("input", { type: "checkbox", id: `${id}-absent`, "aria-label": `${column.name} is missing` });
      absent.addEventListener("change", () => { for (const part of own.parts) part.disabled = absent.checked; });
      top.append(make("label", { className: "absent" }, absent, " missing"));
    }
    by("inputs").append(field);
    return {
      name: column.name,
      value: () => (absent && absent.checked ? null : own.value()),
      reset: () => {
        if (absent && absent.checked) absent.click();
        own.put(own.first);
      },
    };
  };

  const bar = (share, interval) => {
    const x = (value) => (100 * value).toFixed(2);
    const parts = [draw("rect", { x: 0, y: 3, width: 100, height: 8, fill: "var(--grid)" }),
      draw("rect", { class: "bar first", x: 0, y: 3, width: x(share), height: 8 })];
    if (interval) {
      const ends = interval.map(x);
      parts.push(draw("line", { x1: ends[0], x2: ends[1], y1: 7, y2: 7, stroke: "var(--ink)", "stroke-width": 1.5, "vector-effect": "non-scaling-stroke" }));
    }
    return draw("svg", { viewBox: "0 0 100 14", preserveAspectRatio: "none", "aria-hidden": "true" }, ...parts);
  };
  const range = (interval) => (interval ? ` (95 %: ${fixed(interval[0])} to ${fixed(interval[1])})` : "");

  const showProbabilities = (prediction) => {
    const place = by("probabilities");
    place.replaceChildren();
    const two = model.positive !== null;
    place.className = two ? "two" : "";
    const all = two ? [[model.positive, prediction.probability, prediction.interval]]
      : Object.entries(prediction.probability).map(([name, p]) => [name, p, (prediction.interval || {})[name]]);
    for (const [name, p, interval] of all) {
      const called = name === prediction.predicted ? " called" : "";
      place.append(make("span", { className: `named${called}`, textContent: name }), bar(p, interval),
        make("span", { className: `number${called}`, textContent: fixed(p) }));
    }
    const own = two ? prediction.probability : prediction.probability[prediction.predicted];
    const interval = two ? prediction.interval : (prediction.interval || {})[prediction.predicted];
    const of = two ? model.positive : prediction.predicted;
    by("told").textContent = `${model.target} is ${of} with a probability of ${fixed(own)}${range(interval)}; ` +
      `the row is called ${prediction.predicted}.`;
  };
  const showFlags = (flags) => {
    by("flags").hidden = flags.length === 0;
    by("flags").replaceChildren(...flags.map(({ column, message }) =>
      make("li", {}, make("code", { textContent: column }), `: ${message}`)));
  };
  const showContributions = (prediction, row) => {
    const classes = model.positive === null ? Object.keys(prediction.logit) : null;
    by("of-class").hidden = !classes;
    if (classes && by("class").options.length !== classes.length) {
      by("class").replaceChildren(...classes.map((name) => make("option", { value: name, textContent: name })));
    }
    // The base class has no logit of its own.
    if (classes && !chosen && classes.includes(prediction.predicted)) by("class").value = prediction.predicted;
    const of = (value) => (classes ? value[by("class").value] : value);
    const parts = prediction.contributions.map(({ column, logit }) => [column, of(logit)]);
    parts.sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
    // What is shown as nothing has no bar.
    const most = Math.max(0.1, ...parts.map(([, logit]) => Math.abs(logit)));
    const line = ([column, logit]) => {
      const width = (50 * Math.abs(logit) / most).toFixed(2);
      const picture = draw("svg", { viewBox: "0 0 100 16", preserveAspectRatio: "none", "aria-hidden": "true" },
        draw("line", { class: "neutral", x1: 50, x2: 50, y1: 0, y2: 16, "vector-effect": "non-scaling-stroke" }),
        draw("rect", { class: logit < 0 ? "down" : "up", x: logit < 0 ? (50 - width).toFixed(2) : 50, y: 3, width, height: 10 }));
      const value = column in row ? (row[column] === null ? "missing" : rounded(row[column], 6)) : "";
      return make("tr", {}, make("th", { scope: "row" }, ...broken(column)), make("td", { textContent: value }),
        make("td", { className: "picture" }, picture), make("td", { textContent: fixed(logit) }));
    };
    const table = by("contributions");
    table.tBodies[0].replaceChildren(...parts.map(line));
    const end = (name, value) => make("tr", {}, make("th", { scope: "row", textContent: name }), make("td"), make("td"),
      make("td", { textContent: fixed(of(value)) }));
    const from = model.contributions_against === "a typical row" ? "A typical row" : "Zeros and reference levels";
    table.tFoot.replaceChildren(end(from, prediction.base), end("Logit of this row", prediction.logit));
  };
  const show = (prediction, row) => {
    showFlags(prediction.flags);
    by("contributions").closest("section").hidden = prediction.predicted === null;
    if (prediction.predicted === null) {
      by("probabilities").replaceChildren();
      by("told").textContent = "The model gives no score to rows in which a value is missing.";
      return;
    }
    showProbabilities(prediction);
    showContributions(prediction, row);
  };

  let last = null, chosen = false;
  const score = async () => {
    if (busy) { again = true; return; }
    busy = true;
    const row = Object.fromEntries(inputs.map((own) => [own.name, own.value()]));
    const body = JSON.stringify({ rows: [row] });
    const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
    by("request").textContent = `curl ${location.origin}/predict -H 'content-type: application/json'` +
      `${token ? " -H \"authorization: Bearer $TOKEN\"" : ""} -d ${quoted(body)}`;
    try {
      const told = await ask("/predict", body);
      // Another model has taken the place of the one that the inputs were made for.
      if (told.model !== model.model) { await begin(); return; }
      trouble("");
      last = [told.predictions[0], row];
      show(...last);
    } catch (error) {
      trouble(error.status ? `${error.message}${error.help ? ` (${error.help})` : ""}` : "The server does not answer.");
    } finally {
      busy = false;
      if (again) { again = false; score(); }
    }
  };

  const typical = () => { for (const own of inputs) own.reset(); score(); };
  const begin = async () => {
    try {
      model = await ask("/model");
    } catch (error) {
      by("door").hidden = error.status !== 401;
      if (error.status === 401) {
        trouble(token ? "That was not the token." : "");
        by("token").focus();
      } else trouble(error.status ? error.message : "The server does not answer.");
      return;
    }
    trouble("");
    by("door").hidden = true;
    by("desk").hidden = false;
    const title = model.positive === null ? `Probability of each class of ${model.target}`
      : `Probability that ${model.target} is ${model.positive}`;
    by("title").textContent = title;
    document.title = `${title} – logistic`;
    by("lead").textContent = `Fitted to ${model.summary.n_rows.toLocaleString("en-US")} rows; model ${model.model}.`;
    by("about-inputs").textContent = model.columns.some((column) => column.range)
      ? "Sliders run over the range in training; the boxes take any number. What lies outside is flagged."
      : "The model file does not say which values training has seen.";
    by("about-contributions").textContent = model.contributions_against === "a typical row"
      ? "How much more or less the logit is than if the column had the value of a typical row: the mean of its numbers, its most frequent level."
      : "What the column adds to the logit, against zero and the reference levels.";
    by("inputs").replaceChildren();
    inputs = model.columns.map(input);
    typical();
  };

  by("inputs").addEventListener("input", score);
  by("inputs").addEventListener("submit", (event) => event.preventDefault());
  by("typical").addEventListener("click", typical);
  by("class").addEventListener("change", () => {
    chosen = true;
    if (last) show(...last);
  });
  by("door").addEventListener("submit", (event) => {
    event.preventDefault();
    token = by("token").value.trim();
    begin();
  });
  begin();
})();
