import { expect, expectTypeOf, test } from "vitest";
import type { RouterError } from "./errors.js";
import { Router } from "./router.js";

function users(): Router<string> {
  const router = new Router<string>();
  router.get("/", "list");
  router.get("/:id(int)", "one");
  router.post("/", "create");
  return router;
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return `${(error as RouterError).code}: ${(error as RouterError).message}`;
  }
  return "none";
}

test("routers share a prefix and one tree", () => {
  const posts = new Router<string>();
  posts.get("/:id/comments/*", "comments");
  const api = new Router<string>();
  api.get("/health", "health");
  api.mount("/users", users()).mount("/users", posts);
  const app = new Router<string>();
  app.get("/", "home");
  app.mount("/api/v1", api).mount("/", posts);
  const ask = (method: string, path: string) =>
    app.match(method, path).value ?? app.match(method, path).outcome;
  expect(ask("GET", "/")).toBe("home");
  expect(ask("GET", "/api/v1/health")).toBe("health");
  expect(ask("GET", "/api/v1/users")).toBe("list");
  expect(ask("POST", "/api/v1/users")).toBe("create");
  expect(ask("GET", "/api/v1/users/42")).toBe("one");
  expect(ask("GET", "/api/v1/users/x")).toBe("not-found");
  expect(ask("GET", "/api/v1/users/x/comments/a/b")).toBe("comments");
  expect(ask("GET", "/5/comments/")).toBe("comments");
  expect(app.match("GET", "/api/v1/users/42").typed("id")).toBe(42);
  expect(app.routes.map(({ pattern }) => pattern)).toEqual([
    "/",
    "/api/v1/health",
    "/api/v1/users",
    "/api/v1/users/:id(int)",
    "/api/v1/users",
    "/api/v1/users/:id/comments/*",
    "/:id/comments/*",
  ]);
});

test("what is added later is mounted as well, through every level", () => {
  const inner = users();
  const middle = new Router<string>().mount("/u/", inner);
  const outer = new Router<string>().mount("/:tenant", middle);
  const route = inner.get("/:id(int)/late", "late");
  expect(middle.match("GET", "/u/7/late").value).toBe("late");
  const match = outer.match("GET", "/acme/u/7/late");
  expect([match.value, match.params()]).toEqual(["late", { tenant: "acme", id: 7 }]);
  // The route that was added knows its matches wherever its router is mounted.
  expect(route.params(match)).toEqual({ tenant: "acme", id: 7 });
  expectTypeOf(route.params(match)).toEqualTypeOf<{ id: number }>();
  expect(match.route?.pattern).toBe("/:tenant/u/:id(int)/late");
  expect(match.route?.origin?.origin).toBe(route);
});

test("what conflicts anywhere is added nowhere", () => {
  const inner = users();
  const outer = new Router<string>();
  outer.get("/users/:id(int)/late", "own");
  outer.mount("/users", inner);
  expect(codeOf(() => inner.get("/:id(int)/late", "second"))).toMatch(
    /^TZ_ROUTER_DUPLICATE: "GET \/users\/:id\(int\)\/late" cannot be added: "GET \/users\/:id\(int\)\/late"/,
  );
  expect(inner.match("GET", "/1/late").outcome).toBe("not-found");
  expect(inner.routes).toHaveLength(3);
  expect(outer.match("GET", "/users/1/late").value).toBe("own");

  const second = users();
  second.get("/fresh", "fresh");
  expect(codeOf(() => outer.mount("/users", second))).toMatch(/^TZ_ROUTER_DUPLICATE/);
  expect(codeOf(() => outer.mount("/:id", users()))).toMatch(/^TZ_ROUTER_PATTERN: .*"\/:id\/:id\(int\)"/);
  expect(outer.match("GET", "/users/fresh").outcome).toBe("not-found");
  second.get("/after", "after");
  expect(outer.match("GET", "/users/after").outcome).toBe("not-found");
  expect(outer.routes).toHaveLength(4);
});

test("a router cannot contain itself, nor one with other rules", () => {
  const a = new Router();
  const b = new Router().mount("/b", a);
  const c = new Router().mount("/c", b);
  expect(codeOf(() => a.mount("/a", a))).toMatch(/^TZ_ROUTER_MOUNT: .*contain itself/);
  expect(codeOf(() => a.mount("/a", c))).toMatch(/^TZ_ROUTER_MOUNT: .*contain itself/);
  expect(codeOf(() => a.mount("a", new Router()))).toMatch(/^TZ_ROUTER_MOUNT: .*start with "\/"/);
  expect(codeOf(() => a.mount("/x", new Router({ caseSensitive: false })))).toMatch(
    /^TZ_ROUTER_MOUNT: .*caseSensitive: false, the one it is mounted in true/,
  );
  expect(codeOf(() => a.mount("/x", new Router({ trailingSlash: "ignore" })))).toMatch(
    /trailingSlash: ignore/,
  );
  // The options that concern the answer and not the tree are those of the outer router.
  const quiet = new Router<unknown>({ autoHead: false });
  quiet.get("/x", "x");
  a.mount("/quiet", quiet);
  expect(a.match("HEAD", "/quiet/x").value).toBe("x");
  expect(quiet.match("HEAD", "/x").outcome).toBe("method-not-allowed");
});
