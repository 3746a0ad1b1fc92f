/**
 * What this router answers to shared tables of routes, and what find-my-way and rou3 answer. `expect` is this
 * router's answer; where a peer answers otherwise, its answer stands here with the reason, and the test holds
 * the peer to it: a difference that disappears or appears is noticed.
 *
 * Patterns are in this router's syntax; the test writes them in that of the others.
 */

/** Why an answer differs; each is explained under this name in docs/reference/router.md. */
export const DIFFERENCES = [
  "conversion",
  "empty-parameter",
  "encoded-pattern",
  "encoding",
  "invalid-encoding",
  "optional-slash",
  "origin-form",
  "parameter-length",
  "query",
  "shortest-split",
  "trailing-slash",
  "wildcard-name",
  "wildcard-of-prefix",
] as const;

export type Difference = (typeof DIFFERENCES)[number];

/** The pattern that answers, and the parameters; `null` when none does. */
export type Answer = readonly [pattern: string, params?: Readonly<Record<string, string>>] | null;

export interface ConformanceRequest {
  readonly path: string;
  readonly method?: string;
  readonly expect: Answer;
  readonly findMyWay?: readonly [because: Difference, answer: Answer];
  readonly rou3?: readonly [because: Difference, answer: Answer];
}

export interface ConformanceCase {
  readonly about: string;
  /** `GET` unless a method stands before the pattern. */
  readonly routes: readonly string[];
  readonly requests: readonly ConformanceRequest[];
}

function same(path: string, expect: Answer): ConformanceRequest {
  return { path, expect };
}

const LONG = "x".repeat(101);

