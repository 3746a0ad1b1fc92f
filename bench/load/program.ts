import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** `undefined` when the load clients can be built, else how to get what is missing. */
export function missingCompiler(): string | undefined {
  return spawnSync("gcc", ["--version"]).error
    ? "gcc is not installed (apt-get install gcc libc6-dev)"
    : undefined;
}

/** Compiles a C file of this folder into `work`, once. */
export function compiled(name: string, work: string, libraries: readonly string[] = []): string {
  const program = join(work, name);
  if (!existsSync(program)) {
    const source = new URL(`${name}.c`, import.meta.url).pathname;
    execFileSync("gcc", ["-O2", "-Wall", "-Wextra", "-o", program, source, ...libraries]);
  }
  return program;
}
