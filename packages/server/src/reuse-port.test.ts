import { afterEach, expect, test } from "vitest";
import { type App, createServer } from "./app.js";
import { isEpollSupported } from "./loop/epoll.js";

const supported = isEpollSupported().supported;
const apps: App[] = [];
const make = (loop: "epoll" | "node") => {
  const app = createServer({ loop }).handle(() => "here");
  apps.push(app);
  return app;
};
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

test.skipIf(!supported)("several listen on one port when all of them share it", async () => {
  const { port } = await make("epoll").listen({ port: 0, reusePort: true });
  await make("epoll").listen({ port, reusePort: true });
  await expect(make("epoll").listen({ port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("here");
});

test("the node loop does not share ports, and says so", async () => {
  await expect(make("node").listen({ port: 0, reusePort: true })).rejects.toMatchObject({
    code: "TZ_SERVER_LOOP_UNSUPPORTED",
  });
});
