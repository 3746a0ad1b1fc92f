import { existsSync } from "node:fs";
import { join } from "node:path";
import { runAlone } from "./run/alone.mjs";

const cli = join(import.meta.dirname, "../../apps/static-demo/dist/cli.js");

/**
 * What people run, with its defaults.
 * @param {"epoll" | "node"} loop
 * @param {readonly string[]} flags more of its options
 * @returns {import("../harness/target.ts").Target}
 */
export const tzStatic = (loop, name, about, flags = []) => ({
  name,
  about,
  probe: () =>
    existsSync(cli) ? { version: `Node ${process.versions.node}` } : { missing: "not built (npm run build)" },
  command: ({ port, root }) => [
    process.execPath,
    cli,
    root,
    "--port",
    String(port),
    "--loop",
    loop,
    "--quiet",
    ...flags,
  ],
});

export const target = tzStatic("epoll", "tz-static", "this project, epoll loop, defaults");

runAlone(import.meta, target);
