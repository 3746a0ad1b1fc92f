import { existsSync } from "node:fs";
import { join } from "node:path";

export const cli = join(import.meta.dirname, "../../../apps/one-million/dist/cli.js");

/**
 * The challenge server of this project.
 * @param {number} workers
 * @returns {import("../../harness/target.ts").Target}
 */
export const oneMillion = (workers) => ({
  name: `one-million-${workers}`,
  about: `this project, ${workers === 1 ? "1 worker" : `${workers} workers`}`,
  probe: () =>
    existsSync(cli) ? { version: `Node ${process.versions.node}` } : { missing: "not built (npm run build)" },
  command: ({ port }) => [process.execPath, cli, "--port", String(port), "--workers", String(workers)],
});
