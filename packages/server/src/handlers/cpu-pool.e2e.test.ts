import { connect } from "node:net";
import { Piscina } from "piscina";
import { describe, expect, onTestFinished, test } from "vitest";
import { createServer } from "../app.js";
import { isEpollSupported } from "../loop/epoll.js";
import { until } from "../loop/socket-client.fixture.js";
import { dependency } from "./dependency.js";

const loops = isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const);
const AGES = 1e9;

describe.each(loops)("CPU work in piscina's threads on the %s loop", (loop) => {
  test("requests are served meanwhile, work for a client that is gone is given up, the pool ends with the server", async () => {
    let aborted = 0;
    let pool: Piscina | undefined;
    const primes = dependency(
      () => {
        pool = new Piscina({
          filename: new URL("./count-primes.fixture.js", import.meta.url).href,
          maxThreads: 1,
        });
        return pool;
      },
      { scope: "worker", dispose: (made) => made.destroy() },
    );
    const app = createServer({ loop, lingerTimeoutMs: 50 });
    onTestFinished(() => app.close({ timeoutMs: 100 }));
    app.get("/primes/:below(int)", async (request) => {
      try {
        return { count: await request.use(primes).run(request.params, { signal: request.signal }) };
      } catch (error) {
        aborted++;
        throw error;
      }
    });
    app.get("/quick", () => "quick");
    const { port } = await app.listen({ port: 0 });
    const url = `http://127.0.0.1:${port}`;
    expect(await (await fetch(`${url}/primes/100000`)).json()).toEqual({ count: 9592 });

    const client = connect(port, "127.0.0.1", () =>
      client.write(`GET /primes/${AGES} HTTP/1.1\r\nHost: a\r\n\r\n`),
    );
    await until(() => pool?.threads.length === 1 && app.stats().connections > 0);
    for (let i = 0; i < 3; i++) expect(await (await fetch(`${url}/quick`)).text()).toBe("quick");
    expect(aborted).toBe(0);
    client.destroy();
    await until(() => aborted === 1);
    expect(await (await fetch(`${url}/primes/10`)).json()).toEqual({ count: 4 });
    await app.close({ timeoutMs: 1000 });
    await until(() => pool!.threads.length === 0);
  });
});
