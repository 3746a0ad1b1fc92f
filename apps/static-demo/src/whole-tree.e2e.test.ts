import { existsSync, readdirSync, readFileSync } from "node:fs";
import { Agent, get } from "node:http";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { startCli } from "./cli.fixture.js";

// `TZ_WHOLE_TREE=1` serves everything that is installed (tens of thousands of files), else a part of it.
const isWhole = process.env.TZ_WHOLE_TREE === "1";
const store = fileURLToPath(new URL("../../../node_modules/.pnpm", import.meta.url));
const enough = 2500;

/**
 * Regular files below `folder` that a request may see: no links (they lead to other packages), no names with a
 * dot in front.
 */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith(".")) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}

/** Installed packages, one after the other, until there are enough files of all kinds and sizes. */
function chooseFiles(): string[] {
  const files: string[] = [];
  for (const name of readdirSync(store).sort()) {
    const folder = join(store, name, "node_modules");
    if (name.startsWith(".") || name === "node_modules" || !existsSync(folder)) continue;
    files.push(...filesBelow(folder));
    if (!isWhole && files.length >= enough) break;
  }
  return files;
}

const targetOf = (file: string) => file.slice(store.length).split(sep).map(encodeURIComponent).join("/");

function download(port: number, target: string, agent: Agent): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    get({ port, host: "127.0.0.1", path: target, agent }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (chunk) => parts.push(chunk)).on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts) }));
    }).on("error", reject);
  });
}

/** Fetches every file, eight at a time, and returns those that did not come back byte by byte. */
async function compareAll(
  port: number,
  files: readonly string[],
): Promise<{ wrong: string[]; bytes: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const wrong: string[] = [];
  let bytes = 0;
  let next = 0;
  const worker = async () => {
    for (let file = files[next++]; file !== undefined; file = files[next++]) {
      const { status, body } = await download(port, targetOf(file), agent);
      bytes += body.length;
      if (status !== 200 || !body.equals(readFileSync(file))) wrong.push(`${status} ${file}`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  agent.destroy();
  return { wrong, bytes };
}

const files = chooseFiles();

test("there are thousands of files, from empty to larger than any buffer", () => {
  expect(files.length).toBeGreaterThan(2000);
  const sizes = files.map((file) => readFileSync(file).length);
  expect(Math.min(...sizes)).toBeLessThan(100);
  expect(Math.max(...sizes)).toBeGreaterThan(2 ** 20);
});

describe.each(["epoll", "node"])("loop %s", (loop) => {
  test("every file of an installed tree comes back byte by byte", { timeout: 600_000 }, async () => {
    const cli = startCli([store, "--port", "0", "--loop", loop, "--quiet"]);
    const { port } = await cli.ready();
    // Twice: from disk and from the cache.
    for (const _pass of ["cold", "warm"]) {
      const { wrong, bytes } = await compareAll(port, files);
      expect(wrong).toEqual([]);
      expect(bytes).toBeGreaterThan(2 ** 20);
    }
    expect(await cli.stop()).toEqual({ code: 0, signal: null });
    expect(cli.stderr).toBe("");
  });
});
