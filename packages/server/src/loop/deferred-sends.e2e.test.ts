import { afterEach, describe, expect, test } from "vitest";
import { type App, createServer } from "../app.js";
import { parseResponses } from "../fake-server.fixture.js";
import { isEpollSupported } from "./epoll.js";
import { PackedMount } from "./packed-mount.fixture.js";
import { SocketClient, until } from "./socket-client.fixture.js";

const CLIENTS = 40;
const epoll = isEpollSupported();
const reason = epoll.supported ? "" : ` (skipped: ${epoll.reason})`;
const get = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;

describe.skipIf(!epoll.supported).each([
  { lead: "with", hasLead: true, stats: false },
  { lead: "without", hasLead: false, stats: false },
  { lead: "counted, with", hasLead: true, stats: true },
])(`answers $lead a lead that leave at the end of a turn${reason}`, ({ hasLead, stats }) => {
  let app: App;
  let mount: PackedMount;
  let port = 0;
  const clients: SocketClient[] = [];
  afterEach(async () => {
    for (const client of clients.splice(0)) client.reset();
    await app.close({ timeoutMs: 200 });
    expect(mount.held).toBe(0);
    const { total } = app.stats();
    expect(total !== undefined).toBe(stats);
    // Each request once: timed when its answer had left, or its client went.
    if (total !== undefined) expect(total.latency.count + total.aborted).toBe(total.requests);
    mount.region.release();
  });

  async function serve(bodyBytes: number): Promise<void> {
    mount = new PackedMount(bodyBytes, hasLead);
    app = createServer({ loop: "epoll", tickMs: 10, lingerTimeoutMs: 50, stats })
      .mount(mount)
      .get("/handler", () => "handled");
    ({ port } = await app.listen({ port: 0 }));
    for (let i = 0; i < CLIENTS; i++) clients.push(await SocketClient.open(port));
  }
  /** Whole answers, in their order: the bodies of those with a right head. */
  function bodies(client: SocketClient): string[] {
    try {
      return parseResponses(client.received)
        .filter(({ fields, body }) => body.length === Number(fields["content-length"]))
        .map(({ status, fields, body }) => {
          const names = Object.keys(fields).filter((name) => !["connection", "content-type"].includes(name));
          const isRight = status === 200 && names.sort().join() === "content-length,date";
          return isRight && !Number.isNaN(Date.parse(fields.date!))
            ? body
            : `${status} ${JSON.stringify(fields)}`;
        });
    } catch {
      return [];
    }
  }

  test("each connection gets its own, in order, whatever else is in the turn", async () => {
    await serve(1000);
    const packed = mount.body.toString();
    // All of it lies in the kernel before the loop has its next turn.
    const asked = clients.map((client, i) => {
      const kinds = [
        "packed",
        "packed",
        "packed handler packed",
        "packed",
        "handler packed",
        "packed packed packed",
      ];
      const targets = kinds[i % kinds.length]!.split(" ");
      client.send(targets.map((target) => get(`/${target}`)).join(""));
      return targets;
    });
    for (let round = 1; round <= 2; round++) {
      for (const [i, client] of clients.entries()) {
        await until(() => bodies(client).length === asked[i]!.length * round);
        const expected = asked[i]!.map((target) => (target === "packed" ? packed : "handled"));
        expect(bodies(client).slice(-expected.length)).toEqual(expected);
      }
      if (round === 1) {
        for (const [i, client] of clients.entries())
          client.send(asked[i]!.map((target) => get(`/${target}`)).join(""));
      }
    }
  });

  test("what is said of one connection is not said to another, nor written over its answer", async () => {
    await serve(1000);
    const packed = mount.body.toString();
    const kinds = [
      [get("/packed")],
      ["GET /packed HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"],
      [get("/packed")],
      ["GET /packed HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"],
      [get("/packed"), "GET /packed HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", get("/packed")],
      [get("/packed"), "GET /packed HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"],
    ];
    const asked = clients.map((client, i) => {
      const requests = kinds[i % kinds.length]!;
      client.send(requests.join(""));
      return requests;
    });
    for (const [i, client] of clients.entries()) {
      const requests = asked[i]!;
      await until(() => bodies(client).length === requests.length);
      expect(bodies(client)).toEqual(requests.map(() => packed));
      const said = parseResponses(client.received).map(({ fields }) => fields.connection);
      const expected = requests.map((request) => /^Connection: (.*?)\r$/m.exec(request)?.[1]);
      expect(said).toEqual(expected);
    }
  });

  test("who ends its side behind the request gets the answer and the end; who resets holds nothing", async () => {
    await serve(1000);
    for (const [i, client] of clients.entries()) {
      client.send(get("/packed"));
      if (i % 3 === 1) client.end();
      if (i % 3 === 2) client.reset();
    }
    for (const [i, client] of clients.entries()) {
      if (i % 3 === 2) continue;
      await until(() => bodies(client).length === 1);
      if (i % 3 === 1) await until(() => client.ended);
    }
    await until(() => mount.held === 0);
  });

  test("a stop in the middle of the turn lets them out", async () => {
    await serve(1000);
    let closing: Promise<unknown> | undefined;
    mount.onPlan = () => {
      if (mount.asked === CLIENTS / 2) closing = app.close({ timeoutMs: 20_000 });
    };
    for (const client of clients) client.send(get("/packed"));
    for (const client of clients) await until(() => client.ended);
    await closing;
    // Before the stop all were answered; behind it a request is answered as the last, or was not read any more.
    expect(clients.filter((client) => bodies(client).length === 1).length).toBeGreaterThanOrEqual(
      CLIENTS / 2,
    );
    expect(mount.held).toBe(0);
  });

  test("what the socket does not take at once follows, also after another answer has changed the lead", async () => {
    await serve(6_000_000);
    const slow = clients.slice(0, 5);
    for (const client of slow) {
      client.stopReading();
      client.send(get("/packed"));
    }
    await until(() => mount.asked === slow.length);
    const other = clients[10]!;
    const second = Math.floor(Date.now() / 1000);
    await until(() => Math.floor(Date.now() / 1000) > second);
    other.send(get("/packed"));
    await until(() => bodies(other).length === 1);
    for (const client of slow) {
      client.resumeReading();
      await until(() => bodies(client).length === 1);
      expect(Buffer.from(bodies(client)[0]!, "latin1").equals(mount.body)).toBe(true);
    }
  });
});
