import { Chart } from "./charts.js";

const $ = (id) => document.getElementById(id);
const say = (id, text) => {
  $(id).textContent = text;
};

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const count = (value) => (value >= 100_000 ? short.format(value) : whole.format(value));
const rate = (value) => (value > 0 && value < 10 ? value.toFixed(1) : count(value));
const percent = (share) => `${(share * 100).toFixed(share > 0.995 && share < 1 ? 2 : 1)} %`;

function duration(ms) {
  if (ms === 0) return "–";
  if (ms < 1) return `${(ms * 1000).toFixed(ms < 0.01 ? 1 : 0)} µs`;
  if (ms < 1000) return `${ms.toFixed(ms < 10 ? 2 : ms < 100 ? 1 : 0)} ms`;
  return `${(ms / 1000).toFixed(1)} s`;
}

function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; bytes >= 1024 && unit < units.length - 1; unit++) bytes /= 1024;
  return `${unit > 0 && bytes < 10 ? bytes.toFixed(1) : whole.format(bytes)} ${units[unit]}`;
}

function age(ms) {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** Fills a table's body; the first cell is a name, what others wrote, so it is set as text and never as markup. */
function rows(id, all) {
  const body = $(id);
  const lines = all.length > 0 ? all : [["nothing yet"]];
  body.replaceChildren(
    ...lines.map((cells) => {
      const row = document.createElement("tr");
      cells.forEach((text, i) => {
        const cell = row.insertCell();
        cell.textContent = text;
        if (i > 0 && !(id === "workers" && i === 1)) cell.className = "n";
        if (all.length === 0) cell.className = "none";
        if (i === 0) cell.title = text;
      });
      return row;
    }),
  );
}

const rateChart = new Chart($("chart-rate"), ["--calm"], count);
const latencyChart = new Chart($("chart-latency"), ["--calm", "--good", "--accent"], (ms) =>
  ms === 0 ? "0" : duration(ms),
);

function show(now) {
  say("rate", rate(now.requestsPerSecond));
  say("requests", count(now.requests));
  say("p99", duration(now.latencyMs.p99));
  say("p50", duration(now.latencyMs.p50));
  say("hits", now.hitRatio === null ? "–" : percent(now.hitRatio));
  say("entries", count(now.mounts.reduce((sum, { entries }) => sum + entries, 0)));
  say("connections", count(Object.values(now.connections).reduce((sum, one) => sum + one, 0)));
  say("flight", count(now.inFlight));
  say("sent", `${size(now.sentPerSecond)}/s`);
  say("received", `${size(now.receivedPerSecond)}/s`);
  say("rss", size(now.rssBytes));
  say("lag", duration(now.lagMs));
  say("timers", count(now.timers));
  say("errors", count(now.errors));
  say("aborted", count(now.aborted));
  rateChart.add([now.requestsPerSecond]);
  latencyChart.add([now.latencyMs.p50, now.latencyMs.p90, now.latencyMs.p99]);
  rows(
    "workers",
    now.workers.map((one) => [
      `${one.worker} (process ${one.pid})`,
      one.state,
      rate(one.requestsPerSecond),
      duration(one.p99Ms),
      percent(one.busy),
      duration(one.lagMs),
      count(one.connections),
      size(one.rssBytes),
      age(one.upMs),
    ]),
  );
  rows(
    "paths",
    now.paths.map(({ path, perMinute }) => [path, count(perMinute)]),
  );
  rows(
    "routes",
    now.routes.map(({ route, perSecond, requests }) => [route, rate(perSecond), count(requests)]),
  );
  rows(
    "memory",
    now.memory.map(({ name, bytes, mappedBytes }) => [name, size(bytes), size(mappedBytes)]),
  );
  rows(
    "states",
    Object.entries(now.connections).map(([state, held]) => [state, count(held)]),
  );
  rows(
    "mounts",
    now.mounts.map((mount) => [mount.prefix, count(mount.requests), count(mount.hits), size(mount.bytes)]),
  );
}

const source = new EventSource("/_tz/events");
const state = $("state");
source.onmessage = ({ data }) => {
  show(JSON.parse(data));
  state.dataset.state = "live";
  state.textContent = `live at ${location.host}`;
  document.documentElement.dataset.ready = "";
};
source.onerror = () => {
  state.dataset.state = "lost";
  state.textContent = "no answer; trying again …";
  // A refusal ends an EventSource for good; a server that starts anew is worth another look.
  if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
};
