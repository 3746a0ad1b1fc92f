import { spawn } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { unusedPort } from "./unused-port.mjs";

const startTimeoutMs = 120_000;

/**
 * Starts a Node program that listens on the port it is given, and waits until it does.
 * @param {(port: number) => string[]} argumentsFor
 */
export async function startServer(argumentsFor) {
  const port = await unusedPort();
  const child = spawn(process.execPath, argumentsFor(port), { stdio: ["ignore", "ignore", "inherit"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const stop = async () => {
    child.kill("SIGTERM");
    const forced = setTimeout(() => child.kill("SIGKILL"), 5000);
    await ended;
    clearTimeout(forced);
  };
  for (const deadline = Date.now() + startTimeoutMs; !(await accepts(port)); await sleep(100)) {
    if (child.exitCode === null && Date.now() < deadline) continue;
    if (child.exitCode === null) await stop();
    throw new Error(`${child.spawnargs.join(" ")} does not listen`);
  }
  return { port, stop };
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
