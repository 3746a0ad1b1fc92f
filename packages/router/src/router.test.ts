import { expect, test } from "vitest";
import { RouterError } from "./errors.js";
import { OUTCOME_STATUS, RouteMatch } from "./match.js";
import { Router } from "./router.js";

const encoder = new TextEncoder();

/** The three ways in which a router answers: walking, with generated code, and cold. */
const engines = [
  ["generated", { codeGeneration: "auto" }, true],
  ["walked", { codeGeneration: "never" }, true],
  ["cold", { codeGeneration: "auto" }, false],
] as const;

test.each(engines)("methods: %s", (_, options, compiles) => {
  const router = new Router<string>(options);
  router.get("/users/:id", "get");
  router.delete("/users/:id", "delete");
  router.add(["PUT", "PATCH"], "/users/:id", "change");
  router.post("/users/:name.json", "json");
  router.add("PURGE", "/cache", "purge");
  router.all("/any", "any");
  router.get("/any", "any, get");
  if (compiles) router.compile();
  const ask = (method: string, path: string) => {
    const { outcome, status, value, allow } = router.match(method, path);
    return value === undefined ? `${status} ${outcome} ${allow}`.trim() : value;
  };
  expect(ask("GET", "/users/1")).toBe("get");
  expect(ask("HEAD", "/users/1")).toBe("get");
  expect(ask("PATCH", "/users/1")).toBe("change");
  expect(ask("DELETE", "/users/1")).toBe("delete");
  expect(ask("get", "/users/1")).toBe("405 method-not-allowed GET, HEAD, OPTIONS, DELETE, PUT, PATCH");
  expect(ask("OPTIONS", "/users/1")).toBe("204 options GET, HEAD, OPTIONS, DELETE, PUT, PATCH");
  // The more specific route has not the method: the other one answers, and Allow names those of both.
  expect(ask("GET", "/users/a.json")).toBe("get");
  expect(ask("TRACE", "/users/a.json")).toBe(
    "405 method-not-allowed GET, HEAD, OPTIONS, DELETE, PUT, PATCH, POST",
  );
  expect(ask("PURGE", "/cache")).toBe("purge");
  expect(ask("GET", "/cache")).toBe("405 method-not-allowed OPTIONS, PURGE");
  expect(ask("BREW", "/any")).toBe("any");
  expect(ask("POST", "/any")).toBe("any");
  expect(ask("GET", "/any")).toBe("any, get");
  expect(ask("HEAD", "/any")).toBe("any, get");
  expect(ask("OPTIONS", "/any")).toBe("any");
  expect(ask("GET", "/nowhere")).toBe("404 not-found");
  expect(ask("OPTIONS", "/nowhere")).toBe("404 not-found");
  expect(ask("OPTIONS", "*")).toBe("204 options GET, HEAD, OPTIONS, DELETE, PUT, PATCH, POST, PURGE");
  expect(ask("GET", "*")).toBe("404 not-found");
  const asterisk = encoder.encode("*");
  expect(router.matchBytes("OPTIONS", asterisk, 0, 1).outcome).toBe("options");
});

test("automatic answers can be turned off, and a route of its own precedes them", () => {
  const own = new Router<string>();
  own.get("/a", "get");
  own.add("HEAD", "/a", "head");
  own.add("OPTIONS", "/a", "options");
  expect(own.match("HEAD", "/a").value).toBe("head");
  expect(own.match("OPTIONS", "/a").value).toBe("options");
  const off = new Router<string>({ autoHead: false, autoOptions: false });
  off.get("/a", "get");
  for (const method of ["HEAD", "OPTIONS"]) {
    expect(off.match(method, "/a").outcome).toBe("method-not-allowed");
    expect(off.match(method, "/a").allow).toBe("GET");
  }
  expect(off.match("OPTIONS", "*").outcome).toBe("not-found");
});

