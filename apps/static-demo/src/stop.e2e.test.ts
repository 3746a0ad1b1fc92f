import { mkdtempSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { startCli } from "./cli.fixture.js";

const folder = mkdtempSync(join(tmpdir(), "tz-stop-"));
/** More than the buffers of both sockets hold, so that the answer is in flight until the client reads it. */
const big = Buffer.alloc(32 * 1024 * 1024, "0123456789abcdef");
writeFileSync(join(folder, "big.bin"), big);
writeFileSync(join(folder, "a.txt"), "a\n");

/** Asks for the big file and reads no further than the first chunk. */
async function startDownload(port: number): Promise<{ socket: Socket; first: Buffer }> {
  const socket = connect(port, "127.0.0.1", () => socket.write("GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n"));
  onTestFinished(() => void socket.destroy());
  const first = await new Promise<Buffer>((resolve, reject) => {
    socket.once("data", resolve).once("error", reject);
  });
  socket.pause();
  return { socket, first };
}

async function readToEnd(socket: Socket, first: Buffer): Promise<Buffer> {
  const chunks = [first];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(false)).once("error", () => resolve(true));
    socket.once("connect", () => socket.destroy());
  });
}

describe.each(["epoll", "node"])("loop %s", (loop) => {
  const start = () => startCli([folder, "--port", "0", "--loop", loop]);

  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s finishes the answer in flight and ends with 0",
    async (signal) => {
      const cli = start();
      const { port } = await cli.ready();
      const { socket, first } = await startDownload(port);
      const idle = connect(port, "127.0.0.1");
      onTestFinished(() => void idle.destroy());
      await new Promise((resolve) => idle.once("connect", resolve));
      const idleClosed = new Promise((resolve) => idle.once("close", resolve));
      idle.on("error", () => {}).resume();

      cli.child.kill(signal);
      await expect.poll(() => isRefused(port)).toBe(true);
      await idleClosed;
      expect(cli.child.exitCode).toBe(null);

      const answer = await readToEnd(socket, first);
      const bodyAt = answer.indexOf("\r\n\r\n") + 4;
      expect(answer.length - bodyAt).toBe(big.length);
      expect(answer.subarray(bodyAt).equals(big)).toBe(true);
      expect(await cli.exit).toEqual({ code: 0, signal: null });
    },
  );

  test("a second signal ends at once", async () => {
    const cli = start();
    const { port } = await cli.ready();
    await startDownload(port);
    cli.child.kill("SIGINT");
    await expect.poll(() => isRefused(port)).toBe(true);
    // The same key press may arrive twice within moments (npm passes it on): that is one signal.
    await sleep(200);
    expect(cli.child.exitCode).toBe(null);
    cli.child.kill("SIGINT");
    expect(await cli.exit).toEqual({ code: 130, signal: null });
  });

  test("one key press that arrives twice still drains", async () => {
    const cli = start();
    const { port } = await cli.ready();
    const { socket, first } = await startDownload(port);
    cli.child.kill("SIGINT");
    cli.child.kill("SIGINT");
    const answer = await readToEnd(socket, first);
    expect(answer.length).toBe(answer.indexOf("\r\n\r\n") + 4 + big.length);
    expect(await cli.exit).toEqual({ code: 0, signal: null });
  });
});
