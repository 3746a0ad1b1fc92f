#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { CloudtermError } from "@tz/cloudterm";
import { UsageError } from "./usage-error.js";

const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

try {
  await run(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError || error instanceof CloudtermError)) throw error;
  console.error(`cloudterm: ${error.message}`);
  process.exit(2);
}

/** Loads what is needed for the one thing that was asked for. */
async function run(args: readonly string[]): Promise<void> {
  if (args[0] === "user") {
    const { runUserCommand } = await import("./users/user-command.js");
    await runUserCommand(args.slice(1));
  } else if (args[0] === "schema") {
    const { configSchema } = await import("./config/config-schema.js");
    process.stdout.write(`${JSON.stringify(configSchema(), undefined, 2)}\n`);
  } else {
    const { readConfig } = await import("./config/read-config.js");
    const config = readConfig(args, manifest.version);
    if ("text" in config) {
      process.stdout.write(config.text);
      return;
    }
    const { serve } = await import("./main.js");
    await serve(config);
  }
}
