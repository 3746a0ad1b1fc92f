#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createProject } from "./create-project.js";
import { UsageError } from "./usage-error.js";

const HELP = `Usage: npm create tz [DIR]

Makes a project with an API and a static site in TypeScript in DIR (tz-app), which must be empty or not there.
`;

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

try {
  run(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`create-tz: ${error.message}`);
  process.exit(2);
}

function run(args: readonly string[]): void {
  const { version } = JSON.parse(readFileSync(at("../package.json"), "utf8")) as { version: string };
  const flag = args.find((arg) => arg.startsWith("-"));
  if (flag === "--help" || flag === "-h") process.stdout.write(HELP);
  else if (flag === "--version") console.log(version);
  else if (flag !== undefined) {
    throw new UsageError(`unknown option ${JSON.stringify(flag)}; allowed: DIR, --help, --version`);
  } else if (args.length > 1) {
    throw new UsageError(`one DIR only, got ${args.length}: ${args.join(", ")}`);
  } else {
    const [folder = "tz-app"] = args;
    const made = createProject({ folder, template: at("../template"), version });
    console.log(`Made ${folder}: ${made.join(", ")}

  cd ${folder}
  npm install
  npm run dev

Then open http://127.0.0.1:8080/`);
  }
}
