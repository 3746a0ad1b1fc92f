import {
  CloudtermError,
  type CookieName,
  checkCsrfToken,
  cookieName,
  type RequestView,
  readCookie,
  type Session,
  type User,
  type UserLookup,
} from "@tz/cloudterm";
import type { ServerRequest } from "@tz/server";
import type { GatewayParts } from "./gateway-parts.js";
import { TICKET_FIELD } from "./peers/peers.js";

/** Who a request is from. */
export interface Identity {
  readonly session: Session;
  readonly user: User;
}

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);
const identities = new WeakMap<object, Identity>();

export function viewOf(request: ServerRequest): RequestView {
  const { scheme, host } = request.client;
  return {
    method: request.method,
    upgrade: request.upgrade,
    scheme,
    host,
    field: (name) => request.field(name),
  };
}

/**
 * Looks at every request before anything else does. What is not public by its exact spelling needs a session: a path
 * that is spelled in some other way reaches no route without one.
 * @throws CloudtermError `TZ_CLOUDTERM_HOST`, `TZ_CLOUDTERM_SESSION`, `TZ_CLOUDTERM_ORIGIN`, `TZ_CLOUDTERM_CSRF`
 */
export async function guard(
  parts: GatewayParts,
  request: ServerRequest,
  isPublic: (path: string) => boolean,
): Promise<void> {
  const ticket = parts.peers === undefined ? undefined : request.field(TICKET_FIELD);
  if (ticket !== undefined) {
    await admitPeer(parts, request, ticket);
    return;
  }
  const view = viewOf(request);
  parts.site.checkHost(view);
  const isUnsafe = request.upgrade || !SAFE.has(request.method);
  const { path, upgrade } = request;
  if (isPublic(path)) {
    if (isUnsafe) parts.site.checkOrigin(view);
    return;
  }
  const csrf = request.field("x-csrf-token");
  const identity = await identify(parts, request);
  if (identity === undefined) throw new CloudtermError("TZ_CLOUDTERM_SESSION");
  if (!isUnsafe) return;
  parts.site.checkOrigin(view);
  if (!upgrade) checkCsrfToken(csrf, identity.session.csrfToken);
}

/**
 * Another gateway has judged the request, and says whose it is. Without a session it reaches what needs none.
 * @throws CloudtermError `TZ_CLOUDTERM_SESSION`
 */
async function admitPeer(parts: GatewayParts, request: ServerRequest, ticket: string): Promise<void> {
  const { session: record } = await parts.peers!.admit(request, ticket);
  if (record === undefined) return;
  // What proves the session stays where it was shown.
  const session = { record, key: "", secret: "", csrfToken: "" };
  const user = userOf(parts, session);
  if (user === undefined) throw new CloudtermError("TZ_CLOUDTERM_SESSION");
  identities.set(request, { session, user });
}

/** Of the browser, also when another gateway passed its request on. */
export function addressOf(
  { peers }: GatewayParts,
  request: { readonly client: { readonly address: string } },
): string {
  return peers?.claimsOf(request)?.address ?? request.client.address;
}

/** The session of the request's cookie, if its user is still one. */
export async function identify(parts: GatewayParts, request: ServerRequest): Promise<Identity | undefined> {
  const known = identities.get(request);
  if (known !== undefined) return known;
  const session = await parts.sessions.find(readCookie(request.field("cookie"), sessionCookie(request)));
  if (session === undefined) return undefined;
  const user = userOf(parts, session);
  // The proxy says that somebody else is there now.
  const named = parts.header?.userOf(request);
  if (named !== undefined && named !== session.record.user) return undefined;
  if (user === undefined) {
    await parts.sessions.revoke([session]);
    return undefined;
  }
  const identity = { session, user };
  identities.set(request, identity);
  return identity;
}

/** Removed users and logins from before a new password have none. */
export function userOf({ users }: { readonly users: UserLookup }, { record }: Session): User | undefined {
  const user = users.get(record.user);
  return user !== undefined && record.createdMs >= user.sessionsFromMs ? user : undefined;
}

/**
 * For a change that was begun by a session: somebody may have ended all sessions since.
 * @param now the user as the change finds it
 * @throws CloudtermError `TZ_CLOUDTERM_SESSION`
 */
export function checkStillIn(now: User, { record }: Session): void {
  if (record.createdMs < now.sessionsFromMs) throw new CloudtermError("TZ_CLOUDTERM_SESSION");
}

/** Who a guarded request is from. */
export function identityOf(request: object): Identity {
  const identity = identities.get(request);
  if (identity === undefined) throw new CloudtermError("TZ_CLOUDTERM_SESSION");
  return identity;
}

/** @throws CloudtermError `TZ_CLOUDTERM_FORBIDDEN` */
export function adminOf(request: object): Identity {
  const identity = identityOf(request);
  if (identity.user.role !== "admin")
    throw new CloudtermError("TZ_CLOUDTERM_FORBIDDEN", "for administrators only");
  return identity;
}

export function sessionCookie(request: ServerRequest): CookieName {
  return cookieName("cloudterm", request.client.scheme);
}

export function deviceCookie(request: ServerRequest): CookieName {
  return cookieName("cloudterm-device", request.client.scheme);
}

/**
 * A password must not cross a network in the clear.
 * @throws CloudtermError `TZ_CLOUDTERM_FORBIDDEN`
 */
export function checkTransport({ config }: GatewayParts, request: ServerRequest): void {
  const { scheme, host } = request.client;
  if (scheme === "https" || config.insecureHttp || isLoopback(host)) return;
  throw new CloudtermError(
    "TZ_CLOUDTERM_FORBIDDEN",
    "logins need HTTPS: start the gateway with --tls-cert and --tls-key, put a TLS proxy in front of it, or allow plain HTTP with --insecure-http",
  );
}

function isLoopback(host: string): boolean {
  const name = host.replace(/:\d*$/, "").toLowerCase();
  return name === "localhost" || name === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(name);
}
