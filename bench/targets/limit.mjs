import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { runAlone } from "./run/alone.mjs";
import { probeProgram } from "./run/program.mjs";

/** @type {import("../harness/target.ts").Target} */
export const target = {
  name: "limit",
  about: "C loop: epoll, recv, one fixed answer",
  probe() {
    const compiler = probeProgram("gcc", ["--version"], "gcc libc6-dev");
    return "version" in compiler ? { version: `gcc ${compiler.version} -O2` } : compiler;
  },
  command({ port, root, work }) {
    const program = join(work, "limit");
    execFileSync("gcc", ["-O2", "-Wall", "-Wextra", "-o", program, join(import.meta.dirname, "limit.c")]);
    // It knows one file only: the first of the folder.
    const [file = ""] = readdirSync(root);
    return [program, String(port), join(root, file), "text/css"];
  },
};

runAlone(import.meta, target);
