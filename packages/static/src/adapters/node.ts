/**
 * `node:http`, `node:https`, the `node:http2` compatibility API, and everything that calls `(req, res, next)`:
 * Connect, Express, Polka, Fastify's middleware.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import {
  FIELD_NAMES,
  type FieldId,
  type PlanBody,
  type PlanMount,
  type PlanRequest,
  type ResponsePlan,
} from "@tz/http1";
import { DECIDING_FIELDS } from "../deciding-fields.js";
import type { StaticMount, StaticPlan } from "../mount.js";
import { parseTarget } from "../resolve/target.js";
import { mergeFields } from "../respond/field-list.js";
import { readSegments } from "../respond/segment-reader.js";
import { mayPass } from "./may-pass.js";

export interface NodeHandlerOptions {
  /** With `next`: leave what the mount does not have and other methods to it. Default `true`. */
  readonly fallthrough?: boolean;
}

export type NodeHandler = (
  request: IncomingMessage & { readonly originalUrl?: string },
  response: ServerResponse,
  next?: (error?: unknown) => void,
) => void;

/**
 * Mounts on Node's own server.
 * @example
 * ```ts
 * createServer(toNodeHandler(staticMount("/", "./public"))).listen(8080);
 * express().use(toNodeHandler(staticMount("/assets", "./public")));
 * express().use("/assets", toNodeHandler(staticMount("/", "./public")));
 * ```
 */
export function toNodeHandler(mount: PlanMount, options: NodeHandlerOptions = {}): NodeHandler {
  const fallthrough = options.fallthrough ?? true;
  return (request, response, next) => {
    const place = placeOf(request, mount.prefix);
    const wanted = fallthrough ? next : undefined;
    if (place === undefined) {
      if (next !== undefined) next();
      else
        respond(
          mount,
          request,
          response,
          { target: request.url ?? "/", base: "", lacksSlash: false },
          undefined,
        );
      return;
    }
    const seen = place.lacksSlash ? withSlashPlan(mount, request, place) : undefined;
    if (seen !== undefined) send(request, response, seen, "");
    else respond(mount, request, response, place, wanted);
  };
}

/** Relative links of an index page need the slash that the router in front did not ask for. */
function withSlashPlan(mount: PlanMount, request: IncomingMessage, place: Place): ResponsePlan | undefined {
  if (request.method !== "GET" && request.method !== "HEAD") return undefined;
  // A path that could be read as another host, or in two ways, is no place to send a client to.
  const target = parseTarget(`${place.base}/`, "/");
  if (typeof target === "string" || target.raw.includes("//")) return undefined;
  const seen = new NodeRequest(request, place.target);
  return (mount as Partial<StaticMount>).redirectToRoot?.(seen, target.canonical);
}

interface Place {
  /** What the mount sees. */
  readonly target: string;
  /** What a router in front took off, to be put back in `Location`. */
  readonly base: string;
  /** What was asked for is the path that the router took off, without a slash. */
  readonly lacksSlash: boolean;
}

/** Routers strip their own path from `url`; the mount's prefix is looked for in the whole path first. */
function placeOf(
  request: {
    readonly url?: string | undefined;
    readonly originalUrl?: string | undefined;
    readonly baseUrl?: string | undefined;
  },
  prefix: string,
): Place | undefined {
  const url = originForm(request.url ?? "/");
  const whole = originForm(request.originalUrl ?? url);
  if (prefix !== "/" && isBelow(whole, prefix)) return { target: whole, base: "", lacksSlash: false };
  if (!isBelow(url, prefix)) return undefined;
  if (whole.endsWith(url)) {
    return { target: url, base: whole.slice(0, whole.length - url.length), lacksSlash: false };
  }
  const base = whole.split("?", 1)[0]!;
  // Routers make "/" of nothing: "/assets?x" below "/assets" is "/?x".
  // Express says what it took off: what somebody wrote into "url" is no path without a slash.
  const isStripped = request.baseUrl === undefined || request.baseUrl === base;
  const lacksSlash = prefix === "/" && base !== "" && isStripped && base + url.slice(1) === whole;
  return { target: url, base: lacksSlash ? base : "", lacksSlash };
}

