import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { WebSocket } from "ws";
import { lacksChromium, launchChromium, sees } from "./browser.fixture.js";
import { type GatewayProcess, PASSWORD, startWithAdmin, type Visitor } from "./gateway-process.fixture.js";

let gateway: GatewayProcess;
let admin: Visitor;
let terminal: string;

beforeAll(async () => {
  ({ gateway, admin } = await startWithAdmin(["--logins-per-address", "1000"]));
  terminal = await admin.openTerminal();
}, 240_000);
afterAll(async () => {
  await gateway?.stop();
});

/** Every unsafe route, out of the sources: one that is added is judged too. */
function unsafeRoutes(): (readonly [method: string, path: string])[] {
  const folder = new URL("./routes/", import.meta.url);
  return readdirSync(folder).flatMap((name) => {
    const source = readFileSync(new URL(name, folder), "utf8");
    const routes = source.matchAll(/app\.(post|put|patch|delete)\(\s*`\$\{base\}\/([^`]+)`/g);
    return [...routes].map(([, method, path]) => [method!.toUpperCase(), path!] as const);
  });
}

/** A request with exactly these fields. */
function ask(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<readonly [number, unknown]> {
  const { hostname, port } = new URL(gateway.url);
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      { hostname, port, method, path: `/${path}`, headers, agent: false },
      (answer) => {
        let text = "";
        answer.on("data", (chunk) => (text += chunk));
        answer.on("end", () => {
          const body = text.startsWith("{") ? (JSON.parse(text) as { error?: unknown }) : {};
          resolve([answer.statusCode!, body.error]);
        });
      },
    );
    sent.on("error", reject);
    sent.end();
  });
}

const WITHOUT_SESSION = new Set([
  "api/login",
  "api/login/code",
  "api/login/passkey",
  "api/login/passkey/finish",
  "api/setup",
  "api/shared",
]);

test("each unsafe route: no foreign origin, no foreign name, no missing token, no missing session", async () => {
  const routes = unsafeRoutes();
  expect(routes.length).toBeGreaterThan(20);
  const { host, port } = new URL(gateway.url);
  const { origin, cookie, csrfToken } = admin;
  const good = { host, origin, cookie, "x-csrf-token": csrfToken, "content-type": "application/json" };
  for (const [method, pattern] of routes) {
    const path = pattern.replace(":id", terminal).replace(/:\w+/, "x");
    const label = `${method} ${pattern}`;
    for (const foreign of ["https://evil.example", "null", `https://${host}`, "http://127.0.0.1:1", ""]) {
      const refused = [label, foreign, 403, "TZ_CLOUDTERM_ORIGIN"];
      expect([label, foreign, ...(await ask(method, path, { ...good, origin: foreign }))]).toEqual(refused);
    }
    const { origin: _, ...without } = good;
    expect([label, ...(await ask(method, path, without))]).toEqual([label, 403, "TZ_CLOUDTERM_ORIGIN"]);
    const evil = `evil.example:${port}`;
    const rebound = { ...good, host: evil, origin: `http://${evil}` };
    expect([label, ...(await ask(method, path, rebound))]).toEqual([label, 403, "TZ_CLOUDTERM_HOST"]);
    if (WITHOUT_SESSION.has(pattern)) continue;
    for (const token of ["", "x", `${csrfToken}x`]) {
      const refused = [label, token, 403, "TZ_CLOUDTERM_CSRF"];
      expect([label, token, ...(await ask(method, path, { ...good, "x-csrf-token": token }))]).toEqual(
        refused,
      );
    }
    const stranger = await ask(method, path, { ...good, cookie: "" });
    expect([label, ...stranger]).toEqual([label, 401, "TZ_CLOUDTERM_SESSION"]);
  }
  // Nothing of it was done.
  expect((await admin.send("GET", "api/terminals")).status).toBe(200);
});

test("a thousand connections that never finish their head take nothing from others", async () => {
  const { hostname, port, host } = new URL(gateway.url);
  const slow = await Promise.all(
    Array.from({ length: 1000 }, async () => {
      const socket = connect(Number(port), hostname);
      socket.on("error", () => {});
      await once(socket, "connect");
      socket.write(`POST /api/login HTTP/1.1\r\nHost: ${host}\r\nX-Slow: `);
      return socket;
    }),
  );
  for (let i = 0; i < 3; i++) {
    for (const socket of slow) socket.write("x");
    expect((await admin.send("GET", "api/terminals")).status).toBe(200);
  }
  const socket = await admin.socket(`api/terminals/${terminal}/socket`);
  if (typeof socket === "number") throw new Error(`status ${socket}`);
  let text = "";
  socket.on("message", (data: Buffer) => (text += data.toString()));
  socket.send(Buffer.from('{"AuthToken":"","columns":80,"rows":24}'));
  socket.send(Buffer.from("0echo un''affected\n"));
  await vi.waitUntil(() => text.includes("unaffected"), { timeout: 120_000 });
  socket.close();
  for (const each of slow) each.destroy();
});

