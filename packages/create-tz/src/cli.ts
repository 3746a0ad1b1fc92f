#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createProject } from "./create-project.js";
import { UsageError } from "./usage-error.js";

const HELP = `Usage: npm create tz [DIR] [-- --packages FOLDER]

Makes a project with an API and a static site in TypeScript in DIR (tz-app), which must be empty or not there.

  --packages FOLDER  take tz from the tarballs that "npm run pack -- --into FOLDER" of a clone made,
                     not from the registry
`;

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

try {
  run(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`create-tz: ${error.message}`);
  process.exit(2);
}

function run(given: readonly string[]): void {
  const { version } = JSON.parse(readFileSync(at("../package.json"), "utf8")) as { version: string };
  const { args, packages } = withoutPackages(given);
  const flag = args.find((arg) => arg.startsWith("-"));
  if (flag === "--help" || flag === "-h") process.stdout.write(HELP);
  else if (flag === "--version") console.log(version);
  else if (flag !== undefined) {
    throw new UsageError(
      `unknown option ${JSON.stringify(flag)}; allowed: DIR, --packages FOLDER, --help, --version`,
    );
  } else if (args.length > 1) {
    throw new UsageError(`one DIR only, got ${args.length}: ${args.join(", ")}`);
  } else {
    const [folder = "tz-app"] = args;
    const made = createProject({ folder, template: at("../template"), version, packages });
    console.log(`Made ${folder}: ${made.join(", ")}

  cd ${folder}
  npm install
  npm run dev

Then open http://127.0.0.1:8080/`);
  }
}

function withoutPackages(args: readonly string[]): { args: readonly string[]; packages: string | undefined } {
  const at = args.findIndex((arg) => arg === "--packages" || arg.startsWith("--packages="));
  if (at === -1) return { args, packages: undefined };
  const inside = /=(.*)$/s.exec(args[at]!)?.[1];
  const packages = inside ?? args[at + 1];
  if (!packages) throw new UsageError("--packages needs the folder of the tarballs");
  return {
    args: args.filter((_, index) => index !== at && (inside !== undefined || index !== at + 1)),
    packages,
  };
}
