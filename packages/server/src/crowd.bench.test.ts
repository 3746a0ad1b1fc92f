import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { isEpollSupported } from "./loop/epoll.js";

const bench = fileURLToPath(new URL("../bench/crowd.ts", import.meta.url));
const loops = isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const);

/** The bench with few connections: it checks every one of them itself, and fails when one is wrong. */
async function crowd(kind: string, loop: string): Promise<string> {
  const flags = ["--import", "tsx", "--conditions=@tz/source"];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, bench, kind, "60", loop]);
  return stdout;
}

describe.each(loops)("the bench of many connections on the %s loop", (loop) => {
  test("WebSockets are held, get what is published, and echo", async () => {
    const text = await crowd("sockets", loop);
    expect(text).toContain("60 connections held");
    expect(text).toMatch(/published to [\d +]+ sockets, all got it\neach echoed/);
  });

  test("keep-alive connections are held while some of them are active", async () => {
    const text = await crowd("keep-alive", loop);
    expect(text).toContain("60 connections held");
    expect(text).toMatch(/30 active, 600 requests.*\neach answered/);
  });
});
