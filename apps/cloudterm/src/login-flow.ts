import {
  CloudtermError,
  cookieField,
  type LoginAttempt,
  readCookie,
  type Session,
  type User,
  userName,
} from "@tz/cloudterm";
import type { ServerRequest } from "@tz/server";
import type { GatewayParts } from "./gateway-parts.js";
import { deviceCookie, sessionCookie } from "./request-guard.js";

const DEVICE_AGE_SECONDS = 180 * 86_400;
const NAME_LENGTH_MAX = 64;

/** What limits are counted by. */
export function attemptOf(parts: GatewayParts, request: ServerRequest, name: string): LoginAttempt {
  const account = userName(name) ?? name.slice(0, NAME_LENGTH_MAX);
  const mark = readCookie(request.field("cookie"), deviceCookie(request));
  return { address: request.client.address, account, device: parts.marks.read(account, mark) };
}

/** @throws CloudtermError `TZ_CLOUDTERM_RATE` */
export async function beginAttempt(parts: GatewayParts, attempt: LoginAttempt): Promise<void> {
  try {
    await parts.limits.begin(attempt);
  } catch (error) {
    parts.metrics.count("logins_limited");
    const { account: user, address } = attempt;
    parts.audit.write({ event: "login.limited", user, address });
    throw error;
  }
}

/** @returns the error to throw */
export function failedAttempt(parts: GatewayParts, attempt: LoginAttempt, how: string): CloudtermError {
  parts.metrics.count("logins_failed");
  const { account: user, address } = attempt;
  parts.audit.write({ event: "login.failed", user, address, how });
  return new CloudtermError("TZ_CLOUDTERM_LOGIN");
}

export interface LoggedIn {
  readonly session: Session;
  /** `Set-Cookie` fields. */
  readonly fields: readonly string[];
}

/** A new session; the one that the browser had is gone. */
export async function logIn(
  parts: GatewayParts,
  request: ServerRequest,
  user: User,
  attempt: LoginAttempt,
  how: string,
): Promise<LoggedIn> {
  const cookie = sessionCookie(request);
  const before = await parts.sessions.find(readCookie(request.field("cookie"), cookie));
  const { address } = attempt;
  const agent = request.field("user-agent") ?? "";
  const session = await parts.sessions.create({ user: user.name, address, agent });
  if (before !== undefined) await parts.sessions.revoke([before]);
  await parts.limits.succeeded(attempt);
  parts.metrics.count("logins");
  parts.audit.write({ event: "login", user: user.name, address, how, session: session.record.id });
  const mark = parts.marks.issue(user.name);
  return {
    session,
    fields: [
      "Set-Cookie",
      cookieField(cookie, session.secret),
      "Set-Cookie",
      cookieField(deviceCookie(request), mark, { maxAgeSeconds: DEVICE_AGE_SECONDS }),
    ],
  };
}

/** How the account is entered has changed: the same login under a new secret; the sockets of the old one are closed. */
export async function renew(
  parts: GatewayParts,
  request: ServerRequest,
  session: Session,
): Promise<LoggedIn> {
  const renewed = await parts.sessions.rotate(session);
  return {
    session: renewed,
    fields: ["Set-Cookie", cookieField(sessionCookie(request), renewed.secret)],
  };
}

/** What a page needs to know of who is logged in. */
export function welcome(
  { terminals, config, hosts, upstreams }: GatewayParts,
  user: User,
  session: Session,
): object {
  return {
    user: user.name,
    role: user.role,
    session: session.record.id,
    csrfToken: session.csrfToken,
    hasPassword: user.hash !== undefined,
    hasTotp: user.totp !== undefined,
    recoveryLeft: user.recovery.length,
    passkeys: user.passkeys.map(({ id, name, createdMs }) => ({ id, name, createdMs })),
    backends: terminals.backendNames,
    hosts,
    upstreams,
    limits: { terminals: config.maxTerminalsPerUser },
  };
}