describe("frames at a terminal", () => {
  async function greeted(): Promise<WebSocket> {
    const socket = await admin.socket(`api/terminals/${terminal}/socket`);
    if (typeof socket === "number") throw new Error(`status ${socket}`);
    socket.on("error", () => {});
    const first = once(socket, "message");
    socket.send(Buffer.from('{"AuthToken":"","columns":80,"rows":24}'));
    await first;
    return socket;
  }
  const codeOf = async (socket: WebSocket): Promise<number> => {
    const [code] = (await once(socket, "close")) as [number];
    return code;
  };
  /** The connection under a client: for frames that no client makes. */
  const raw = (socket: WebSocket): Socket => (socket as unknown as { _socket: Socket })._socket;

  test("a message without end, of full and of empty fragments, is ended", async () => {
    for (const piece of ["x", ""]) {
      const socket = await greeted();
      const closed = codeOf(socket);
      for (let i = 0; i < 3000 && socket.readyState === socket.OPEN; i++)
        socket.send(Buffer.from(i === 0 ? `0${piece}` : piece), { fin: false });
      expect([1008, 1009]).toContain(await closed);
    }
  });

  test("a message that is too large, and one that only says it is, are ended", async () => {
    const large = await greeted();
    const closed = codeOf(large);
    large.send(Buffer.alloc(5 * 1024 * 1024, "0"), { compress: false });
    expect([1009, 1006]).toContain(await closed);
    const bomb = await greeted();
    const ended = codeOf(bomb);
    // Small on the wire.
    bomb.send(Buffer.alloc(64 * 1024 * 1024, "0"), { compress: true });
    expect([1009, 1006]).toContain(await ended);
    const liar = await greeted();
    const refused = codeOf(liar);
    // FIN, binary; masked, a length of 2^62.
    raw(liar).write(Buffer.from([0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    expect([1002, 1009, 1006]).toContain(await refused);
  });

  test("frames that are none are ended with a protocol error", async () => {
    for (const frame of [
      [0x82, 0x01, 0x30], // not masked
      [0xc2 | 0x30, 0x80, 0, 0, 0, 0], // reserved bits
      [0x83, 0x80, 0, 0, 0, 0], // reserved opcode
      [0x09, 0x80, 0, 0, 0, 0], // a ping in fragments
      [0x80, 0x80, 0, 0, 0, 0], // goes on with nothing
    ]) {
      const socket = await greeted();
      const closed = codeOf(socket);
      raw(socket).write(Buffer.from(frame));
      expect(await closed).toBe(1002);
    }
  });

  test("empty messages, unknown types and sizes that are none change nothing", async () => {
    const socket = await greeted();
    let text = "";
    socket.on("message", (data: Buffer) => {
      if (data[0] === 0x30) text += data.subarray(1).toString();
    });
    const junk = [
      "",
      "1",
      "1{",
      "1[]",
      '1{"columns":0,"rows":-1}',
      '1{"columns":1e9,"rows":24}',
      "9x",
      "4-1",
      "4NaN",
    ];
    junk.push('1{"columns":null,"rows":"24"}', `1${"[".repeat(3000)}`, '{"AuthToken":"again"}');
    for (const message of junk) socket.send(Buffer.from(message));
    socket.send(Buffer.from("0stty size\n"));
    await vi.waitUntil(() => text.includes("24 80"), { timeout: 120_000 });
    socket.close();
  });
});

test.skipIf(lacksChromium !== "")(
  `what a program writes makes the page type nothing, and gives the clipboard only by consent${lacksChromium}`,
  async () => {
    const browser = await launchChromium();
    try {
      const context = await browser.newContext();
      await context.grantPermissions(["clipboard-read", "clipboard-write"]);
      const page = await context.newPage();
      page.setDefaultTimeout(120_000);
      const sent: string[] = [];
      page.on("websocket", (socket) =>
        socket.on("framesent", ({ payload }) => {
          const text = payload.toString();
          if (text.startsWith("0")) sent.push(text.slice(1));
        }),
      );
      await page.goto(gateway.url);
      await page.getByLabel("User").fill("admin");
      await page.getByLabel("Password").fill(PASSWORD);
      await page.getByRole("button", { name: "Log in" }).click();
      await sees(page, /^\$/m);
      await page.evaluate('navigator.clipboard.writeText("mine")');
      let step = 0;
      const run = async (output: string) => {
        await page.keyboard.type(`printf '${output}'; echo st''ep ${++step}\n`);
        await sees(page, `step ${step}`);
      };
      const typed = () => sent.join("");

      // DECRQSS, title and icon, size and place of the window, what the clipboard holds.
      await run('\\033P$qm\\033\\\\\\033P$q"p\\033\\\\');
      await run("\\033]2;evil; touch /tmp/owned\\007\\033[21t\\033[20t\\033[14t\\033[18t\\033[13t\\033[11t");
      await run("\\033]52;c;?\\007\\033]52;p;?\\033\\\\");
      expect(typed()).not.toContain("\x1b");
      expect(typed()).not.toMatch(/^\s*(evil|mine|bWluZQ)/m);
      // A question that is answered, to see that answers would be seen.
      await page.keyboard.type("printf '\\033[6n'\n");
      await vi.waitUntil(() => typed().includes("\x1b["), { timeout: 120_000 });
      await page.keyboard.press("Control+c");

      const evil = Buffer.from("evil").toString("base64");
      await page.keyboard.type(`printf '\\033]52;c;${evil}\\007'\n`);
      await page.getByText("wants to write to your clipboard").waitFor();
      await page.getByRole("button", { name: "Cancel" }).click();
      expect(await page.evaluate("navigator.clipboard.readText()")).toBe("mine");
    } finally {
      await browser.close();
    }
  },
);
