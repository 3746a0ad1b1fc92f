import { createServer } from "@tz/server";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { HttpProxy } from "../proxy/http-proxy.js";
import { WebSocketProxy } from "../proxy/web-socket-proxy.js";
import { TerminalGateway } from "./gateway.fixture.js";
import type { TerminalClient } from "./terminal-client.fixture.js";
import type { RunningTtyd } from "./ttyd-double.fixture.js";
import { type TtydUpstreamOptions, ttydUpstream } from "./ttyd-upstream.js";

const allow = ["127.0.0.1"];
const CREDENTIAL = "ada:geheim";
const BASIC = `Basic ${Buffer.from(CREDENTIAL).toString("base64")}`;

/** What a gateway in front of a ttyd must get right, with ttyd's own command line. */
export function ttydConformance(
  name: string,
  start: (args: readonly string[]) => Promise<RunningTtyd>,
  skip = false,
): void {
  describe.skipIf(skip)(name, () => {
    async function ttyd(...args: string[]): Promise<RunningTtyd> {
      const running = await start(args);
      onTestFinished(() => running.kill());
      return running;
    }

    async function near({ port }: RunningTtyd, options: Partial<TtydUpstreamOptions> = {}, path = "/ws") {
      const url = `ws://127.0.0.1:${port}${path}`;
      const gateway = await TerminalGateway.start({
        backends: { up: ttydUpstream({ url, allow, ...options }) },
      });
      onTestFinished(() => gateway.stop());
      return gateway;
    }

    async function shell(gateway: TerminalGateway): Promise<TerminalClient> {
      const size = { columns: 91, rows: 27 };
      const { id } = await gateway.terminals.open({ user: "ada", ...size });
      return gateway.client(`/t/${id}/write`, size);
    }

    test("size, typing, title, another size, a flood, the end", async () => {
      const gateway = await near(await ttyd("-W", "sh"));
      const client = await shell(gateway);
      client.type("stty size\n");
      await client.sees("27 91");
      expect(gateway.terminals.all[0]!.title).toMatch(/^sh \(.+\)$/);
      client.send('1{"columns":133,"rows":44}');
      client.type("stty size; yes | head -c 2000000; echo do''ne\n");
      await client.sees("44 133");
      await client.sees("done");
      expect(client.outputBytes).toBeGreaterThan(2_000_000);
      client.type("exit\n");
      await client.closed();
      // A ttyd closes with 1000, or just hangs up: both are the end.
      expect(client.ends[0]!.message).toMatch(/program has ended|upstream closed the connection/);
    });

    test("a credential opens it, another or none does not", async () => {
      const up = await ttyd("-W", "-c", CREDENTIAL, "sh");
      const client = await shell(await near(up, { credential: CREDENTIAL }));
      client.type("echo o''pen\n");
      await client.sees("open");
      for (const credential of ["ada:wrong", undefined])
        await expect(shell(await near(up, { credential }))).rejects.toThrow("answered 401");
    });

    test("the header of a proxy that knows who is there", async () => {
      const up = await ttyd("-W", "-H", "X-Auth-User", "sh");
      const client = await shell(await near(up, { fields: [["X-Auth-User", "ada"]] }));
      client.type("echo user=$TTYD_USER\n");
      await client.sees("user=ada");
      await expect(shell(await near(up))).rejects.toThrow("answered 407");
    });

    test("one that looks at Origin, below a path, with words of the URL", async () => {
      const up = await ttyd("-W", "-O", "-b", "/deep/er", "-a", "echo");
      const gateway = await near(up, {}, "/deep/er/ws?arg=one&arg=two");
      const { id } = await gateway.terminals.open({ user: "ada" });
      const client = await gateway.client(`/t/${id}/write`);
      await client.sees("one two");
    });

    test("one that is to be looked at only takes no typing", async () => {
      const client = await shell(await near(await ttyd("sh", "-c", "echo re''ady; sleep 1000")));
      await client.sees("ready");
      client.type("typed\n");
      client.send("2");
      client.send("3");
      client.send('1{"columns":70,"rows":20}');
      expect(client.text).not.toContain("typed");
    });

    test("one that has as many clients as it wants says nothing: the user is told", async () => {
      const up = await ttyd("-W", "-m", "1", "sh");
      const gateway = await near(up);
      await (await shell(gateway)).sees("$ ");
      await expect(shell(gateway)).rejects.toThrow("the upstream closed the connection without an answer");
    });

    test("one that is killed: the user is told, nothing stays", async () => {
      const up = await ttyd("-W", "sh");
      const gateway = await near(up);
      const client = await shell(gateway);
      await client.sees("$ ");
      await up.kill();
      expect((await client.closed()).code).toBe(4000);
      expect(client.ends).toMatchObject([{ message: "the upstream closed the connection" }]);
      await expect(gateway.terminals.open({ user: "ada" })).rejects.toThrow("ECONNREFUSED");
    });

    test("its own page and WebSocket through the proxies, with a credential that the browser never has", async () => {
      const up = await ttyd("-W", "-O", "-c", CREDENTIAL, "-b", "/tool", "sh");
      const app = createServer();
      const fields = [["Authorization", BASIC]] as const;
      const upstream = `127.0.0.1:${up.port}`;
      const pages = new HttpProxy({ upstream: `http://${upstream}`, allow, fields });
      const sockets = new WebSocketProxy({ upstream: `ws://${upstream}/tool/ws`, allow, fields });
      app.get("/tool/ws", (request) => sockets.accept(request));
      app.handle((request) => pages.answer(request));
      const { port } = await app.listen({ port: 0 });
      onTestFinished(async () => {
        pages.close();
        sockets.close();
        await app.close({ timeoutMs: 0 });
      });
      const front = `127.0.0.1:${port}`;
      // The browser's own credentials are the gateway's business.
      const headers = { cookie: "cloudterm=secret", authorization: "Basic bXk6b3du" };
      const moved = await fetch(`http://${front}/tool`, { headers, redirect: "manual" });
      expect([moved.status, moved.headers.get("location")]).toEqual([302, "/tool/"]);
      const page = await fetch(`http://${front}/tool/`, { headers });
      expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html"]);
      expect(await page.text()).toContain("ttyd");
      const answer = await fetch(`http://${front}/tool/token`, { headers });
      const { token } = (await answer.json()) as { token: string };
      expect(token).toBe(Buffer.from(CREDENTIAL).toString("base64"));
      const socket = new WebSocket(`ws://${front}/tool/ws`, "tty", {
        headers: { ...headers, origin: `http://${front}` },
      });
      let text = "";
      const types: string[] = [];
      socket.on("message", (data: Buffer) => {
        types.push(String.fromCharCode(data[0]!));
        if (data[0] === 0x30) text += data.subarray(1).toString();
      });
      await new Promise((resolve, reject) => {
        socket.on("open", resolve);
        socket.on("error", reject);
      });
      socket.send(Buffer.from(JSON.stringify({ AuthToken: token, columns: 80, rows: 24 })));
      socket.send(Buffer.from("0echo th''rough\n"));
      await expect.poll(() => text).toContain("through");
      expect(types.slice(0, 2)).toEqual(["1", "2"]);
      expect(socket.extensions).toContain("permessage-deflate");
      socket.terminate();
    });
  });
}
