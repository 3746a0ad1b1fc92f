// Ports for programs that cannot be asked to choose one (port 0) and say which.
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";

/** Below are ports of services and those that clients of our tests choose themselves. */
const portMin = 20_000;
const portMax = 65_535;
const attempts = 1000;

/**
 * A port that nobody listens on, which no other process of this workspace is given while this one runs, and which
 * the kernel gives to nobody: it is not among those that it chooses from. So it is still free when a program that was
 * started with it binds it, and again when that program is restarted.
 */
export async function unusedPort() {
  const candidates = portsOutsideOf(chosenByKernel());
  for (let attempt = 0; attempt < attempts; attempt++) {
    const port = candidates[Math.floor(Math.random() * candidates.length)];
    if (!(await isFree(port))) continue;
    if (await claimed(port)) return port;
  }
  throw new Error(`no unused port in ${attempts} attempts`);
}

/** `[first, last]` */
function chosenByKernel() {
  try {
    return readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").trim().split(/\s+/).map(Number);
  } catch {
    return [49_152, portMax];
  }
}

/** All ports, where the kernel chooses from all. */
function portsOutsideOf([first, last]) {
  const all = Array.from({ length: portMax - portMin + 1 }, (_, index) => portMin + index);
  const outside = all.filter((port) => port < first || port > last);
  return outside.length > 0 ? outside : all;
}

/** On every address. */
function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer().once("error", () => resolve(false));
    probe.listen(port, () => probe.close(() => resolve(true)));
  });
}

/** Holds the UDP port of the same number until this process ends: what sees it taken tries another one. */
function claimed(port) {
  return new Promise((resolve) => {
    const claim = createSocket("udp4").once("error", () => resolve(false));
    claim.bind({ port, address: "127.0.0.1", exclusive: true }, () => {
      claim.unref();
      resolve(true);
    });
  });
}
