import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { vi } from "vitest";
import { ttydConformance } from "./ttyd.conformance.js";
import { type RunningTtyd, startTtydDouble } from "./ttyd-double.fixture.js";

/** A real one: on the PATH, or where `TZ_TTYD` says. */
const program = process.env.TZ_TTYD ?? "ttyd";
const lacksTtyd =
  spawnSync(program, ["--version"]).status === 0
    ? ""
    : " (skipped: there is no ttyd; TZ_TTYD names one, Debian has it from 13 on)";

async function startTtyd(args: readonly string[]): Promise<RunningTtyd> {
  const child = spawn(program, ["-p", "0", "-i", "lo", ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, PS1: "$ " },
  });
  let log = "";
  child.stderr.on("data", (chunk) => (log += chunk));
  const portOf = () => /Listening on port: (\d+)/.exec(log)?.[1];
  await vi.waitUntil(() => portOf() !== undefined || child.exitCode !== null, { timeout: 120_000 });
  if (portOf() === undefined) throw new Error(log);
  return {
    port: Number(portOf()),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

ttydConformance("ttyd's protocol as its source says", startTtydDouble);
ttydConformance(`a real ttyd${lacksTtyd}`, startTtyd, lacksTtyd !== "");
