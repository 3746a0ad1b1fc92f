import { CloudtermError, type Terminal } from "@tz/cloudterm";
import type { App, ServerRequest } from "@tz/server";
import type { GatewayParts } from "../gateway-parts.js";
import type { SharedView } from "../peers/peers.js";
import { bodyOf, reply, textIn } from "../replies.js";
import { addressOf, identityOf } from "../request-guard.js";
import type { SessionWatch } from "../session-watch.js";
import { atHome, type OfTerminal } from "./at-home.js";

/** Between the page that asks and its socket. */
const SHARED_SOCKET_MS = 30_000;
const SHARED_SOCKET = "shared-socket";

/** Without a session: for those who were sent a link. */
export const PUBLIC_TERMINAL_PATHS = ["shared", "shared/socket"];

export function addTerminalRoutes(app: App, parts: GatewayParts, base: string, watch: SessionWatch): void {
  const { terminals, invites, sockets, peers, openings } = parts;
  const own = (request: OfTerminal): Terminal => {
    const terminal = terminals.get(request.params.id);
    if (terminal?.user === identityOf(request).user.name) return terminal;
    throw new CloudtermError("TZ_CLOUDTERM_NOT_FOUND", "there is no such terminal of yours");
  };
  const note = (request: Pick<ServerRequest, "client">, event: string, terminal: Terminal, detail = {}) =>
    parts.audit.write({
      event,
      user: identityOf(request).user.name,
      address: addressOf(parts, request),
      terminal: terminal.id,
      ...detail,
    });

  app.get(`${base}/api/terminals`, async (request) => {
    const { user } = identityOf(request);
    const elsewhere = (await peers?.terminals()) ?? [];
    const own = terminals.ofUser(user.name).map(({ info }) => info);
    return reply(parts, { terminals: [...own, ...elsewhere.filter((info) => info.user === user.name)] });
  });

  app.post(`${base}/api/terminals`, async (request) => {
    const { user, session } = identityOf(request);
    const { columns, rows, backend, choice, record } = await bodyOf(request);
    // A host may take its time; whoever leaves, or is logged out, does not get a terminal afterwards.
    const opening = openings.begin(session.record.id, request.signal);
    watch.add(session);
    try {
      const terminal = await terminals.open({
        user: user.name,
        columns: columns as number | undefined,
        rows: rows as number | undefined,
        backend: backend as string | undefined,
        choice: choice as string | undefined,
        record: record === true,
        signal: opening.signal,
      } as Parameters<typeof terminals.open>[0]);
      return reply(parts, terminal.info, { status: 201 });
    } catch (error) {
      throw opening.over ? new CloudtermError("TZ_CLOUDTERM_SESSION") : error;
    } finally {
      opening.done();
    }
  });

  app.delete(
    `${base}/api/terminals/:id`,
    atHome(parts, async (request: OfTerminal) => {
      own(request).end();
      return reply(parts, {});
    }),
  );

  app.get(
    `${base}/api/terminals/:id/socket`,
    atHome(
      parts,
      async (request: OfTerminal) => {
        const terminal = own(request);
        const { session, user } = identityOf(request);
        watch.add(session);
        return sockets.accept(request as unknown as ServerRequest, {
          terminal,
          access: request.query.get("access") === "read" ? "read" : "write",
          sessionId: session.record.id,
          name: user.name,
          hasRoom: (each) => {
            // Asked when the client says hello, which may be long after the first look at its session.
            watch.add(session);
            return terminals.hasRoom(each);
          },
        });
      },
      // A socket that is passed on is this session's all the same.
      (session) => watch.add(session),
    ),
  );

  app.get(
    `${base}/api/terminals/:id/invites`,
    atHome(parts, async (request: OfTerminal) => {
      return reply(parts, { invites: invites.ofTerminal(own(request).id) });
    }),
  );

  app.post(
    `${base}/api/terminals/:id/invites`,
    atHome(parts, async (request: OfTerminal) => {
      const terminal = own(request);
      const { access, lifeMs } = await bodyOf(request);
      const { invite, secret } = invites.create({
        terminal: terminal.id,
        user: terminal.user,
        access: access as "read",
        lifeMs: lifeMs as number,
      });
      await peers?.addInvite(secret, lifeMs as number);
      note(request, "invite.created", terminal, { invite: invite.id, access: invite.access });
      return reply(parts, { invite, secret }, { status: 201 });
    }),
  );

  app.delete(
    `${base}/api/terminals/:id/invites/:invite`,
    atHome(parts, async (request: ServerRequest<{ readonly id: string; readonly invite: string }>) => {
      const terminal = own(request);
      const { invite } = request.params;
      if (!invites.revoke(terminal.id, invite)) throw new CloudtermError("TZ_CLOUDTERM_NOT_FOUND");
      note(request, "invite.revoked", terminal, { invite });
      return reply(parts, {});
    }),
  );

  // A link's secret never stands in a URL that is sent: it comes in a body and is changed for a ticket.
  app.post(`${base}/api/shared`, async (request) => {
    const body = await bodyOf(request);
    const secret = textIn(body, "secret");
    const invite = invites.enter(secret);
    const terminal = invite && terminals.get(invite.terminal);
    if (invite === undefined || terminal === undefined) {
      // Links of links of other gateways are not followed further.
      const elsewhere =
        peers?.claimsOf(request) === undefined
          ? await peers?.enter(secret, request.client.address)
          : undefined;
      if (elsewhere !== undefined) return reply(parts, elsewhere);
      throw new CloudtermError(
        "TZ_CLOUDTERM_NOT_FOUND",
        "the link is over, or there is no such terminal any more",
      );
    }
    const { id, access, user } = invite;
    parts.audit.write({
      event: "invite.used",
      user,
      address: addressOf(parts, request),
      invite: id,
      terminal: terminal.id,
    });
    const ticket = await parts.tickets.put(
      SHARED_SOCKET,
      JSON.stringify({ terminal: terminal.id, access, invite: id }),
      SHARED_SOCKET_MS,
    );
    return reply(parts, { ticket, access, user, title: terminal.title });
  });

  app.get(`${base}/api/shared/socket`, async (request) => {
    const view = peers?.claimsOf(request)?.shared ?? (await sharedView(parts, request));
    const { terminal: id, access, invite } = view;
    if (terminals.get(id) === undefined) {
      const claims = { shared: view, address: request.client.address };
      const answer = await peers?.forward(request as unknown as ServerRequest, id, claims);
      if (answer !== undefined) return answer;
    }
    const terminal = terminals.get(id);
    // The link may have been revoked since the ticket was made.
    const lives = invites.ofTerminal(id).some((each) => each.id === invite);
    if (terminal === undefined || !lives) throw new CloudtermError("TZ_CLOUDTERM_NOT_FOUND");
    return sockets.accept(request as unknown as ServerRequest, {
      terminal,
      access,
      inviteId: invite,
      name: "a guest",
      hasRoom: (each) => terminals.hasRoom(each),
    });
  });
}

/** What a ticket lets a guest see; good once. @throws CloudtermError `TZ_CLOUDTERM_SESSION` */
async function sharedView(
  { tickets }: GatewayParts,
  request: { readonly query: URLSearchParams },
): Promise<SharedView> {
  const value = await tickets.take(SHARED_SOCKET, request.query.get("ticket") ?? "");
  if (value === undefined) throw new CloudtermError("TZ_CLOUDTERM_SESSION", "the ticket was used or is over");
  return JSON.parse(value) as SharedView;
}
