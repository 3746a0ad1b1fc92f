import { CloudtermError, checkUserName, hashPassword } from "@tz/cloudterm";
import type { App, ServerRequest } from "@tz/server";
import type { GatewayParts } from "../gateway-parts.js";
import { hashSchemeOf } from "../hash-scheme.js";
import { bodyOf, reply, textIn } from "../replies.js";
import { addressOf, adminOf, checkTransport } from "../request-guard.js";
import { sessionInfo } from "./account-routes.js";
import { atHome, type OfTerminal } from "./at-home.js";

const SESSIONS_MAX = 1000;
const AUDIT_MAX = 500;
const PASSWORD_LENGTH_MAX = 4096;

/** A line of the audit log; its time is text that sorts by itself. */
interface AuditLine {
  readonly time: string;
}

export function addAdminRoutes(app: App, parts: GatewayParts, base: string): void {
  const { users, sessions, terminals, invites, audit } = parts;
  const note = (request: Pick<ServerRequest, "client">, event: string, detail = {}) =>
    audit.write({ event, user: adminOf(request).user.name, address: addressOf(parts, request), ...detail });

  app.get(`${base}/api/admin/users`, async (request) => {
    adminOf(request);
    const list = users.list().map(({ name, role, hash, totp, passkeys, createdMs }) => ({
      name,
      role,
      createdMs,
      hasPassword: hash !== undefined,
      hasTotp: totp !== undefined,
      passkeys: passkeys.length,
    }));
    return reply(parts, { users: list });
  });

  app.post(`${base}/api/admin/users`, async (request) => {
    checkTransport(parts, request);
    adminOf(request);
    const body = await bodyOf(request);
    const name = checkUserName(textIn(body, "name"));
    const role = body.role === "admin" ? "admin" : "user";
    const hash = await hashed(parts, textIn(body, "password", PASSWORD_LENGTH_MAX));
    await users.add({ name, role, hash });
    note(request, "user.added", { name, role });
    return reply(parts, {}, { status: 201 });
  });

  app.post(`${base}/api/admin/users/:name/password`, async (request) => {
    checkTransport(parts, request);
    adminOf(request);
    const body = await bodyOf(request);
    const hash = await hashed(parts, textIn(body, "password", PASSWORD_LENGTH_MAX));
    const { name } = await users.update(request.params.name, () => ({
      hash,
      sessionsFromMs: Date.now(),
      // Whoever knew the old password may have added one.
      passkeys: [],
    }));
    await sessions.revokeAll(name);
    note(request, "user.password", { name });
    return reply(parts, {});
  });

  app.delete(`${base}/api/admin/users/:name`, async (request) => {
    const { user } = adminOf(request);
    const name = checkUserName(request.params.name);
    if (name === user.name) throw new CloudtermError("TZ_CLOUDTERM_FORBIDDEN", "you cannot remove yourself");
    await users.remove(name);
    await sessions.revokeAll(name);
    invites.revokeAll({ user: name });
    for (const terminal of terminals.ofUser(name)) terminal.end();
    note(request, "user.removed", { name });
    return reply(parts, {});
  });

  app.get(`${base}/api/admin/sessions`, async (request) => {
    adminOf(request);
    return reply(parts, { sessions: (await sessions.all(SESSIONS_MAX)).map(sessionInfo) });
  });

  app.delete(`${base}/api/admin/sessions/:id`, async (request) => {
    adminOf(request);
    const found = (await sessions.all(SESSIONS_MAX)).filter(({ record }) => record.id === request.params.id);
    if (found.length === 0) throw new CloudtermError("TZ_CLOUDTERM_NOT_FOUND");
    await sessions.revoke(found);
    note(request, "session.kicked", { name: found[0]!.record.user, session: request.params.id });
    return reply(parts, {});
  });

  app.get(`${base}/api/admin/terminals`, async (request) => {
    adminOf(request);
    const elsewhere = (await parts.peers?.terminals()) ?? [];
    return reply(parts, { terminals: [...terminals.all.map(({ info }) => info), ...elsewhere] });
  });

  app.delete(
    `${base}/api/admin/terminals/:id`,
    atHome(parts, async (request: OfTerminal) => {
      adminOf(request);
      const terminal = terminals.get(request.params.id);
      if (terminal === undefined) throw new CloudtermError("TZ_CLOUDTERM_NOT_FOUND");
      terminal.end();
      note(request, "terminal.killed", { terminal: terminal.id, name: terminal.user });
      return reply(parts, {});
    }),
  );

  app.get(`${base}/api/admin/audit`, async (request) => {
    const { session } = adminOf(request);
    const own = (await audit.tail(AUDIT_MAX)) as AuditLine[];
    const { peers } = parts;
    if (peers === undefined || peers.claimsOf(request) !== undefined)
      return reply(parts, { events: own, silent: 0 });
    const claims = { session: session.record, address: request.client.address };
    const { answers, silent } = await peers.askAll("/api/admin/audit", claims);
    const others = answers.flatMap(({ url, body }) =>
      (Array.isArray(body.events) ? (body.events as AuditLine[]) : []).map((line) => ({
        ...line,
        gateway: url,
      })),
    );
    const all = [...own, ...others].sort((a, b) => (a.time < b.time ? 1 : -Number(a.time > b.time)));
    return reply(parts, { events: all.slice(0, AUDIT_MAX), silent });
  });
}

async function hashed(parts: GatewayParts, text: string): Promise<string> {
  const password = Buffer.from(text);
  try {
    return await parts.queue.run(() => hashPassword(password, hashSchemeOf(parts.config)), true);
  } finally {
    password.fill(0);
  }
}