test.each(engines)("decoding: %s", (_, options, compiles) => {
  const router = new Router<string>(options);
  for (const pattern of ["/users/:name", "/café/:x(int)", "/a%2Fb", "/files/*path", "/q%3F", "/p%25", "/"]) {
    router.get(pattern, pattern);
  }
  if (compiles) router.compile();
  const ask = (path: string) => {
    const match = router.match("GET", path);
    const first = [match.outcome, match.value, match.param(0)];
    const bytes = encoder.encode(`xx${path}yy`);
    const second = router.matchBytes("GET", bytes, 2, bytes.length - 2);
    expect([second.outcome, second.value, second.param(0)]).toEqual(first);
    return first.filter((part) => part !== undefined).join(" ");
  };
  expect(ask("/users/a%2Fb%3Fc%25")).toBe("found /users/:name a/b?c%");
  expect(ask("/users/%252F")).toBe("found /users/:name %2F");
  expect(ask("/users/%C3%A9%F0%9F%98%80")).toBe("found /users/:name é😀");
  expect(ask("/users/é")).toBe("found /users/:name é");
  expect(ask("/%75sers/x")).toBe("found /users/:name x");
  expect(ask("/caf%c3%a9/12")).toBe("found /café/:x(int) 12");
  expect(ask("/café/12")).toBe("found /café/:x(int) 12");
  expect(ask("/caf%c3%a9/%31%32")).toBe("found /café/:x(int) 12");
  expect(ask("/cafÃ©/12")).toBe("not-found");
  expect(ask("/a%2fb")).toBe("found /a%2Fb");
  expect(ask("/a/b")).toBe("not-found");
  expect(ask("/q%3f?x")).toBe("found /q%3F");
  expect(ask("/q?")).toBe("not-found");
  expect(ask("/p%25")).toBe("found /p%25");
  expect(ask("/files/a%20b/c%2Fd?x=%zz")).toBe("found /files/*path a b/c/d");
  expect(ask("/files/")).toBe("found /files/*path ");
  expect(ask("/files")).toBe("not-found");
  for (const bad of [
    "/%",
    "/%4",
    "/%zz",
    "/users/%ff",
    "/users/%C3",
    "/users/%ED%A0%80",
    "/nowhere/%E0%80%80",
  ]) {
    expect(ask(bad)).toBe("bad-path");
    expect(router.match("GET", bad).status).toBe(400);
  }
  expect(ask("")).toBe("not-found");
  expect(ask("users")).toBe("not-found");
  expect(ask("http://host/")).toBe("not-found");
});

test.each(engines)(
  "raw bytes that are not UTF-8 never pass for something else: %s",
  (_, options, compiles) => {
    const router = new Router<string>(options);
    router.get("/a%2Fb", "encoded slash");
    router.get("/a%25b", "encoded percent");
    router.get("/é", "accent");
    router.get("/x/:p", "parameter");
    if (compiles) router.compile();
    const ask = (...path: (string | number)[]) => {
      const bytes = Uint8Array.from(
        path.flatMap((part) => (typeof part === "number" ? [part] : [...encoder.encode(part)])),
      );
      const { outcome, value } = router.matchBytes("GET", bytes, 0, bytes.length);
      return value ?? outcome;
    };
    expect(ask("/a", 0xff, "b")).toBe("bad-path");
    expect(ask("/a", 0xfe, "b")).toBe("bad-path");
    expect(ask("/", 0xe9)).toBe("bad-path");
    expect(ask("/", 0xc3, 0xa9)).toBe("accent");
    expect(ask("/x/", 0xc3, 0xa9)).toBe("parameter");
    expect(ask("/x/", 0xc3)).toBe("bad-path");
    // The same bytes as characters of a string are other characters.
    expect(router.match("GET", "/\xc3\xa9").outcome).toBe("not-found");
    expect(router.match("GET", "/a\xffb").outcome).toBe("not-found");
  },
);

test("a wildcard tells encoded slashes from separators when it is asked for its segments", () => {
  const router = new Router();
  router.get("/files/*", 0);
  const ask = (path: string) => router.match("GET", path).segments("*");
  expect(ask("/files/a%2Fb/c")).toEqual(["a/b", "c"]);
  expect(ask("/files/a/b/")).toEqual(["a", "b", ""]);
  expect(ask("/files/")).toEqual([""]);
  expect(ask("/files/a?b/c")).toEqual(["a"]);
  const bytes = encoder.encode("/files/a/bc/d");
  expect(router.matchBytes("GET", bytes, 0, bytes.length - 2).segments(0)).toEqual(["a", "bc"]);
  expect(router.match("GET", "/files/a").segments("other")).toBeUndefined();
});

test("parameters by name, position and type", () => {
  const router = new Router<string>();
  const route = router.get("/:a(int)/:b(bool)/:c(number)/:d/*", "all");
  for (const match of [
    router.match("GET", "/-12/true/1.5/x%20y/a/b?q"),
    router.match("GET", "/-12/true/1.5/x y/a/b"),
  ]) {
    expect(match.paramCount).toBe(5);
    expect([0, 1, 2, 3, 4].map((index) => match.paramName(index))).toEqual(["a", "b", "c", "d", "*"]);
    expect(match.param("a")).toBe("-12");
    expect(match.typed("a")).toBe(-12);
    expect(match.typed(1)).toBe(true);
    expect(match.param("d")).toBe("x y");
    expect(match.typed("d")).toBe("x y");
    for (const absent of ["e", "toString", "__proto__", 5, -1, 0.5, Number.NaN]) {
      expect(match.param(absent)).toBeUndefined();
      expect(match.typed(absent)).toBeUndefined();
    }
    expect(match.params()).toEqual({ a: -12, b: true, c: 1.5, d: "x y", "*": "a/b" });
    expect(route.params(match)).toEqual(match.params());
  }
  const other = router.get("/other", "other");
  expect(() => other.params(router.match("GET", "/nowhere"))).toThrow(TypeError);
});

