import type { ClientConfig } from "../config.js";
import type { Stats } from "../totals/totals.js";
import { UsageError } from "../usage-error.js";
import { Events } from "./events.js";
import { startOwnServer } from "./own-server.js";
import { progressBar } from "./progress.js";
import { sendEvents } from "./send-events.js";

/**
 * Resets the server, sends the events, and compares what it counted with what was sent.
 * @returns exit code: 0 when all figures are the same, 1 when one differs
 */
export async function runClient(config: ClientConfig): Promise<number> {
  const own = config.url === undefined ? await startOwnServer(config.workers) : undefined;
  try {
    return await measure(config, new URL(own?.url ?? config.url ?? ""));
  } finally {
    await own?.stop();
  }
}

async function measure(config: ClientConfig, url: URL): Promise<number> {
  const { requests, connections, pipeline } = config;
  await ask(url, "/reset", "POST");
  const events = new Events(config.users);
  const progress = progressBar(requests);
  const startMs = performance.now();
  try {
    await sendEvents({ url, requests, connections, pipeline, onAnswers: progress.advance }, events);
  } finally {
    progress.end();
  }
  const seconds = (performance.now() - startMs) / 1000;
  const counted = (await ask(url, "/stats", "GET")) as Stats;
  const expected = events.expected();
  const rows = (Object.keys(expected) as (keyof Stats)[]).map((name) => {
    const same = counted[name] === expected[name];
    return {
      same,
      line: `${name.padEnd(14)} ${counted[name]} ${same ? "exact" : `WRONG, sent ${expected[name]}`}`,
    };
  });
  const rate = Math.round(requests / seconds).toLocaleString("en");
  console.log(
    `${requests} events over ${connections} connections in ${seconds.toFixed(2)} s: ${rate} requests/s`,
  );
  for (const { line } of rows) console.log(line);
  return rows.every(({ same }) => same) ? 0 : 1;
}

async function ask(url: URL, path: string, method: string): Promise<unknown> {
  const response = await fetch(new URL(path, url), { method }).catch((error: unknown) => {
    throw new UsageError(`nothing answers at --url ${url}`, { cause: error });
  });
  if (!response.ok) throw new UsageError(`${method} ${path} at ${url} is answered ${response.status}`);
  return response.json();
}
