import {
  CloudtermError,
  expiredCookie,
  hashPassword,
  newRecoveryCodes,
  newTotpSecret,
  type StoredSession,
  totpUri,
} from "@tz/cloudterm";
import type { App, ServerRequest } from "@tz/server";
import type { GatewayParts } from "../gateway-parts.js";
import { hashSchemeOf } from "../hash-scheme.js";
import { attemptOf, failedAttempt, logIn, renew, underLimits, welcome } from "../login-flow.js";
import { bodyOf, reply, textIn } from "../replies.js";
import { checkStillIn, checkTransport, type Identity, identityOf, sessionCookie } from "../request-guard.js";

const TOTP_SETUP_MS = 10 * 60_000;
export const PASSWORD_LENGTH_MAX = 4096;

export function sessionInfo({ record }: StoredSession): object {
  const { id, user, createdMs, lastSeenMs, endMs, address, agent } = record;
  return { id, user, createdMs, lastSeenMs, endMs, address, agent };
}

export function addAccountRoutes(app: App, parts: GatewayParts, base: string): void {
  const note = (request: ServerRequest, event: string, detail = {}) =>
    parts.audit.write({
      event,
      user: identityOf(request).user.name,
      address: request.client.address,
      ...detail,
    });

  app.post(`${base}/api/logout`, async (request) => {
    const { session } = identityOf(request);
    note(request, "logout");
    await parts.sessions.revoke([session]);
    return reply(
      parts,
      {},
      { more: ["Set-Cookie", expiredCookie(sessionCookie(request)), "Clear-Site-Data", '"cache"'] },
    );
  });

  app.post(`${base}/api/logout-everywhere`, async (request) => {
    const { user } = identityOf(request);
    const count = await parts.sessions.revokeAll(user.name);
    note(request, "logout.everywhere", { count });
    return reply(parts, { count }, { more: ["Set-Cookie", expiredCookie(sessionCookie(request))] });
  });

  app.get(`${base}/api/sessions`, async (request) => {
    const { user, session } = identityOf(request);
    const list = await parts.sessions.list(user.name);
    return reply(parts, { current: session.record.id, sessions: list.map(sessionInfo) });
  });

  app.delete(`${base}/api/sessions/:id`, async (request) => {
    const { user } = identityOf(request);
    const { id } = request.params;
    if (!(await parts.sessions.revokeById(user.name, id))) throw new CloudtermError("TZ_CLOUDTERM_NOT_FOUND");
    note(request, "session.revoked", { session: id });
    return reply(parts, {});
  });

  app.post(`${base}/api/account/password`, async (request) => {
    checkTransport(parts, request);
    const identity = identityOf(request);
    const body = await bodyOf(request);
    const next = Buffer.from(textIn(body, "next", PASSWORD_LENGTH_MAX));
    try {
      await confirmPassword(parts, request, identity, textIn(body, "current", PASSWORD_LENGTH_MAX));
      const hash = await parts.queue.run(() => hashPassword(next, hashSchemeOf(parts.config)), true);
      // A password that was reset meanwhile stays: of this change, or of the login behind it.
      const user = await parts.users.update(identity.user.name, (now) => {
        checkStillIn(now, identity.session);
        return { hash, sessionsFromMs: Date.now() };
      });
      await parts.sessions.revokeAll(user.name);
      note(request, "password.changed");
      const attempt = { ...attemptOf(parts, request, user.name), startedMs: user.sessionsFromMs };
      const { session, fields } = await logIn(parts, request, user, attempt, "password");
      return reply(parts, welcome(parts, user, session), { more: fields });
    } finally {
      next.fill(0);
    }
  });

  app.post(`${base}/api/account/totp`, async (request) => {
    const { user } = identityOf(request);
    const secret = newTotpSecret();
    const ticket = await parts.tickets.put(`totp:${user.name}`, secret, TOTP_SETUP_MS);
    return reply(parts, {
      secret,
      uri: totpUri(secret, user.name, `cloudterm ${request.client.host}`),
      ticket,
    });
  });

  app.post(`${base}/api/account/totp/confirm`, async (request) => {
    checkTransport(parts, request);
    const identity = identityOf(request);
    const { name } = identity.user;
    const body = await bodyOf(request);
    const code = textIn(body, "code", 64);
    await confirmPassword(parts, request, identity, textIn(body, "password", PASSWORD_LENGTH_MAX));
    const secret = await parts.tickets.take(`totp:${name}`, textIn(body, "ticket"));
    if (secret === undefined)
      throw new CloudtermError("TZ_CLOUDTERM_REQUEST", "that took too long; begin again");
    if (!(await parts.secondFactor.verifyTotp(name, secret, code))) {
      const ticket = await parts.tickets.put(`totp:${name}`, secret, TOTP_SETUP_MS);
      const message = "that is not the code; is the clock of the authenticator right?";
      return reply(parts, { error: "TZ_CLOUDTERM_REQUEST", message, ticket }, { status: 400 });
    }
    const { codes, hashes } = newRecoveryCodes();
    const user = await parts.users.update(name, (now) => {
      checkStillIn(now, identity.session);
      // A login that is under way with the password alone is none any more.
      return { totp: { secret }, recovery: hashes, sessionsFromMs: Date.now() };
    });
    note(request, "totp.enabled");
    // What may be done has changed: a new secret for this session, and no other session from before.
    await parts.sessions.revokeAll(name);
    const attempt = { ...attemptOf(parts, request, name), startedMs: user.sessionsFromMs };
    const { session, fields } = await logIn(parts, request, user, attempt, "totp.enabled");
    return reply(parts, { codes, welcome: welcome(parts, user, session) }, { more: fields });
  });

  app.post(`${base}/api/account/totp/disable`, async (request) => {
    checkTransport(parts, request);
    const identity = identityOf(request);
    const body = await bodyOf(request);
    await confirmPassword(parts, request, identity, textIn(body, "password", PASSWORD_LENGTH_MAX));
    const { totp, recovery } = identity.user;
    const user = await parts.users.update(identity.user.name, (now) => {
      checkStillIn(now, identity.session);
      return { totp: undefined, recovery: [] };
    });
    const { session, fields } = await renew(parts, request, identity.session, () =>
      parts.users.update(user.name, (now) => (now.totp === undefined ? { totp, recovery } : undefined)),
    );
    note(request, "totp.disabled");
    return reply(parts, welcome(parts, user, session), { more: fields });
  });
}

/** A page that was left open must not be enough. @throws CloudtermError `TZ_CLOUDTERM_FORBIDDEN`, `TZ_CLOUDTERM_RATE` */
export async function confirmPassword(
  parts: GatewayParts,
  request: ServerRequest,
  { user }: Identity,
  password: string,
): Promise<void> {
  const attempt = attemptOf(parts, request, user.name);
  const right = await underLimits(parts, attempt, () =>
    parts.passwords.verify(user.name, Buffer.from(password), true),
  );
  if (right === undefined) {
    failedAttempt(parts, attempt, "confirmation");
    throw new CloudtermError("TZ_CLOUDTERM_FORBIDDEN", "that is not your password");
  }
  await parts.limits.succeeded(attempt);
}
