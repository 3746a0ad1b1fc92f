#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { readConfig } from "./config.js";
import { ORDER_VARIABLE, type WorkerOrder } from "./server/worker-process.js";
import { UsageError } from "./usage-error.js";

const order = process.env[ORDER_VARIABLE];
if (order !== undefined) {
  delete process.env[ORDER_VARIABLE];
  const { runWorker } = await import("./server/worker.js");
  await runWorker(JSON.parse(order) as WorkerOrder);
} else {
  try {
    await run(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`one-million: ${error.message}`);
    process.exit(2);
  }
}

async function run(args: readonly string[]): Promise<void> {
  const manifest = new URL("../package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  const config = readConfig(args, version);
  if (config.command === "answer") process.stdout.write(config.text);
  else if (config.command === "serve") await (await import("./server/serve.js")).serve(config);
  else process.exitCode = await (await import("./client/client.js")).runClient(config);
}
