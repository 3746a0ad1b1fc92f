/** Which files are served, and to whom. */
import type { Settings } from "../settings.js";
import { constants, type Handler, switched } from "./handler.js";

function folder(kind: "root" | "alias"): Handler {
  return (directive, scope) => {
    const [path] = constants(directive, scope) ?? [];
    if (path === undefined) return;
    if (!path.startsWith("/")) {
      scope.report.note(
        directive,
        "is now meant from the folder of the configuration, not from nginx's prefix",
      );
    }
    scope.settings.folder = { kind, path };
  };
}

const index: Handler = (directive, scope) => {
  const names = constants(directive, scope);
  if (names === undefined) return;
  const path = names.find((name) => name.includes("/"));
  if (path !== undefined) {
    scope.report.refuse(directive, `index takes names, ${path} is a path; leave it out`);
    return;
  }
  scope.settings.index = names;
};

const tryFiles: Handler = (directive, scope) => {
  const steps = [...directive.args];
  const last = steps.pop();
  const refuse = (what: string) => scope.report.refuse(directive, what);
  const unknown = steps.find((step) => !["$uri", "$uri/", "$uri.html", "$uri/index.html"].includes(step));
  if (last === undefined || steps.length === 0) return refuse("takes a file and a fallback");
  if (unknown !== undefined) {
    return refuse(`${unknown} cannot be tried; known are $uri, $uri/, $uri.html, $uri/index.html`);
  }
  if (last.startsWith("@")) return refuse("named locations are for proxies; leave nginx in front of tz");
  const cleanUrls = steps.includes("$uri.html") || last === "$uri.html";
  if (cleanUrls) scope.report.note(directive, "/about.html leads to /about by 308, nginx serves both");
  if (/^=4\d\d$/.test(last) || last === "$uri" || last === "$uri/" || last === "$uri.html") {
    if (last !== "=404" && last.startsWith("=")) return refuse(`${last.slice(1)} cannot be said; write =404`);
    scope.settings.tryFiles = { directive, cleanUrls, fallback: undefined };
    return undefined;
  }
  // `/index.html?$args` and the like: a file has no use for a query.
  const [fallback = "", query] = last.split("?", 2);
  if (!fallback.startsWith("/") || fallback.includes("$") || fallback.endsWith("/")) {
    return refuse(`${last} cannot be a fallback; known are a file as /index.html, and =404`);
  }
  if (/\.(?:php|cgi|pl|py)$/.test(fallback))
    return refuse("runs a program; leave nginx in front of tz for it");
  if (query !== undefined) scope.report.note(directive, "the query of the fallback is left out");
  scope.settings.tryFiles = { directive, cleanUrls, fallback };
  scope.report.note(
    directive,
    "the page is for navigations (Accept: text/html, no extension); other names that are missing are 404, where nginx sends the page",
  );
  return undefined;
};

const autoindex: Handler = (directive, scope) => {
  const isOn = switched(directive, scope);
  if (isOn !== undefined) scope.settings.isListed = isOn;
};

const autoindexFormat: Handler = (directive, scope) => {
  const [format] = directive.args;
  if (format === "html" || format === "json") {
    scope.report.note(directive, "listings are HTML or JSON, as the client's Accept says");
    return;
  }
  scope.report.refuse(directive, "listings are html or json; leave it out");
};

const denied: Handler = (directive, { settings }) => {
  settings.denied = directive;
};

const ADVICE_OF_ACCESS =
  "tz-static lets everybody in; check addresses in a firewall or a middleware of @tz/server, or leave nginx in front";

const deny: Handler = (directive, scope) => {
  if (directive.args.length === 1 && directive.args[0] === "all") denied(directive, scope);
  else scope.report.refuse(directive, ADVICE_OF_ACCESS);
};

const allow: Handler = (directive, { settings, report }) => {
  if (directive.args[0] === "all") delete settings.denied;
  else report.refuse(directive, ADVICE_OF_ACCESS);
};

/** `return 404;` hides a location. Others are redirects and texts. */
const returned: Handler = (directive, scope) => {
  const [status, target] = directive.args;
  if (
    (status === "403" || status === "404" || status === "410" || status === "444") &&
    target === undefined
  ) {
    denied(directive, scope);
    return;
  }
  scope.report.refuse(
    directive,
    status?.startsWith("3")
      ? "of redirects only `return 301 https://$host$request_uri` for a whole server can be converted; write app.get(path, () => redirect(to)) with @tz/server, or leave nginx in front"
      : "answers with a text; put a file there, or write a handler of @tz/server",
  );
};

/** Everything but GET, HEAD and OPTIONS is 405 anyway. */
const limitExcept: Handler = (directive, { report }) => {
  const isClosed = (directive.block ?? []).every(({ name, args }) => name === "deny" && args[0] === "all");
  if (directive.args.some((method) => !["GET", "HEAD", "OPTIONS"].includes(method)) || !isClosed) {
    report.refuse(directive, "files take GET, HEAD and OPTIONS; other methods need a handler of @tz/server");
    return;
  }
  report.note(directive, "needs nothing: other methods than GET, HEAD and OPTIONS are 405 (nginx: 403)");
};

const symlinks: Handler = (directive, { settings, report }) => {
  const [policy] = directive.args;
  if (policy === "on") settings.symlinks = "deny";
  else if (policy === "if_not_owner") {
    settings.symlinks = "within-root";
    report.note(directive, "links that stay within the root are followed, whoever owns them");
  } else if (policy === "off") settings.symlinks = "follow";
  else report.refuse(directive, "takes on, off or if_not_owner");
};

export const FILE_DIRECTIVES: Readonly<Record<string, Handler>> = {
  root: folder("root"),
  alias: folder("alias"),
  index,
  try_files: tryFiles,
  autoindex,
  autoindex_format: autoindexFormat,
  deny,
  allow,
  return: returned,
  internal: denied,
  limit_except: limitExcept,
  disable_symlinks: symlinks,
};

/** May the folder of a block be said by its own name and the path below it? */
export function directoryOf({ folder: place }: Settings, prefix: string): string | undefined {
  if (place === undefined) return undefined;
  const path = place.kind === "alias" ? place.path : `${place.path.replace(/\/+$/, "")}${prefix}`;
  return path.replace(/(?<=.)\/+$/, "");
}
