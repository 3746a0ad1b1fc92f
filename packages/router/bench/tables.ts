/**
 * The route tables and requests of the benchmarks that find-my-way and rou3 ship (both MIT): patterns in the
 * syntax of this router, and in theirs where it differs.
 */

export interface TableRoute {
  readonly method: string;
  readonly pattern: string;
  readonly findMyWay?: string;
  readonly rou3?: string;
}

export interface TableRequest {
  readonly method: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
}

export interface Table {
  readonly name: string;
  /** Whose benchmark it is. */
  readonly of: "find-my-way" | "rou3";
  readonly routes: readonly TableRoute[];
  readonly requests: readonly TableRequest[];
}

function get(pattern: string, others: { findMyWay?: string; rou3?: string } = {}): TableRoute {
  return { method: "GET", pattern, ...others };
}

function ask(path: string, params: Record<string, string> = {}, method = "GET"): TableRequest {
  return { method, path, params };
}

const WILDCARD = get("/*", { rou3: "/*" });
const LONG = "/static/static/static/static/static";

/** find-my-way/benchmark/bench.js, without the cases that test constraints on headers: nobody else has them. */
const findMyWaySingles: Table[] = [
  ["root", [get("/")], [ask("/")]],
  ["short static", [get("/static")], [ask("/static")]],
  ["long static", [get(LONG)], [ask(LONG)]],
  ["long static, common prefix", [1, 2, 3, 4, 5].map((n) => get("/static".repeat(n))), [ask(LONG)]],
  ["short parameter", [get("/:param")], [ask("/param1", { param: "param1" })]],
  [
    "long parameter",
    [get("/:param")],
    [ask("/longParamParamParamParamParamParam", { param: "longParamParamParamParamParamParam" })],
  ],
  ["encoded parameter, %2B", [get("/:param")], [ask("/param%2B", { param: "param+" })]],
  ["encoded parameter, %20", [get("/:param")], [ask("/param%20", { param: "param " })]],
  [
    "two short parameters",
    [get("/:param1/:param2")],
    [ask("/param1/param2", { param1: "param1", param2: "param2" })],
  ],
  [
    "two parameters in a segment",
    [get("/:param1-:param2")],
    [ask("/param1-param2", { param1: "param1", param2: "param2" })],
  ],
  [
    "two regex parameters in a segment",
    [
      get("/:param1{[a-z]*}1:param2{[a-z]*}2", {
        findMyWay: "/:param1([a-z]*)1:param2([a-z]*)2",
        rou3: "/:param1([a-z]*)1:param2([a-z]*)2",
      }),
    ],
    [ask("/param1param2", { param1: "param", param2: "param" })],
  ],
  [
    "long static and parameters",
    [get("/static/:param1/static/:param2/static")],
    [ask("/static/param1/static/param2/static", { param1: "param1", param2: "param2" })],
  ],
  ["short wildcard", [WILDCARD], [ask("/static", { "*": "static" })]],
  ["long wildcard", [WILDCARD], [ask(LONG, { "*": LONG.slice(1) })]],
].map(([name, routes, requests]) => ({ name, of: "find-my-way", routes, requests }) as Table);

const RESOURCES = ["users", "posts", "comments", "orders", "products", "invoices", "teams", "projects"];

/** The table of 54 routes in find-my-way/benchmark/compile-mode.js. */
const apiRoutes: TableRoute[] = [
  ...RESOURCES.flatMap((resource) => [
    get(`/api/v1/${resource}`),
    { method: "POST", pattern: `/api/v1/${resource}` },
    get(`/api/v1/${resource}/:id`),
    { method: "PUT", pattern: `/api/v1/${resource}/:id` },
    { method: "DELETE", pattern: `/api/v1/${resource}/:id` },
    get(`/api/v1/${resource}/:id/history`),
  ]),
  get("/api/v1/users/:id/posts/:postId"),
  get("/api/v1/search/:index{[a-z]+}", {
    findMyWay: "/api/v1/search/:index(^[a-z]+$)",
    rou3: "/api/v1/search/:index([a-z]+)",
  }),
  get("/health"),
  get("/metrics"),
  get("/static/*"),
  get("/"),
];

const findMyWayApi: Table = {
  name: "API of 54 routes, 8 requests",
  of: "find-my-way",
  routes: apiRoutes,
  requests: [
    ask("/api/v1/users/42", { id: "42" }),
    ask("/api/v1/invoices"),
    ask("/api/v1/orders", {}, "POST"),
    ask("/api/v1/users/42/posts/1001", { id: "42", postId: "1001" }),
    ask("/health"),
    ask("/api/v1/teams/9", { id: "9" }, "DELETE"),
    ask("/api/v1/products/3/history", { id: "3" }),
    ask("/static/css/a.css", { "*": "css/a.css" }),
  ],
};

/** rou3/test/bench/input.ts, which has it from Hono's benchmark of routers. */
const rou3Routes: TableRoute[] = [
  get("/user"),
  get("/user/comments"),
  get("/user/avatar"),
  get("/user/lookup/username/:username"),
  get("/user/lookup/email/:address"),
  get("/event/:id"),
  get("/event/:id/comments"),
  { method: "POST", pattern: "/event/:id/comment" },
  get("/map/:location/events"),
  get("/status"),
  get("/very/deeply/nested/route/hello/there"),
  get("/static/:path"),
];

const rou3Parameters = [
  ask("/user/lookup/username/hey", { username: "hey" }),
  ask("/event/abcd1234/comments", { id: "abcd1234" }),
  ask("/event/abcd1234/comment", { id: "abcd1234" }, "POST"),
  ask("/static/index.html", { path: "index.html" }),
];

const rou3Tables: Table[] = [
  { name: "parameters (the default run)", of: "rou3", routes: rou3Routes, requests: rou3Parameters },
  {
    name: "parameters and static (--full)",
    of: "rou3",
    routes: rou3Routes,
    requests: [
      ask("/user"),
      ask("/user/comments"),
      ...rou3Parameters,
      ask("/very/deeply/nested/route/hello/there"),
    ],
  },
];

export const TABLES: readonly Table[] = [...findMyWaySingles, findMyWayApi, ...rou3Tables];
