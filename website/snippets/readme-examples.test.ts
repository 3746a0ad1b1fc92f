import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { unusedPort } from "../../scripts/workspace/unused-port.mjs";
import {
  ended,
  env,
  exampleProject,
  firstLine,
  listening,
  root,
  running,
} from "./example-project.fixture.js";

/** One example: which blocks of a README it is made of, and what is to be seen when it runs. */
interface Example {
  /** Numbers of the blocks, from 1: later ones go on where earlier ones ended. */
  readonly blocks: readonly number[];
  /** What the text around the blocks has: the program that the reader adds them to. */
  readonly before?: string;
  readonly after?: string;
  /** It ends by itself and prints this. */
  readonly prints?: RegExp;
  /** It goes on; these targets (`POST /x` or `/x`) are answered with this text. */
  readonly serves?: Readonly<Record<string, RegExp>>;
  /** It goes on; this client, given its port, is to return true. */
  readonly talks?: (port: number, project: string) => Promise<unknown>;
}

const photo =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const tzApp = 'import { createServer } from "@tz/server";\nconst app = createServer();\n';

const examples: Readonly<Record<string, readonly Example[]>> = {
  "README.md": [{ blocks: [1], serves: { "/assets/probe.txt": /^served$/ } }],
  "packages/alloc/README.md": [
    { blocks: [1], prints: /slot 0 of .*110[\s\S]*readable true[\s\S]*partial requests/ },
  ],
  "packages/cache/README.md": [
    {
      blocks: [1],
      prints: /^<h1>\/a<\/h1>\n$/,
    },
    { blocks: [2], prints: /^\d+ 7 Uint8Array\(7\)/ },
  ],
  "packages/cloudterm/README.md": [
    { blocks: [1], prints: /^ada\n$/ },
    { blocks: [2], after: "console.log(user?.name);", prints: /^ada\n$/ },
    {
      blocks: [2, 3],
      after: "console.log(named, options.challenge.length > 20, ticket.length > 20);",
      prints: /^ada true true\n$/,
    },
    {
      blocks: [4],
      serves: { "POST /terminals": /^\{"id":"[^"]+"\}$/, "/terminals/none/socket": /no such terminal/ },
    },
    { blocks: [5], before: tzApp, after: 'console.log("made");\nprocess.exit();', prints: /^made\n$/ },
  ],
  "packages/http1/README.md": [
    { blocks: [1], prints: /^GET \/a\?b=c text\/html true\n$/ },
    { blocks: [2], prints: /^hello\n\[ 'x-sum', '1' \]\n$/ },
    {
      blocks: [3],
      prints: /^HTTP\/1\.1 200 OK\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n[\s\S]*hi\n[\s\S]*103/,
    },
    { blocks: [4], prints: /^1 u=1, i;x=2\n$/ },
  ],
  "packages/router/README.md": [{ blocks: [1], prints: /^found user 42\n.*GET/ }],
  "packages/server/README.md": [
    { blocks: [1], serves: { "/users/42": /^\{"id":42\}$/, "/assets/probe.txt": /^served$/ } },
  ],
  "packages/static/README.md": [
    { blocks: [1], serves: { "/probe.txt": /^served$/ } },
    {
      blocks: [2],
      after:
        'app.get("/hono", async (_, answer) => answer.send(await (await hono.request("/assets/probe.txt")).text()));',
      serves: { "/assets/probe.txt": /^served$/, "/hono": /^served$/ },
    },
    {
      blocks: [3],
      before: tzApp,
      after: "await app.listen({ port: 8080 });",
      serves: { "/photos/photo.png?w=320": /PNG|WEBP|ftyp/ },
    },
  ],
  "packages/sys/README.md": [
    { blocks: [1], talks: echoes },
    { blocks: [2], prints: /^nothing has come\n$/ },
  ],
  "packages/ws/README.md": [{ blocks: [1], talks: runsTheClient }],
};

/** Run by another of this file's examples. */
const within = ["packages/ws/README.md 2"];

const all = Object.entries(examples).flatMap(([file, list]) => list.map((example) => ({ file, example })));

test.each(all.map(({ file, example }) => [`${file} ${example.blocks}`, file, example] as const))(
  "%s runs and does what it says",
  async (_name, file, example) => {
    const project = exampleProject();
    const port = await unusedPort();
    for (const folder of ["public", "photos"]) {
      mkdirSync(join(project, folder));
      writeFileSync(join(project, folder, "probe.txt"), "served");
      writeFileSync(join(project, folder, "photo.png"), Buffer.from(photo, "base64"));
    }
    const { language, code } = programOf(file, example);
    const path = join(project, language === "ts" ? "example.mts" : "example.mjs");
    writeFileSync(path, here(code, port, project));
    const command = `node ${language === "ts" ? `--import=${import.meta.resolve("tsx")} ` : ""}${path}`;
    if (example.prints) {
      const options = { cwd: project, env, encoding: "utf8", timeout: 200_000, shell: true } as const;
      const { stdout } = await promisify(execFile)(command, [], options);
      expect(stdout).toMatch(example.prints);
      return;
    }
    const server = running(command, project);
    if (example.serves) await listening(port, server);
    for (const [target, expected] of Object.entries(example.serves ?? {})) {
      const [address = "", method = "GET"] = target.split(" ").reverse();
      const answer = await fetch(`http://127.0.0.1:${port}${address}`, { method });
      expect(await answer.text(), target).toMatch(expected);
    }
    if (example.talks) {
      const line = await firstLine(server);
      expect(await example.talks(Number(/:(\d+)$/.exec(line)?.[1] ?? port), project)).toBe(true);
    }
    await ended(server);
  },
);

test("every example of a README is run", () => {
  const run = new Set(all.flatMap(({ file, example }) => example.blocks.map((block) => `${file} ${block}`)));
  const missing = Object.keys(examples)
    .flatMap((file) => blocksOf(file).map((_, index) => `${file} ${index + 1}`))
    .filter((name) => !run.has(name) && !within.includes(name));
  expect(missing).toEqual([]);
});

function blocksOf(file: string): { language: string; code: string }[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/^```(js|ts)\n([\s\S]*?)^```$/gm)].map(([, language = "", code = ""]) => ({
    language,
    code,
  }));
}

function programOf(
  file: string,
  { blocks, before = "", after = "" }: Example,
): { language: string; code: string } {
  const chosen = blocks.map((number) => blocksOf(file)[number - 1]!);
  const code = `${before}${chosen.map((block) => block.code).join("\n")}\n${after}\n`;
  return { language: chosen[0]!.language, code };
}

function here(code: string, port: number, project: string): string {
  return code.replaceAll("8080", String(port)).replaceAll("/var/cache", join(project, "cache"));
}

/** What is sent comes back. */
function echoes(port: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("echo?"));
    socket.once("data", (data) => {
      socket.destroy();
      resolve(String(data) === "echo?");
    });
    socket.once("error", reject);
  });
}

/** The server's port is in its program; the client is the next block. */
async function runsTheClient(port: number, project: string): Promise<unknown> {
  const client = join(project, "client.mjs");
  writeFileSync(client, here(blocksOf("packages/ws/README.md")[1]!.code, port, project));
  const options = { cwd: project, env, timeout: 200_000 };
  const { stdout } = await promisify(execFile)(process.execPath, [client], options);
  return stdout === "echo: hello\n";
}
