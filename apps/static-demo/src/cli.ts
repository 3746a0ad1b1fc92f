#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { readConfig } from "./config.js";
import { serve } from "./main.js";
import { UsageError } from "./usage-error.js";

const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

try {
  const args = process.argv.slice(2);
  if (args[0] === "precompress") {
    const { runPrecompress } = await import("./precompress/command.js");
    process.exitCode = await runPrecompress(args.slice(1));
  } else {
    const config = readConfig(args, manifest.version);
    if ("text" in config) process.stdout.write(config.text);
    else await serve(config);
  }
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`tz-static: ${error.message}`);
  process.exit(2);
}
