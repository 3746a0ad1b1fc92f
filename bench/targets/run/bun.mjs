import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { probeProgram } from "./program.mjs";

/** Bun's own executable, from its npm package. It is optional: other machines than Linux on x86-64 do not get it. */
function findBun() {
  try {
    const manifest = createRequire(import.meta.url).resolve("@oven/bun-linux-x64/package.json");
    const program = join(dirname(manifest), "bin/bun");
    return existsSync(program) ? program : undefined;
  } catch {
    return undefined;
  }
}

const program = findBun();

/**
 * A server that runs in Bun: `file` is what Bun is given.
 * @param {{ name: string, about: string, file: string }} server
 * @returns {import("../../harness/target.ts").Target}
 */
export const bunTarget = ({ name, about, file }) => ({
  name,
  about,
  probe: () =>
    program === undefined
      ? { missing: "Bun is not installed (pnpm install brings @oven/bun-linux-x64 on Linux x86-64)" }
      : probeProgram(program, ["--version"], "bun"),
  command: ({ port, root }) => [program, "run", file, String(port), root],
});
