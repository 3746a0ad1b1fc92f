import { execFileSync, spawn } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { createServer } from "../app.js";
import { isEpollSupported } from "../loop/epoll.js";
import { SocketClient, until } from "../loop/socket-client.fixture.js";

const loops = isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const);
const MIB = 1024 * 1024;

function isInstalled(): boolean {
  try {
    execFileSync("slowhttptest", ["-h"], { stdio: "ignore" });
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ENOENT";
  }
}
const lacking = isInstalled() ? "" : ": slowhttptest is not installed (apt-get install slowhttptest)";

/**
 * Slow heads (Slowloris), slow bodies (R-U-Dead-Yet), slow readers; `-r` a second, pieces every second. A reader sees that
 * it was cut when it has taken what its own kernel has: some 2 KB, so it takes 600 bytes at a time.
 */
const ATTACKS: Record<string, readonly string[]> = {
  heads: ["-H", "-c", "40", "-r", "40", "-i", "1", "-x", "8", "-t", "GET"],
  bodies: ["-B", "-c", "40", "-r", "40", "-i", "1", "-x", "8", "-s", "8192", "-t", "POST"],
  readers: ["-X", "-c", "40", "-r", "40", "-w", "10", "-y", "20", "-n", "1", "-z", "600", "-k", "3"],
};

describe.skipIf(lacking !== "").each(loops)(`slowhttptest against the %s loop${lacking}`, (loop) => {
  test("slow heads, bodies and readers, all at once, are cut, and others are served meanwhile", async () => {
    const app = createServer({
      loop,
      headTimeoutMs: 1500,
      bodyTimeoutMs: 1500,
      minBodyBytesPerSecond: 1000,
      writeTimeoutMs: 1500,
      minSendBytesPerSecond: 10_000,
      lingerTimeoutMs: 200,
    });
    onTestFinished(() => app.close({ timeoutMs: 200 }));
    const large = Buffer.alloc(16 * MIB, "x");
    app.get("/large", () => large);
    app.handle(async (request) => `${(await request.bytes()).byteLength} bytes`);
    const { port } = await app.listen({ port: 0 });

    const attackers = Object.entries(ATTACKS).map(([name, flags]) => {
      const url = `http://127.0.0.1:${port}/${name === "readers" ? "large" : ""}`;
      const child = spawn("slowhttptest", [...flags, "-u", url, "-l", "100", "-p", "30", "-v", "1"]);
      onTestFinished(() => void child.kill("SIGKILL"));
      let output = "";
      child.stdout.on("data", (chunk) => {
        output += chunk;
      });
      return new Promise<[string, string]>((resolve, reject) => {
        child.once("error", reject);
        child.once("close", () => resolve([name, output]));
      });
    });
    let over = false;
    const ended = Promise.all(attackers).finally(() => {
      over = true;
    });
    const quick = await SocketClient.open(port);
    onTestFinished(() => quick.reset());
    let served = 0;
    while (!over) {
      quick.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      served++;
      await until(() => quick.received.toString("latin1").split("0 bytes").length === served + 1);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const [name, output] of await ended) {
      const text = stripVTControlCharacters(output);
      // It ends by itself only when the server has closed all of its connections.
      expect([name, /Exit status: *(.*)/.exec(text)?.[1]]).toEqual([name, "No open connections left"]);
      expect([name, /service available: *NO/.test(text)]).toEqual([name, false]);
    }
    expect([served > 0, quick.ended]).toEqual([true, false]);
    await until(() => app.stats().connections === 1);
  }, 240_000);
});
