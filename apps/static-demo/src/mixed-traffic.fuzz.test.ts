import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type App, createServer, isEpollSupported } from "@tz/server";
import { staticMount } from "@tz/static";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

interface Ask {
  readonly line: string;
  readonly fields?: string;
  readonly sends?: string;
  readonly status: number;
  /** Chunked bodies and error pages are read, but not compared. */
  readonly body?: string;
}

const SMALL = "small ".repeat(20);
const LARGE = "large ".repeat(4000);
const ASKS: readonly Ask[] = [
  { line: "GET /files/small.txt", status: 200, body: SMALL },
  { line: "GET /files/small.txt", status: 200, body: SMALL },
  { line: "GET /files/large.txt", status: 200, body: LARGE },
  { line: "HEAD /files/small.txt", status: 200, body: "" },
  { line: "GET /files/small.txt", fields: "Range: bytes=1-3\r\n", status: 206, body: SMALL.slice(1, 4) },
  { line: "GET /files/none", status: 404 },
  { line: "GET /json", status: 200, body: '{"ok":1}' },
  { line: "GET /later", status: 200, body: "later" },
  { line: "GET /throws", status: 500 },
  { line: "POST /length", fields: "Content-Length: 3\r\n", sends: "abc", status: 200, body: "3" },
];
/** What is said of the connection; the last one ends it. */
const WAYS = ["HTTP/1.1\r\nHost: a\r\n", "HTTP/1.0\r\nConnection: keep-alive\r\n"] as const;
const LAST = "HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";

/** One client: its requests, and where its bytes are cut into two segments (0: not). */
const client = fc.record({
  asks: fc.array(fc.tuple(fc.nat(ASKS.length - 1), fc.nat(5)), { minLength: 1, maxLength: 5 }),
  closes: fc.boolean(),
  cutAt: fc.oneof(fc.constant(0), fc.nat(400)),
  fate: fc.nat(9),
});

const loops = isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const);

describe.each(loops)("files, handlers, errors and ends in any mixture on the %s loop", (loop) => {
  let app: App;
  let port = 0;
  const folder = mkdtempSync(join(tmpdir(), "tz-mixed-"));
  beforeAll(async () => {
    writeFileSync(join(folder, "small.txt"), SMALL);
    writeFileSync(join(folder, "large.txt"), LARGE);
    app = createServer({ loop })
      .onError(() => {})
      .mount(staticMount("/files", folder))
      .get("/json", () => ({ ok: 1 }))
      .get("/later", () => new Promise((resolve) => setImmediate(() => resolve("later"))))
      .get("/throws", () => {
        throw new Error("on purpose");
      })
      .post("/length", async (request) => String((await request.bytes()).byteLength));
    ({ port } = await app.listen({ port: 0 }));
  });
  afterAll(async () => {
    await app.close({ timeoutMs: 1000 });
    rmSync(folder, { recursive: true, force: true });
  });

  test("each client gets its answers, whole and in order", { timeout: 240_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(client, { minLength: 2, maxLength: 16 }), async (clients) => {
        const sockets = await Promise.all(clients.map(() => opened(port)));
        const results = clients.map(({ asks, closes, cutAt, fate }, i) => {
          const socket = sockets[i]!;
          const wanted = asks.map(([index]) => ASKS[index]!);
          const bytes = asks.map(([index, way], at) => {
            const { line, fields = "", sends = "" } = ASKS[index]!;
            const rest = closes && at === asks.length - 1 ? LAST : WAYS[way === 0 ? 1 : 0];
            return `${line} ${rest}${fields}\r\n${sends}`;
          });
          const answered = answers(socket, wanted);
          const all = bytes.join("");
          if (cutAt === 0) socket.write(all);
          else {
            socket.write(all.slice(0, cutAt));
            setImmediate(() => socket.write(all.slice(cutAt)));
          }
          if (fate === 0) {
            socket.resetAndDestroy();
            return undefined;
          }
          if (fate === 1 && cutAt === 0) socket.end();
          return answered;
        });
        for (const result of results) if (result !== undefined) expect(await result).toBe("");
        for (const socket of sockets) socket.destroy();
      }),
      { numRuns: 150 },
    );
  });
});

function opened(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    socket.once("error", reject);
    socket.once("connect", () => resolve(socket.off("error", reject).on("error", () => {})));
  });
}

/** `""` when all came as it should, otherwise what did not. */
function answers(socket: Socket, wanted: readonly Ask[]): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    let at = 0;
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      for (;;) {
        const taken = takeAnswer(text, wanted[at]);
        if (typeof taken === "string") return resolve(`answer ${at}: ${taken}`);
        if (taken === undefined) return;
        text = text.slice(taken);
        if (++at === wanted.length && text === "") return resolve("");
      }
    });
    socket.on("close", () => resolve(`closed at answer ${at} of ${wanted.length}`));
    socket.on("end", () => resolve(`ended at answer ${at} of ${wanted.length}`));
  });
}

/** @returns its length; `undefined` when it is not whole; text: what is wrong with it */
function takeAnswer(text: string, wanted: Ask | undefined): number | string | undefined {
  if (text === "") return undefined;
  if (wanted === undefined) return `one too many: ${text.slice(0, 100)}`;
  const head = text.indexOf("\r\n\r\n");
  if (head < 0) return undefined;
  const [line = "", ...fields] = text.slice(0, head).split("\r\n");
  if (!line.startsWith(`HTTP/1.1 ${wanted.status} `)) return `${JSON.stringify(line)} for ${wanted.line}`;
  const values = new Map<string, string>();
  for (const field of fields) {
    const [, name, value] = /^([!-9;-~]+): (.*)$/.exec(field) ?? [];
    if (name === undefined || values.has(name.toLowerCase())) return `field ${JSON.stringify(field)}`;
    values.set(name.toLowerCase(), value!);
  }
  if (Number.isNaN(Date.parse(values.get("date") ?? ""))) return `date ${values.get("date")}`;
  const length = wanted.line.startsWith("HEAD") ? 0 : Number(values.get("content-length"));
  const end = head + 4 + length;
  if (text.length < end) return undefined;
  if (wanted.body !== undefined && text.slice(head + 4, end) !== wanted.body) return `body of ${wanted.line}`;
  return end;
}
