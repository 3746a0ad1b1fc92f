import { readFileSync } from "node:fs";
import {
  type App,
  bytes,
  type Handler,
  isLocal,
  redirect,
  type ServerSentEvent,
  sse,
  text,
} from "@tz/server";
import { DashboardFeed } from "./dashboard-feed.js";

// The same path from `src` and from `dist`: the folder ships in the package as it is.
const read = (name: string) => readFileSync(new URL(`../web/dashboard/${name}`, import.meta.url));

const FILES: readonly [path: string, name: string, type: string][] = [
  ["/_tz/", "index.html", "text/html; charset=utf-8"],
  ["/_tz/dashboard.js", "dashboard.js", "text/javascript; charset=utf-8"],
  ["/_tz/charts.js", "charts.js", "text/javascript; charset=utf-8"],
  ["/_tz/dashboard.css", "dashboard.css", "text/css; charset=utf-8"],
  ["/_tz/icon.svg", "icon.svg", "image/svg+xml"],
];
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const FIELDS = [
  ...["Cache-Control", "no-cache", "Content-Security-Policy", CSP, "X-Content-Type-Options", "nosniff"],
  ...["Referrer-Policy", "no-referrer", "Cross-Origin-Resource-Policy", "same-origin"],
];
/** Pages that watch at a time. */
const VIEWERS_MAX = 16;
const RETRY_MS = 2000;

export interface DashboardOptions {
  /** The server that is shown. */
  readonly of: App;
  /** `"local"`: browsers on this machine, under a name of this machine, and not through a proxy. */
  readonly allow: "local" | "all";
}

/** Adds the live view of a server at `/_tz/`: a page, and its figures once a second as server-sent events. */
export function addDashboard(app: App, { of, allow }: DashboardOptions): void {
  const feed = new DashboardFeed(of);
  const add = (path: string, handler: Handler): void => {
    app.get<string>(path, (request) =>
      allow === "all" || isLocal(request)
        ? handler(request)
        : text("The dashboard is for browsers on the server's own machine only.\n", {
            status: 403,
            fields: ["Cache-Control", "no-store"],
          }),
    );
  };
  add("/_tz", () => redirect("/_tz/", 308));
  for (const [path, name, type] of FILES) {
    const file = read(name);
    add(path, () => bytes(file, { type, fields: FIELDS }));
  }
  add("/_tz/events", ({ signal }) => {
    if (feed.viewers >= VIEWERS_MAX) {
      return text(`${VIEWERS_MAX} pages watch already.\n`, { status: 503, fields: ["Retry-After", "10"] });
    }
    return sse(eventsOf(app, feed, signal), { fields: FIELDS.slice(4) });
  });
}

async function* eventsOf(
  app: App,
  feed: DashboardFeed,
  signal: AbortSignal,
): AsyncGenerator<ServerSentEvent> {
  feed.viewers++;
  try {
    yield { data: JSON.stringify(feed.latest()), retryMs: RETRY_MS };
    // A server that stops does not wait for its viewers.
    while (!signal.aborted && app.ready) yield { data: JSON.stringify(await feed.next()) };
  } finally {
    feed.viewers--;
  }
}
