import { CloudtermError, checkUserName, hashPassword } from "@tz/cloudterm";
import type { ResponsePlan } from "@tz/http1";
import type { App, ServerRequest } from "@tz/server";
import { SETUP_PURPOSE } from "../first-run/setup-link.js";
import type { GatewayParts } from "../gateway-parts.js";
import { hashSchemeOf } from "../hash-scheme.js";
import { attemptOf, beginAttempt, failedAttempt, logIn, underLimits, welcome } from "../login-flow.js";
import { bodyOf, reply, textIn } from "../replies.js";
import { checkTransport, identify } from "../request-guard.js";
import { userOfSingleSignOn } from "../single-sign-on.js";

/** Between the password and the code. */
const SECOND_FACTOR_MS = 5 * 60_000;
const SECOND_FACTOR = "second-factor";
const PASSWORD_LENGTH_MAX = 4096;

/** Somebody who has given a password, and is asked for a code. */
interface PasswordKnown {
  readonly user: string;
  readonly startedMs: number;
}

/** What can be asked for without a session, below `api/`. */
export const PUBLIC_LOGIN_PATHS = ["session", "login", "login/code", "setup"];

export function addLoginRoutes(app: App, parts: GatewayParts, base: string): void {
  app.get(`${base}/api/session`, async (request) => {
    const identity = await identify(parts, request);
    if (identity !== undefined) return reply(parts, welcome(parts, identity.user, identity.session));
    const named = parts.header?.userOf(request);
    if (named !== undefined) return logInByHeader(parts, request, named);
    return reply(
      parts,
      {
        error: "TZ_CLOUDTERM_SESSION",
        setup: parts.users.size === 0,
        singleSignOn: parts.oidc !== undefined,
      },
      { status: 401 },
    );
  });

  app.post(`${base}/api/login`, async (request) => {
    checkTransport(parts, request);
    const body = await bodyOf(request);
    const name = textIn(body, "user");
    const attempt = attemptOf(parts, request, name);
    const password = Buffer.from(textIn(body, "password", PASSWORD_LENGTH_MAX));
    const user = await underLimits(parts, attempt, () =>
      parts.passwords.verify(name, password, attempt.device !== undefined),
    );
    if (user === undefined) throw failedAttempt(parts, attempt, "password");
    if (user.totp !== undefined) {
      const ticket = await newTicket(parts, { user: user.name, startedMs: attempt.startedMs });
      return reply(parts, { next: "code", ticket });
    }
    const { session, fields } = await logIn(parts, request, user, attempt, "password");
    return reply(parts, welcome(parts, user, session), { more: fields });
  });

  app.post(`${base}/api/login/code`, async (request) => {
    checkTransport(parts, request);
    const body = await bodyOf(request);
    const code = textIn(body, "code", 64);
    const value = await parts.tickets.take(SECOND_FACTOR, textIn(body, "ticket"));
    const known = value === undefined ? undefined : (JSON.parse(value) as PasswordKnown);
    const user = known && parts.users.get(known.user);
    if (known === undefined || user === undefined || known.startedMs < user.sessionsFromMs)
      throw new CloudtermError("TZ_CLOUDTERM_LOGIN", "the login took too long; begin again");
    const attempt = { ...attemptOf(parts, request, user.name), startedMs: known.startedMs };
    try {
      await beginAttempt(parts, attempt);
    } catch (error) {
      throw Object.assign(error as Error, { ticket: await newTicket(parts, known) });
    }
    const how = await parts.secondFactor.verify(user, code);
    if (how === undefined) {
      failedAttempt(parts, attempt, "code");
      // The ticket is used up: a new one lets the user try again without the password.
      const ticket = await newTicket(parts, known);
      return reply(
        parts,
        { error: "TZ_CLOUDTERM_LOGIN", message: "that is no code that counts now", ticket },
        { status: 401 },
      );
    }
    const { session, fields } = await logIn(parts, request, user, attempt, how);
    const now = parts.users.get(user.name) ?? user;
    return reply(parts, welcome(parts, now, session), { more: fields });
  });

  app.post(`${base}/api/setup`, async (request) => {
    checkTransport(parts, request);
    const body = await bodyOf(request);
    const name = checkUserName(textIn(body, "user"));
    const password = Buffer.from(textIn(body, "password", PASSWORD_LENGTH_MAX));
    const ticket = textIn(body, "ticket");
    try {
      if (parts.users.size > 0)
        throw new CloudtermError("TZ_CLOUDTERM_SETUP", "the gateway has users already");
      // A password that will not do must not use up the link.
      const hash = await underLimits(parts, attemptOf(parts, request, "setup"), () =>
        parts.queue.run(() => hashPassword(password, hashSchemeOf(parts.config))),
      );
      if ((await parts.tickets.take(SETUP_PURPOSE, ticket)) === undefined)
        throw new CloudtermError("TZ_CLOUDTERM_SETUP");
      const user = await parts.users.add({ name, role: "admin", hash });
      parts.audit.write({ event: "setup", user: name, address: request.client.address });
      const { session, fields } = await logIn(parts, request, user, attemptOf(parts, request, name), "setup");
      return reply(parts, welcome(parts, user, session), { more: fields });
    } finally {
      password.fill(0);
    }
  });
}

/** A proxy in front has logged somebody in. */
async function logInByHeader(
  parts: GatewayParts,
  request: ServerRequest,
  name: string,
): Promise<ResponsePlan> {
  checkTransport(parts, request);
  const user = await userOfSingleSignOn(parts, name, request, "header").catch((error: unknown) => {
    failedAttempt(parts, attemptOf(parts, request, name), "header");
    throw error;
  });
  const { session, fields } = await logIn(parts, request, user, attemptOf(parts, request, name), "header");
  return reply(parts, welcome(parts, user, session), { more: fields });
}

function newTicket({ tickets }: GatewayParts, known: PasswordKnown): Promise<string> {
  return tickets.put(SECOND_FACTOR, JSON.stringify(known), SECOND_FACTOR_MS);
}
