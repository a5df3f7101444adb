# SPDX-License-Identifier: BSD-3-Clause
"""The script of the page at GET /: what is asked for by kind of input, and shown by kind of answer.

All that comes from the server becomes text of an element or is drawn on a canvas; nothing is ever read
as HTML. The token stays in the page's memory and is gone with it.
"""

SCRIPT = r"""
"use strict";
const at = (id) => document.getElementById(id);
const make = (tag, text = "", kind = "") => {
  const one = document.createElement(tag);
  one.textContent = text;
  one.className = kind;
  return one;
};
const TINTS = ["#808080", "#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#0072b2", "#d55e00", "#f0e442"];
const tint = (index) => TINTS[index] || `hsl(${Math.round(index * 222.492) % 360} 75% 58%)`;
const percent = (share) => (share > 0 && share < 0.001 ? "< 0.1 %" : (100 * share).toFixed(1) + " %");
let input = "", output = "", labels = [], columns = [], pair = false, last = 0;

const call = async (path, options = {}) => {
  const token = at("token").value.trim();
  const headers = { ...options.headers, ...(token ? { Authorization: "Bearer " + token } : {}) };
  let response;
  try { response = await fetch(path, { ...options, headers }); } catch { throw new Error("The server does not answer."); }
  if (response.status === 401) throw Object.assign(new Error("This is not the token of this server."), { locked: true });
  const value = await response.json();
  if (!response.ok) throw new Error("This cannot be answered: " + value.detail + ".");
  return value;
};

const complain = (error) => {
  at("error").textContent = error ? error.message : "";
  at("error").hidden = !error;
};

const connect = async (event) => {
  if (event) event.preventDefault();
  complain();
  try {
    describe(await call("openapi.json"));
    at("door").hidden = true;
    at("try").hidden = false;
  } catch (error) {
    at("door").hidden = false;
    if (event || !error.locked) complain(error);
    at("token").focus();
  }
};

const describe = (about) => {
  ({ input, output, labels } = about.info["x-lepton"]);
  document.title = at("title").textContent = about.info.title;
  const bare = output === "spans" ? labels.filter((one) => one !== "O").map((one) => one.replace(/^[BIESLU]-/, "")) : labels;
  const count = new Set(bare).size;
  const known = output === "number" ? "" : ` · ${count} ${count === 1 ? "label" : "labels"}`;
  at("about").textContent = about.info["x-lepton"].task.replaceAll("-", " ") + known;
  const sent = about.paths["/predict"].post.requestBody.content["application/json"];
  const schema = sent.schema.oneOf[0].properties.input;
  const example = sent.examples && sent.examples.one.value.input;
  pair = schema.type === "array";
  columns = Object.entries(schema.properties || {});
  const files = input === "image" || input === "sound";
  at("drop").hidden = !files;
  at("go").hidden = files;
  at("file").accept = input === "sound" ? "audio/*" : "image/*";
  at("wanted").textContent = input === "sound" ? "Choose a sound" : "Choose a picture";
  if (!files) at("fields").replaceChildren(...(input === "row" ? cells(example) : texts(example)));
};

const field = (control, name) => {
  const label = make("label", name, "field");
  label.append(control);
  return label;
};
const texts = (example) => {
  const given = pair ? example || ["", ""] : [Array.isArray(example) ? example.join(" ") : example || ""];
  return given.map((text, index) => {
    const area = document.createElement("textarea");
    area.rows = pair ? 3 : 5;
    area.value = text;
    return field(area, pair ? `Text ${index + 1}` : "Text");
  });
};
const cells = (example) => {
  const rows = make("div", "", "rows");
  columns.forEach(([name, about], index) => {
    const cell = document.createElement("input");
    cell.placeholder = about.description || "";
    cell.value = example && example[name] !== null && example[name] !== undefined ? String(example[name]) : "";
    const one = field(cell, name);
    if (about.examples) {
      const known = document.createElement("datalist");
      known.id = `known-${index}`;
      for (const value of about.examples) known.append(Object.assign(document.createElement("option"), { value }));
      cell.setAttribute("list", known.id);
      one.append(known);
    }
    rows.append(one);
  });
  return [rows];
};

const typed = () => {
  const values = [...at("fields").querySelectorAll("input, textarea")].map((one) => one.value);
  if (input !== "row") return pair ? values : values[0];
  return Object.fromEntries(columns.map(([name], index) => [name, values[index].trim() === "" ? null : values[index]]));
};

const ask = async (file) => {
  const turn = ++last;
  complain();
  at("go").disabled = true;
  at("state").textContent = "Asking …";
  const body = file || JSON.stringify({ input: typed() });
  const type = file ? "application/octet-stream" : "application/json";
  try {
    const found = (await call("predict", { method: "POST", headers: { "Content-Type": type }, body })).prediction;
    const parts = await (SHOWN[output] || (() => []))(found, file);
    if (turn !== last) return;
    at("shown").replaceChildren(...(await heard(file)), ...parts);
    at("json").textContent = JSON.stringify(found, null, output === "mask" ? 0 : 2).slice(0, 20000);
    at("answer").hidden = false;
  } catch (error) {
    if (turn !== last) return;
    at("answer").hidden = true;
    complain(error);
  } finally {
    if (turn === last) { at("go").disabled = false; at("state").textContent = ""; }
  }
};

const bar = (name, share, color = "", best = false) => {
  const row = make("div", "", best ? "bar best" : "bar"), track = make("div", "", "track"), fill = make("div", "", "fill");
  fill.style.width = `${100 * share}%`;
  if (color) fill.style.setProperty("--tint", color);
  track.append(fill);
  row.append(make("span", name, "name"), track, make("span", percent(share), "value"));
  return row;
};
const nothing = () => make("p", "Nothing was found.", "note");

const heard = async (file) => {
  if (!file || input !== "sound") return [];
  const player = document.createElement("audio");
  player.controls = true;
  player.addEventListener("error", () => player.replaceWith(make("p", "The browser cannot play this sound.", "note")));
  player.src = URL.createObjectURL(file);
  return [player];
};

const sheet = async (file, paint) => {
  let picture;
  try { picture = await createImageBitmap(file); } catch { return make("p", "The browser cannot show this picture.", "note"); }
  const { width, height } = picture, dense = devicePixelRatio || 1;
  const scale = Math.min(660 / width, 480 / height, Math.max(1, 320 / Math.max(width, height)));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale * dense));
  canvas.height = Math.max(1, Math.round(height * scale * dense));
  canvas.style.width = `${Math.round(width * scale)}px`;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "The picture");
  const pen = canvas.getContext("2d");
  pen.imageSmoothingEnabled = scale < 4;
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  if (paint) paint(pen, canvas, dense);
  return canvas;
};

const frames = (found) => (pen, canvas, dense) => {
  const right = canvas.width / found.width, down = canvas.height / found.height, size = 13 * dense;
  pen.font = `600 ${size}px system-ui, sans-serif`;
  pen.textBaseline = "top";
  for (const { label, score, box: [x0, y0, x1, y1] } of [...found.boxes].reverse()) {
    const color = tint(1 + labels.indexOf(label)), x = x0 * right, y = y0 * down;
    pen.strokeStyle = pen.fillStyle = color;
    pen.lineWidth = 2.5 * dense;
    pen.strokeRect(x, y, (x1 - x0) * right, (y1 - y0) * down);
    const short = label.length > 24 ? label.slice(0, 23) + "…" : label, said = `${short} ${percent(score)}`, wide = pen.measureText(said).width + size;
    const left = Math.max(0, Math.min(x, canvas.width - wide)), top = y >= 1.5 * size ? y - 1.5 * size : y;
    pen.fillRect(left, top, wide, 1.5 * size);
    pen.fillStyle = "#000";
    pen.fillText(said, left + size / 2, top + size / 4);
  }
};
const paint = (found) => (pen, canvas) => {
  const layer = document.createElement("canvas"), probe = document.createElement("canvas").getContext("2d");
  [layer.width, layer.height] = [found.width, found.height];
  const over = layer.getContext("2d"), pixels = over.createImageData(found.width, found.height);
  const ink = new Uint32Array(pixels.data.buffer), inks = new Map();
  let place = 0;
  for (const [index, length] of found.runs) {
    if (!inks.has(index)) {
      probe.fillStyle = tint(index);
      probe.fillRect(0, 0, 1, 1);
      inks.set(index, new Uint32Array(probe.getImageData(0, 0, 1, 1).data.buffer)[0]);
    }
    ink.fill(inks.get(index), place, (place += length));
  }
  over.putImageData(pixels, 0, 0);
  pen.globalAlpha = 0.6;
  pen.imageSmoothingEnabled = false;
  pen.drawImage(layer, 0, 0, canvas.width, canvas.height);
};

const seen = async (file, paint) => (file && input === "image" ? [await sheet(file, paint)] : []);
const bars = (found) => found.top.map(([name, share], index) => {
  const chosen = found.labels ? found.labels.includes(name) : found.label ? name === found.label : index === 0;
  return bar(name, share, "", chosen);
});
const SHOWN = {
  classes: async (found, file) => [...(await seen(file)), ...bars(found)],
  labels: async (found, file) => [...(await seen(file)), ...(found.labels.length ? [] : [nothing()]), ...bars(found)],
  number: async (found, file) => [...(await seen(file)), make("div", found.value === null ? "no number" : String(Number(found.value.toPrecision(6))), "number")],
  boxes: async (found, file) => [
    ...(await seen(file, frames(found))),
    ...(found.boxes.length ? [] : [nothing()]),
    ...found.boxes.map((one) => bar(one.label, one.score, tint(1 + labels.indexOf(one.label)))),
  ],
  mask: async (found, file) => [
    ...(await seen(file, paint(found))),
    ...Object.entries(found.coverage).map(([name, share]) => bar(name, share, tint(labels.indexOf(name)))),
  ],
  spans: (found) => {
    const letters = [...found.text], words = make("div", "", "words"), kinds = [];
    let place = 0;
    for (const span of found.spans) {
      if (!kinds.includes(span.label)) kinds.push(span.label);
      const marked = make("mark", letters.slice(span.start, span.end).join(""));
      marked.style.setProperty("--tint", tint(1 + kinds.indexOf(span.label)));
      marked.append(make("small", `${span.label} ${percent(span.probability)}`));
      words.append(letters.slice(place, span.start).join(""), marked);
      place = span.end;
    }
    words.append(letters.slice(place).join(""));
    return [...(found.spans.length ? [] : [nothing()]), words];
  },
};

const take = (files) => {
  if (!files.length || at("try").hidden || at("drop").hidden) return;
  at("named").textContent = files[0].name;
  ask(files[0]);
};
at("door").addEventListener("submit", connect);
at("try").addEventListener("submit", (event) => { event.preventDefault(); if (at("drop").hidden) ask(); });
at("file").addEventListener("change", () => { take(at("file").files); at("file").value = ""; });
document.addEventListener("paste", (event) => take(event.clipboardData.files));
document.addEventListener("dragover", (event) => { event.preventDefault(); at("drop").classList.add("over"); });
document.addEventListener("dragleave", () => at("drop").classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  at("drop").classList.remove("over");
  take(event.dataTransfer.files);
});
connect();
"""