test("offsets point into what was matched", () => {
  const router = new Router();
  router.get("/users/:id/*rest", 0);
  const text = "/users/42/a/b?x";
  const inText = router.match("GET", text);
  expect([inText.paramStart(0), inText.paramEnd(0)]).toEqual([7, 9]);
  expect(text.slice(inText.paramStart(1), inText.paramEnd(1))).toBe("a/b");
  expect(inText.pathLength).toBe(13);
  const bytes = encoder.encode(`GET ${text} HTTP/1.1`);
  const inBytes = router.matchBytes("GET", bytes, 4, 4 + text.length);
  expect([inBytes.paramStart(0), inBytes.paramEnd(0)]).toEqual([11, 13]);
  expect(inBytes.pathLength).toBe(13);
  expect(inBytes.paramStart(2)).toBe(-1);
  const decoded = router.match("GET", "/users/%34%32/a");
  expect(decoded.param("id")).toBe("42");
  expect([decoded.paramStart(0), decoded.paramEnd(0)]).toEqual([-1, -1]);
  expect(decoded.pathLength).toBe(15);
});

test("a match is overwritten by the next, one of its own is not", () => {
  const router = new Router<string>();
  router.get("/:a", "one");
  router.get("/:a/:b", "two");
  const own = new RouteMatch<string>();
  expect(router.match("GET", "/x%20y", own)).toBe(own);
  const shared = router.match("GET", "/1/2%21");
  expect(own.value).toBe("one");
  expect(own.param("a")).toBe("x y");
  expect(router.match("GET", "/nowhere/at/all")).toBe(shared);
  expect([shared.value, shared.route, shared.paramCount, shared.param(0)]).toEqual([
    undefined,
    undefined,
    0,
    undefined,
  ]);
  expect(shared.params()).toEqual({});
  own.reset();
  expect([own.outcome, own.value, own.param("a"), own.pathLength]).toEqual([
    "not-found",
    undefined,
    undefined,
    0,
  ]);
});

test("a match keeps its answer when routes are added", () => {
  const router = new Router<string>();
  router.get("/:a", "first");
  const match = router.match("GET", "/x");
  for (let i = 0; i < 40; i++) router.get(`/${"s".repeat(i)}:a/:b${i}/:c${i}/:d${i}/:e${i}`, "later");
  expect([match.value, match.param("a")]).toEqual(["first", "x"]);
  expect(router.match("GET", "/ssx/1/2/3/4").param("e2")).toBe("4");
});

test("routes may be added at any time", () => {
  const router = new Router<string>();
  for (let round = 0; round < 5; round++) {
    router.get(`/r${round}/:id`, `route ${round}`);
    // More often than code is generated after.
    for (let i = 0; i < 1500; i++)
      expect(router.match("GET", `/r${round}/${i}`).value).toBe(`route ${round}`);
    expect(router.match("GET", `/r${round + 1}/1`).outcome).toBe("not-found");
  }
});

test.each(engines)("case and trailing slash: %s", (_, options, compiles) => {
  const router = new Router<string>({ ...options, caseSensitive: false, trailingSlash: "ignore" });
  for (const pattern of ["/", "/Users/:id", "/users/:id/Posts/", "/f/*", "/v:a-X:b", "/@[`{"]) {
    router.get(pattern.replace("{", "%7B"), pattern);
  }
  if (compiles) router.compile();
  const ask = (path: string) => {
    const { value, outcome } = router.match("GET", path);
    const bytes = encoder.encode(path);
    expect(router.matchBytes("GET", bytes, 0, bytes.length).value).toBe(value);
    return value ?? outcome;
  };
  expect(ask("/USERS/aB")).toBe("/Users/:id");
  expect(router.match("GET", "/USERS/aB").param("id")).toBe("aB");
  expect(ask("/users/1/")).toBe("/Users/:id");
  expect(ask("/users/1/posts")).toBe("/users/:id/Posts/");
  expect(ask("/users/1/POSTS/?q")).toBe("/users/:id/Posts/");
  expect(ask("/users//posts")).toBe("not-found");
  expect(ask("/users/1/posts//")).toBe("not-found");
  expect(ask("/V1-x2")).toBe("/v:a-X:b");
  expect(ask("/%55SERS/1")).toBe("/Users/:id");
  expect(ask("/F/")).toBe("/f/*");
  expect(ask("/f")).toBe("not-found");
  expect(ask("/")).toBe("/");
  expect(ask("//")).toBe("not-found");
  // Only letters have two cases: these characters differ from them in the same bit.
  expect(ask("/@%5B%60%7B")).toBe("/@[`{");
  expect(ask("/`{@[")).toBe("not-found");
});