export const CONFORMANCE: readonly ConformanceCase[] = [
  {
    about: "static paths are equal byte for byte",
    routes: ["/", "/users", "/very/deeply/nested/route"],
    requests: [
      same("/", ["/"]),
      same("/users", ["/users"]),
      same("/very/deeply/nested/route", ["/very/deeply/nested/route"]),
      same("//", null),
      same("/USERS", null),
      same("/user", null),
      same("/usersx", null),
      same("/very/deeply", null),
      { path: "", expect: null, rou3: ["origin-form", ["/"]] },
    ],
  },
  {
    about: "a trailing slash makes another path",
    routes: ["/users/:id", "/users/", "/posts"],
    requests: [
      same("/users/", ["/users/"]),
      { path: "/users/42/", expect: null, rou3: ["trailing-slash", ["/users/:id", { id: "42" }]] },
      { path: "/posts/", expect: null, rou3: ["trailing-slash", ["/posts"]] },
      { path: "/users", expect: null, rou3: ["trailing-slash", ["/users/"]] },
    ],
  },
  {
    about: "static precedes parameter precedes wildcard, with a way back",
    routes: ["/a/b/c", "/a/:x/d", "/:y/b/e", "/*"],
    requests: [
      same("/a/b/c", ["/a/b/c"]),
      same("/a/b/d", ["/a/:x/d", { x: "b" }]),
      same("/a/b/e", ["/:y/b/e", { y: "a" }]),
      same("/a/b/f", ["/*", { "*": "a/b/f" }]),
      same("/a/b", ["/*", { "*": "a/b" }]),
      same("/", ["/*", { "*": "" }]),
    ],
  },
  {
    about: "a static route beside a parameter",
    routes: ["/users/me", "/users/:id", "/users/:id/posts", "/users/me/posts/new"],
    requests: [
      same("/users/me", ["/users/me"]),
      same("/users/42", ["/users/:id", { id: "42" }]),
      same("/users/mex", ["/users/:id", { id: "mex" }]),
      same("/users/m", ["/users/:id", { id: "m" }]),
      same("/users/me/posts", ["/users/:id/posts", { id: "me" }]),
      same("/users/me/posts/new", ["/users/me/posts/new"]),
      same("/users/me/posts/old", null),
      { path: "/users/", expect: null, findMyWay: ["empty-parameter", ["/users/:id", { id: "" }]] },
      {
        path: "/users//posts",
        expect: null,
        findMyWay: ["empty-parameter", ["/users/:id/posts", { id: "" }]],
      },
    ],
  },
  {
    about: "the way back goes over several parameters",
    routes: ["/a/:x/b", "/a/:x/c/:y", "/a/z/c/w/q"],
    requests: [
      same("/a/z/b", ["/a/:x/b", { x: "z" }]),
      same("/a/z/c/w", ["/a/:x/c/:y", { x: "z", y: "w" }]),
      same("/a/z/c/w/q", ["/a/z/c/w/q"]),
      same("/a/z/c", null),
    ],
  },
  {
    about: "three parameters",
    routes: ["/:a/:b/:c"],
    requests: [
      same("/1/2/3", ["/:a/:b/:c", { a: "1", b: "2", c: "3" }]),
      same("/1/2", null),
      same("/1/2/3/4", null),
      {
        path: "/1//3",
        expect: null,
        findMyWay: ["empty-parameter", ["/:a/:b/:c", { a: "1", b: "", c: "3" }]],
      },
    ],
  },
  {
    about: "wildcards",
    routes: ["/files/*"],
    requests: [
      same("/files/", ["/files/*", { "*": "" }]),
      same("/files/a", ["/files/*", { "*": "a" }]),
      same("/files//a", ["/files/*", { "*": "/a" }]),
      same("/filesx", null),
      { path: "/files", expect: null, rou3: ["wildcard-of-prefix", ["/files/*", {}]] },
      {
        path: "/files/a/b/",
        expect: ["/files/*", { "*": "a/b/" }],
        rou3: ["trailing-slash", ["/files/*", { "*": "a/b" }]],
      },
    ],
  },
  {
    about: "a wildcard with a name, behind static and parameter",
    routes: ["/files/*path", "/files/new", "/files/:id/edit"],
    requests: [
      same("/files/new", ["/files/new"]),
      same("/files/x/edit", ["/files/:id/edit", { id: "x" }]),
      same("/files/new/edit", ["/files/:id/edit", { id: "new" }]),
      {
        path: "/files/x/y",
        expect: ["/files/*path", { path: "x/y" }],
        findMyWay: ["wildcard-name", ["/files/*path", { "*": "x/y" }]],
      },
      {
        path: "/files/",
        expect: ["/files/*path", { path: "" }],
        findMyWay: ["wildcard-name", ["/files/*path", { "*": "" }]],
        rou3: ["empty-parameter", null],
      },
    ],
  },
  {
    about: "a constrained parameter precedes a free one",
    routes: ["/users/:id{\\d+}", "/users/:name"],
    requests: [
      same("/users/42", ["/users/:id{\\d+}", { id: "42" }]),
      same("/users/x", ["/users/:name", { name: "x" }]),
      same("/users/4x", ["/users/:name", { name: "4x" }]),
    ],
  },
  {
    about: "a typed parameter",
    routes: ["/i/:id(int)"],
    requests: [
      same("/i/42", ["/i/:id(int)", { id: "42" }]),
      same("/i/-1", ["/i/:id(int)", { id: "-1" }]),
      same("/i/007", ["/i/:id(int)", { id: "007" }]),
      same("/i/x", null),
      same("/i/4.2", null),
      {
        path: "/i/9007199254740993",
        expect: null,
        findMyWay: ["conversion", ["/i/:id(int)", { id: "9007199254740993" }]],
        rou3: ["conversion", ["/i/:id(int)", { id: "9007199254740993" }]],
      },
    ],
  },
  {
    about: "an optional parameter",
    routes: ["/x/:a?"],
    requests: [
      same("/x", ["/x/:a?", {}]),
      same("/x/1", ["/x/:a?", { a: "1" }]),
      same("/x/1/2", null),
      {
        path: "/x/",
        expect: null,
        findMyWay: ["optional-slash", ["/x/:a?", { a: "" }]],
        rou3: ["trailing-slash", ["/x/:a?", {}]],
      },
    ],
  },
  {
    about: "two parameters in a segment",
    routes: ["/:a-:b"],
    requests: [
      same("/1-2", ["/:a-:b", { a: "1", b: "2" }]),
      same("/12", null),
      {
        path: "/1-2-3",
        expect: ["/:a-:b", { a: "1", b: "2-3" }],
        findMyWay: ["shortest-split", ["/:a-:b", { a: "1-2", b: "3" }]],
      },
      { path: "/-2", expect: null, findMyWay: ["empty-parameter", ["/:a-:b", { a: "", b: "2" }]] },
      { path: "/1-", expect: null, findMyWay: ["empty-parameter", ["/:a-:b", { a: "1", b: "" }]] },
    ],
  },
  {
    about: "text and constrained parameters in a segment",
    routes: ["/:file.:ext{png|jpg}", "/:any", "/at/:h{\\d+}h:m{\\d+}m", "/v/v:major.:minor"],
    requests: [
      same("/a.png", ["/:file.:ext{png|jpg}", { file: "a", ext: "png" }]),
      same("/a.b.png", ["/:file.:ext{png|jpg}", { file: "a.b", ext: "png" }]),
      same("/a.gif", ["/:any", { any: "a.gif" }]),
      same("/at/8h15m", ["/at/:h{\\d+}h:m{\\d+}m", { h: "8", m: "15" }]),
      same("/at/8h", null),
      same("/at/8h15m0", null),
      same("/at/h15m", null),
      same("/v/v1.2", ["/v/v:major.:minor", { major: "1", minor: "2" }]),
      same("/v/v1", null),
      {
        path: "/.png",
        expect: ["/:any", { any: ".png" }],
        findMyWay: ["empty-parameter", ["/:file.:ext{png|jpg}", { file: "", ext: "png" }]],
      },
    ],
  },
  {
    about: "text behind a parameter precedes none",
    routes: ["/:name.json", "/:name"],
    requests: [
      same("/a.json", ["/:name.json", { name: "a" }]),
      same("/a.json.json", ["/:name.json", { name: "a.json" }]),
      same("/a.jsonx", ["/:name", { name: "a.jsonx" }]),
      {
        path: "/.json",
        expect: ["/:name", { name: ".json" }],
        findMyWay: ["empty-parameter", ["/:name.json", { name: "" }]],
      },
    ],
  },
  {
    about: "text in front of a parameter",
    routes: ["/foo", "/foobar", "/foob:x"],
    requests: [
      same("/foo", ["/foo"]),
      same("/foobar", ["/foobar"]),
      same("/foobaz", ["/foob:x", { x: "az" }]),
      same("/fo", null),
      { path: "/foob", expect: null, findMyWay: ["empty-parameter", ["/foob:x", { x: "" }]] },
    ],
  },
  {
    about: "a value is decoded once and stays in its segment",
    routes: ["/p/:v", "/w/*"],
    requests: [
      same("/p/é", ["/p/:v", { v: "é" }]),
      same("/p/a;b", ["/p/:v", { v: "a;b" }]),
      same("/p/a+b", ["/p/:v", { v: "a+b" }]),
      same("/p/.", ["/p/:v", { v: "." }]),
      same("/p/..", ["/p/:v", { v: ".." }]),
      { path: "/p/a%2Fb", expect: ["/p/:v", { v: "a/b" }], rou3: ["encoding", ["/p/:v", { v: "a%2Fb" }]] },
      { path: "/p/a%20b", expect: ["/p/:v", { v: "a b" }], rou3: ["encoding", ["/p/:v", { v: "a%20b" }]] },
      { path: "/p/%C3%A9", expect: ["/p/:v", { v: "é" }], rou3: ["encoding", ["/p/:v", { v: "%C3%A9" }]] },
      { path: "/p/%2525", expect: ["/p/:v", { v: "%25" }], rou3: ["encoding", ["/p/:v", { v: "%2525" }]] },
      {
        path: "/w/a%20b/c",
        expect: ["/w/*", { "*": "a b/c" }],
        rou3: ["encoding", ["/w/*", { "*": "a%20b/c" }]],
      },
      { path: "/p/%zz", expect: null, rou3: ["invalid-encoding", ["/p/:v", { v: "%zz" }]] },
      { path: "/p/%", expect: null, rou3: ["invalid-encoding", ["/p/:v", { v: "%" }]] },
      { path: "/p/%ff", expect: null, rou3: ["invalid-encoding", ["/p/:v", { v: "%ff" }]] },
      { path: "/p/a?b=%zz", expect: ["/p/:v", { v: "a" }], rou3: ["query", ["/p/:v", { v: "a?b=%zz" }]] },
      { path: "/w/a?b", expect: ["/w/*", { "*": "a" }], rou3: ["query", ["/w/*", { "*": "a?b" }]] },
      { path: `/p/${LONG}`, expect: ["/p/:v", { v: LONG }], findMyWay: ["parameter-length", null] },
    ],
  },
  {
    about: "static text is compared decoded",
    routes: ["/café", "/abc/:x", "/%62c"],
    requests: [
      same("/caf%C3%A9", ["/café"]),
      { path: "/caf%c3%a9", expect: ["/café"], rou3: ["encoding", null] },
      { path: "/café", expect: ["/café"], rou3: ["encoding", null] },
      { path: "/%61bc/1", expect: ["/abc/:x", { x: "1" }], rou3: ["encoding", null] },
      same("/abc%2F1", null),
      {
        path: "/bc",
        expect: ["/%62c"],
        findMyWay: ["encoded-pattern", null],
        rou3: ["encoded-pattern", null],
      },
    ],
  },
  {
    about: "methods",
    routes: ["GET /m/:id", "POST /m/new", "DELETE /m/:id"],
    requests: [
      { method: "POST", path: "/m/new", expect: ["/m/new"] },
      { method: "GET", path: "/m/new", expect: ["/m/:id", { id: "new" }] },
      { method: "DELETE", path: "/m/new", expect: ["/m/:id", { id: "new" }] },
      { method: "PUT", path: "/m/new", expect: null },
      { method: "POST", path: "/m/7", expect: null },
    ],
  },
];
