import { existsSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { runAlone } from "./run/alone.mjs";

const cli = join(import.meta.dirname, "../../apps/cloudterm/dist/cli.js");

/** @type {import("../harness/target.ts").Target} */
export const target = {
  name: "cloudterm",
  about: "this project's gateway, a program of its own",
  probe: () =>
    existsSync(cli) ? { version: `Node ${process.versions.node}` } : { missing: "not built (npm run build)" },
  command: ({ port, work }) => [
    process.execPath,
    cli,
    ...["--port", String(port), "--data", mkdtempSync(join(work, "cloudterm-"))],
    // What stands in nobody's way: limits for people are not what is measured.
    ...["--max-terminals", "1000", "--max-terminals-per-user", "1000", "--logins-per-address", "1000000"],
    ...["--command", "/bin/sh"],
    ...["--auth-header", "Remote-User", "--auth-header-peers", "loopback", "--create-users"],
  ],
};

runAlone(import.meta, target);