test("a path may have maxPathBytes, its query may be longer", () => {
  const router = new Router<string>({ maxPathBytes: 100 });
  router.get("/*", "all");
  router.get(`/${"s".repeat(150)}`, "static");
  const ask = (target: string) => {
    const match = router.match("GET", target);
    const inText = [match.outcome, match.status, match.pathLength];
    const bytes = encoder.encode(target);
    const other = router.matchBytes("GET", bytes, 0, bytes.length);
    expect([other.outcome, other.status, other.pathLength]).toEqual(inText);
    return inText;
  };
  expect(ask(`/${"a".repeat(99)}`)).toEqual(["found", 200, 100]);
  expect(ask(`/${"a".repeat(99)}?${"q".repeat(500)}`)).toEqual(["found", 200, 100]);
  expect(ask(`/${"a".repeat(100)}`)).toEqual(["too-long", 414, 101]);
  expect(ask(`/${"a".repeat(100)}?q`)).toEqual(["too-long", 414, 101]);
  expect(ask(`/${"s".repeat(150)}`)).toEqual(["too-long", 414, 151]);
  expect(ask(`/${"%61".repeat(33)}`)).toEqual(["found", 200, 100]);
});

test("a long path of every kind, up to the default limit", () => {
  const router = new Router<string>();
  router.get("/files/*path", "rest");
  router.get("/:a/:b/:c", "three");
  router.compile();
  for (const value of ["x".repeat(5000), "é".repeat(900), "/a".repeat(2000)]) {
    expect(router.match("GET", `/files/${encodeURI(value)}`).param("path")).toBe(value);
    const bytes = encoder.encode(`/files/${encodeURI(value)}`);
    expect(router.matchBytes("GET", bytes, 0, bytes.length).param("path")).toBe(value);
  }
  const long = "y".repeat(2000);
  expect(router.match("GET", `/${long}/${long}/${long}`).params()).toEqual({ a: long, b: long, c: long });
});

test("every outcome has its status", () => {
  expect(OUTCOME_STATUS).toEqual({
    found: 200,
    options: 204,
    "bad-path": 400,
    "not-found": 404,
    "method-not-allowed": 405,
    "too-long": 414,
  });
});

test("methods are tokens, and there are at most 30", () => {
  const router = new Router();
  const codeOf = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      return (error as RouterError).code;
    }
    return "none";
  };
  for (const method of ["", "GE T", "GÉT", "GET\r\n", undefined, 5]) {
    expect(codeOf(() => router.add(method as string, "/", 0))).toBe("TZ_ROUTER_METHOD");
  }
  expect(codeOf(() => router.add([], "/", 0))).toBe("TZ_ROUTER_METHOD");
  for (let i = 0; i < 27; i++) router.add(`M-${i}`, "/", i);
  expect(codeOf(() => router.add("ONE-MORE", "/", 0))).toBe("TZ_ROUTER_METHOD");
  expect(router.match("M-26", "/").value).toBe(26);
  expect(router.match("ONE-MORE", "/").allow.split(", ")).toHaveLength(28);
});

test("a method that was refused does not disturb the others", () => {
  const router = new Router<string>();
  router.all("/any", "any");
  router.get("/last", "last");
  expect(router.match("NEW", "/any").value).toBe("any");
  expect(() => router.add(["NEW", "NEWER", "not a token"], "/x", "")).toThrow(RouterError);
  expect(router.match("NEW", "/any").value).toBe("any");
  expect(router.match("NEWER", "/any").value).toBe("any");
});

test("without code from strings it walks", () => {
  const original = globalThis.Function;
  const router = new Router<string>();
  router.get("/users/:id", "found");
  try {
    // What `--disallow-code-generation-from-strings` does; the real flag is tested in a process of its own.
    globalThis.Function = class {
      constructor() {
        throw new EvalError("Code generation from strings disallowed for this context");
      }
    } as unknown as FunctionConstructor;
    router.compile();
    expect(router.match("GET", "/users/1").value).toBe("found");
  } finally {
    globalThis.Function = original;
  }
});
