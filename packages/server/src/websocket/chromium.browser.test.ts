import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createServer } from "../app.js";
import { html } from "../handlers/reply.js";
import { isEpollSupported } from "../loop/epoll.js";
import { until } from "../loop/socket-client.fixture.js";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const lacking = existsSync(executablePath)
  ? ""
  : `: ${executablePath} is not installed (apt-get install chromium)`;
const loops = isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const);

/** A chat in a page: what it receives is in `window.log`. */
const PAGE = `<!doctype html><title>chat</title><script>
  window.log = [];
  window.socket = new WebSocket("ws://" + location.host + "/room/lobby?name=" + location.hash.slice(1), ["chat"]);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => log.push("open " + socket.protocol + " " + (socket.extensions.includes("deflate") ? "deflate" : "plain"));
  socket.onmessage = ({ data }) => log.push(typeof data === "string" ? data : "binary " + data.byteLength);
  socket.onclose = ({ code, reason, wasClean }) => log.push("close " + code + " " + reason + " " + wasClean);
</script>`;

describe.skipIf(lacking !== "")(`WebSocket in Chromium${lacking}`, () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, timeout: 120_000 });
    return () => browser.close();
  });

  test.each(loops)("two pages share a room, with compression, on the %s loop", async (loop) => {
    const app = createServer({ loop, lingerTimeoutMs: 100 });
    onTestFinished(() => app.close({ timeoutMs: 200 }));
    app.get("/", () => html(PAGE));
    app.ws(
      "/room/:room",
      {
        accept: (request) => ({ room: request.params.room, name: request.query.get("name") ?? "" }),
        open(socket) {
          socket.join(socket.data.room);
          socket.publish(socket.data.room, `${socket.data.name} came`);
        },
        message(socket, data) {
          if (data === "bye") socket.close(4000, "as you wish");
          else if (typeof data === "string") app.publish(socket.data.room, `${socket.data.name}: ${data}`);
          else socket.send(data);
        },
        close: (socket) => void app.publish(socket.data.room, `${socket.data.name} left`),
      },
      { deflate: { thresholdBytes: 0 }, chooseProtocol: (offered) => offered[0] },
    );
    const { port } = await app.listen({ port: 0 });

    const visit = async (name: string) => {
      const page = await browser.newPage();
      page.setDefaultTimeout(120_000);
      onTestFinished(() => page.close());
      await page.goto(`http://127.0.0.1:${port}/#${name}`);
      const log = async (length: number): Promise<string[]> => {
        await page.waitForFunction(`window.log.length >= ${length}`);
        return page.evaluate<string[]>("window.log");
      };
      return { log, run: (script: string) => page.evaluate(script) };
    };
    const ada = await visit("ada");
    expect(await ada.log(1)).toEqual(["open chat deflate"]);
    const bob = await visit("bob");
    await bob.log(1);
    await ada.run(`socket.send("ünï ☃ " + "x".repeat(100000))`);
    await bob.run("socket.send(new Uint8Array(70000))");
    const long = `ada: ünï ☃ ${"x".repeat(100_000)}`;
    expect((await bob.log(3)).slice(1).sort()).toEqual([long, "binary 70000"].sort());
    await ada.run(`socket.send("bye")`);
    expect(await ada.log(4)).toEqual(["open chat deflate", "bob came", long, "close 4000 as you wish true"]);
    expect((await bob.log(4)).at(-1)).toBe("ada left");
    await until(() => app.roomSize("lobby") === 1);
    await app.close({ timeoutMs: 3000 });
    expect((await bob.log(5)).at(-1)).toBe("close 1001  true");
  });
});
