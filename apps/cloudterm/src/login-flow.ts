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
import { deviceCookie, sessionCookie, userOf } from "./request-guard.js";

const DEVICE_AGE_SECONDS = 180 * 86_400;
const NAME_LENGTH_MAX = 64;

/** An attempt to log in, or to confirm that it is still the same person. */
export interface Attempt extends LoginAttempt {
  /** What is proven counts as proven then: a password that is changed while the old one is verified logs nobody in. */
  readonly startedMs: number;
}

/** What limits are counted by. */
export function attemptOf(parts: GatewayParts, request: ServerRequest, name: string): Attempt {
  const account = userName(name) ?? name.slice(0, NAME_LENGTH_MAX);
  const mark = readCookie(request.field("cookie"), deviceCookie(request));
  return {
    address: request.client.address,
    account,
    device: parts.marks.read(account, mark),
    startedMs: Date.now(),
  };
}

/**
 * Looks at a password or makes a hash, under the limits. When there is no room to look, it is no attempt that counts.
 * @throws CloudtermError `TZ_CLOUDTERM_RATE`, `TZ_CLOUDTERM_BUSY`
 */
export async function underLimits<Result>(
  parts: GatewayParts,
  attempt: LoginAttempt,
  look: () => Promise<Result>,
): Promise<Result> {
  await beginAttempt(parts, attempt);
  try {
    return await look();
  } catch (error) {
    if (error instanceof CloudtermError && error.code === "TZ_CLOUDTERM_BUSY") {
      parts.metrics.count("logins_busy");
      await parts.limits.withdraw(attempt);
    }
    throw error;
  }
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
  attempt: Attempt,
  how: string,
): Promise<LoggedIn> {
  const cookie = sessionCookie(request);
  const before = await parts.sessions.find(readCookie(request.field("cookie"), cookie));
  const { address } = attempt;
  const agent = request.field("user-agent") ?? "";
  const sinceMs = attempt.startedMs;
  const session = await parts.sessions.create({ user: user.name, address, agent, sinceMs });
  if (userOf(parts, session) === undefined) {
    // Somebody has changed the password, or removed the user, since this login began.
    await parts.sessions.revoke([session]);
    throw new CloudtermError("TZ_CLOUDTERM_LOGIN", "the account was changed meanwhile; begin again");
  }
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

/**
 * How the account is entered has changed: the same login under a new secret; the sockets of the old one are closed.
 * @param undo takes the change back when the login was ended while it was stored: whoever ended it ended this, too
 */
export async function renew(
  parts: GatewayParts,
  request: ServerRequest,
  session: Session,
  undo: () => Promise<unknown> = async () => {},
): Promise<LoggedIn> {
  const renewed = await parts.sessions.rotate(session).catch(async (error: unknown) => {
    if (error instanceof CloudtermError && error.code === "TZ_CLOUDTERM_SESSION") await undo();
    throw error;
  });
  if (userOf(parts, renewed) === undefined) {
    // On the command line a new password ends logins by their time alone.
    await undo();
    await parts.sessions.revoke([renewed]);
    throw new CloudtermError("TZ_CLOUDTERM_SESSION");
  }
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
