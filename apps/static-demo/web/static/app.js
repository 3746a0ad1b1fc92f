// The start page asks the server that sent it, and shows the answers as they were.

const $ = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];

/** One request past the browser's cache; the body is read so that bytes and time are those of the whole answer. */
async function ask(target, { method = "GET", headers = {} } = {}) {
  const start = performance.now();
  const response = await fetch(target, { method, headers, cache: "no-store" });
  const body = await response.arrayBuffer();
  return { response, body, ms: performance.now() - start };
}

const counted = new Intl.NumberFormat("en");
const milliseconds = (ms) => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;

async function probe(row) {
  const range = row.dataset.range;
  const cell = (name) => row.querySelector(`[data-cell="${name}"]`);
  try {
    const { response, body, ms } = await ask(row.dataset.probe, { headers: range ? { Range: range } : {} });
    cell("status").textContent = `${response.status} ${response.statusText}`;
    cell("status").className = response.ok ? "good" : "bad";
    cell("cache").textContent = response.headers.get("cache-control") ?? "none";
    cell("bytes").textContent = counted.format(body.byteLength);
    cell("time").textContent = milliseconds(ms);
  } catch {
    cell("status").textContent = "no answer";
    cell("status").className = "bad";
  }
}

const stylesheet = "/static/style.css";
let validators = { etag: "", modified: "" };

/** Status expected, label, and the request. */
const cases = [
  ["200", "GET a file", () => ({ target: stylesheet })],
  ["200", "HEAD: the same head, no body", () => ({ target: stylesheet, method: "HEAD" })],
  ["304", "If-None-Match", () => ({ target: stylesheet, headers: { "If-None-Match": validators.etag } })],
  [
    "304",
    "If-Modified-Since",
    () => ({ target: stylesheet, headers: { "If-Modified-Since": validators.modified } }),
  ],
  ["206", "one range", () => ({ target: "/files/readme.txt", headers: { Range: "bytes=0-63" } })],
  ["206", "two ranges", () => ({ target: "/files/readme.txt", headers: { Range: "bytes=0-15,32-47" } })],
  ["403", "a folder without index", () => ({ target: "/static/" })],
  ["404", "nothing there", () => ({ target: "/files/missing.txt" })],
  ["400", "out of the folder", () => ({ target: "/files/..%2f..%2fpackage.json" })],
  ["405", "POST to a file", () => ({ target: stylesheet, method: "POST" })],
  ["412", "If-Match another tag", () => ({ target: stylesheet, headers: { "If-Match": '"another"' } })],
  [
    "416",
    "a range past the end",
    () => ({ target: "/files/readme.txt", headers: { Range: "bytes=999999-" } }),
  ],
];

/** Text nodes only: nothing that came over the wire is ever read as markup. */
function write(pane, parts) {
  pane.replaceChildren(
    ...parts.map(([kind, text]) => {
      if (!kind) return text;
      const span = document.createElement("span");
      span.className = kind;
      span.textContent = text;
      return span;
    }),
  );
}

/** Enough to recognise a file, little enough to fit a phone. */
const previewBytes = 320;

const headLines = (pairs) =>
  pairs.flatMap(([name, value]) => [
    ["name", `\n${name}: `],
    ["", value],
  ]);

function writeAnswer(pane, { response, body, ms }, { withBody = true } = {}) {
  const type = response.headers.get("content-type") ?? "";
  const parts = [
    ["line", `HTTP/1.1 ${response.status} ${response.statusText}`],
    ...headLines([...response.headers]),
  ];
  if (withBody) {
    const start = new TextDecoder().decode(body.slice(0, previewBytes));
    const shown = body.byteLength === 0 ? "(no body)" : /^(text|multipart)\//.test(type) ? start : "";
    parts.push(["body", `${shown}\n\n${counted.format(body.byteLength)} bytes in ${milliseconds(ms)}`]);
  }
  write(pane, parts);
}

async function showCase(button, build) {
  for (const other of all("#cases button")) other.setAttribute("aria-pressed", String(other === button));
  const { target, method = "GET", headers = {} } = build();
  write($("#request"), [
    ["line", `${method} ${target} HTTP/1.1`],
    ...headLines([["host", location.host], ...Object.entries(headers)]),
  ]);
  write($("#response"), [["name", "…"]]);
  try {
    writeAnswer($("#response"), await ask(target, { method, headers }));
  } catch {
    write($("#response"), [
      ["line", "No answer"],
      ["body", "Is the server still running?"],
    ]);
  }
}

function buildCases() {
  const buttons = cases.map(([status, label, build]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = Number(status) >= 400 ? "refusal" : "";
    const code = document.createElement("b");
    code.textContent = status;
    const text = document.createElement("span");
    text.textContent = label;
    button.append(code, text);
    button.addEventListener("click", () => showCase(button, build));
    return button;
  });
  $("#cases").append(...buttons);
  return buttons;
}

/** Asks for the bytes that lie at that moment of the clip, as the player itself does. */
async function showRange(seconds) {
  const clip = $("#clip");
  const { response: whole } = await ask("/media/ranges.webm", { method: "HEAD" });
  const size = Number(whole.headers.get("content-length"));
  const from = Math.floor((size * seconds) / (clip.duration || 12));
  const last = Math.min(from + 1023, size - 1);
  writeAnswer(
    $("#range-answer"),
    await ask("/media/ranges.webm", { headers: { Range: `bytes=${from}-${last}` } }),
    { withBody: false },
  );
}

function bindJumps() {
  const clip = $("#clip");
  for (const button of all("[data-jump]")) {
    button.addEventListener("click", () => {
      const seconds = Number(button.dataset.jump);
      clip.currentTime = seconds;
      clip.play().catch(() => {});
      showRange(seconds).catch(() => {});
    });
  }
}

function bindCopy() {
  for (const button of all("[data-copy]")) {
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(source.textContent);
        button.textContent = "Copied";
      } catch {
        // Clipboards exist in secure contexts only; a selection is the next best thing.
        getSelection().selectAllChildren(source);
        button.textContent = "Selected";
      }
      setTimeout(() => (button.textContent = "Copy"), 1500);
    });
  }
}

$("[data-host]").textContent = location.host;
bindCopy();
bindJumps();
const [firstCase] = buildCases();
const { response } = await ask(stylesheet, { method: "HEAD" });
validators = {
  etag: response.headers.get("etag") ?? "",
  modified: response.headers.get("last-modified") ?? "",
};
for (const row of all("[data-probe]")) await probe(row);
await showRange(0);
await showCase(firstCase, cases[0][2]);
document.documentElement.dataset.ready = "true";