/** `http://host/path` is allowed in a request line (RFC 9112 §3.2.2). */
function originForm(target: string): string {
  const scheme = /^https?:\/\/[^/?#]*/i.exec(target);
  if (scheme === null) return target;
  const rest = target.slice(scheme[0].length);
  return rest.startsWith("/") ? rest : `/${rest}`;
}

function isBelow(target: string, prefix: string): boolean {
  if (prefix === "/") return true;
  if (!target.startsWith(prefix)) return false;
  const next = target[prefix.length];
  return next === undefined || next === "/" || next === "?";
}

function respond(
  mount: PlanMount,
  request: IncomingMessage,
  response: ServerResponse,
  place: Place,
  next: ((error?: unknown) => void) | undefined,
): void {
  const execute = (plan: StaticPlan): void => {
    if (next !== undefined && mayPass(plan)) {
      plan.release?.();
      next();
      return;
    }
    send(request, response, plan, place.base);
  };
  const fail = (error: unknown): void => {
    if (next !== undefined) next(error);
    else response.destroy(error instanceof Error ? error : undefined);
  };
  const settle = (plan: StaticPlan | Promise<StaticPlan>, use: (plan: StaticPlan) => void): void => {
    if (plan instanceof Promise) plan.then(use).catch(fail);
    else use(plan);
  };
  try {
    // A page for an error is sent whole: conditions and ranges are about answers of 200.
    const headers = response.statusCode >= 400 ? withoutConditions(request.headers) : request.headers;
    const asked = new NodeRequest(request, place.target, headers);
    if (next === undefined || request.method !== "OPTIONS") {
      settle(mount.plan(asked), execute);
      return;
    }
    // A preflight for a route behind the mount is not ours to answer: is there a file at all?
    settle(mount.plan(new NodeRequest(request, place.target, headers, "HEAD")), (found) => {
      const isNotOurs = mayPass(found);
      found.release?.();
      if (isNotOurs) next();
      else settle(mount.plan(asked), execute);
    });
  } catch (error) {
    fail(error);
  }
}

const CONDITIONS = [
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
  "if-range",
  "range",
];

function withoutConditions(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const left = { ...headers };
  for (const name of CONDITIONS) delete left[name];
  return left;
}

/** Sees a request of Node's as a plan maker wants to. */
class NodeRequest implements PlanRequest {
  readonly method: string;
  readonly target: string;
  readonly minorVersion: number;
  readonly fieldMask: number;
  readonly #headers: IncomingHttpHeaders;

  constructor(
    request: IncomingMessage,
    target: string,
    headers: IncomingHttpHeaders = request.headers,
    method = request.method,
  ) {
    this.method = method ?? "GET";
    this.target = target;
    this.minorVersion = request.httpVersionMajor === 1 ? request.httpVersionMinor : 1;
    this.#headers = headers;
    let mask = 0;
    for (const [id, name] of DECIDING_FIELDS) if (headers[name] !== undefined) mask |= 1 << id;
    this.fieldMask = mask;
  }

  field(name: FieldId | string): string | undefined {
    const value = this.#headers[typeof name === "string" ? name : (FIELD_NAMES[name] ?? "")];
    return typeof value === "object" ? value.join(", ") : value;
  }
}

/** Carries a plan out. */
function send(request: IncomingMessage, response: ServerResponse, plan: ResponsePlan, base: string): void {
  // Bytes of the mount's memory are with the socket until the response is closed, one way or the other.
  response.once("close", () => plan.release?.());
  if (response.destroyed || response.headersSent) {
    response.destroy();
    return;
  }
  if (plan.close === true) response.shouldKeepAlive = false;
  if (plan.earlyHints !== undefined && request.httpVersion !== "1.0") {
    response.writeEarlyHints({ link: plan.earlyHints.fields.filter((_, i) => i % 2 === 1) });
  }
  writeHead(request, response, plan, base);
  sendBody(response, plan.body).catch(() => {
    // The promised length cannot be kept: a connection that is cut is the only way to say so.
    response.destroy();
  });
}

function writeHead(
  request: IncomingMessage,
  response: ServerResponse,
  { head }: ResponsePlan,
  base: string,
): void {
  const { fields } = head;
  // The page that an application shows for an error of its own.
  const status = head.status === 200 && response.statusCode >= 400 ? response.statusCode : head.status;
  if (base === "" && request.httpVersionMajor === 1 && response.getHeaderNames().length === 0) {
    response.writeHead(status, fields as string[]);
    return;
  }
  // Middleware in front may have set fields of its own: they stay unless the plan has them.
  if (head.status !== 200 && head.status !== 206) {
    for (const name of ABOUT_CONTENT) response.removeHeader(name);
  }
  const isFile = head.status === 200 || head.status === 206 || head.status === 304;
  const values = new Map<string, string[]>();
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    const value = fields[i + 1]!;
    if (isFile && isTheirs(name, value) && response.hasHeader(name)) continue;
    const all = values.get(name) ?? [];
    all.push(name === "Location" && value.startsWith("/") ? base + value : value);
    values.set(name, all);
  }
  const vary = response.getHeader("vary");
  for (const [name, all] of values) response.setHeader(name, all.length === 1 ? all[0]! : all);
  const own = values.get("Vary");
  if (own !== undefined && vary !== undefined) {
    response.setHeader("Vary", mergeFields(["Vary", String(vary)], ["Vary", own.join(", ")])[1]!);
  }
  response.writeHead(status);
}

/** Who says "no-store", or knows the type better, must not be overruled by a default. */
function isTheirs(name: string, value: string): boolean {
  return name === "Cache-Control" || (name === "Content-Type" && !value.startsWith("multipart/byteranges"));
}

/** What was said of the file: a 304 must not say it (RFC 9110 §15.4.5), and of another page it is not true. */
const ABOUT_CONTENT = [
  "Content-Type",
  "Content-Encoding",
  "Content-Language",
  "Content-Length",
  "Content-Range",
];

async function sendBody(response: ServerResponse, body: PlanBody): Promise<void> {
  if (body.kind === "none") response.end();
  else if (body.kind === "bytes") response.end(body.bytes);
  else await sendChunks(response, body.kind === "segments" ? readSegments(body.segments) : body.chunks);
}

/** Leaving the loop early ends the iteration, so the source is told when the client goes away. */
async function sendChunks(response: ServerResponse, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of chunks) {
    if (response.destroyed) return;
    if (!response.write(chunk)) await drained(response);
  }
  response.end();
}

function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return Promise.resolve();
  return new Promise((done) => {
    const finish = (): void => {
      response.off("drain", finish);
      response.off("close", finish);
      done();
    };
    response.on("drain", finish);
    response.on("close", finish);
  });
}
