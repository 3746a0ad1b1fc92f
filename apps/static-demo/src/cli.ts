#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { readConfig } from "./config.js";
import { serve } from "./main.js";
import { resolveSettings } from "./settings.js";
import { UsageError } from "./usage-error.js";

const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

try {
  const args = process.argv.slice(2);
  if (args[0] === "precompress") {
    const { runPrecompress } = await import("./precompress/command.js");
    process.exitCode = await runPrecompress(args.slice(1));
  } else if (args[0] === "manifest") {
    const { runManifest } = await import("./manifest/command.js");
    process.exitCode = await runManifest(args.slice(1));
  } else if (args[0] === "import-nginx") {
    const { runImportNginx } = await import("./import-nginx/command.js");
    process.exitCode = runImportNginx(args.slice(1));
  } else {
    const line = readConfig(args, manifest.version);
    if ("text" in line) process.stdout.write(line.text);
    else await serve(await resolveSettings(line));
  }
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`tz-static: ${error.message}`);
  process.exit(2);
}
