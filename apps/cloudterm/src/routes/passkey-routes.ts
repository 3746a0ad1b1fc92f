import { CloudtermError, type PasskeySite } from "@tz/cloudterm";
import type { App, ServerRequest } from "@tz/server";
import type { GatewayParts } from "../gateway-parts.js";
import { attemptOf, beginAttempt, failedAttempt, logIn, renew, welcome } from "../login-flow.js";
import { bodyOf, reply, textIn } from "../replies.js";
import { addressOf, checkTransport, identityOf } from "../request-guard.js";
import { confirmPassword, PASSWORD_LENGTH_MAX } from "./account-routes.js";

export const PUBLIC_PASSKEY_PATHS = ["login/passkey", "login/passkey/finish"];
/** What attempts with a passkey of nobody are counted by. */
const NOBODY = "passkey";

/** Passkeys: log in with one, add one, remove one. */
export function addPasskeyRoutes(app: App, parts: GatewayParts, base: string): void {
  const { passkeys } = parts;
  const note = (request: ServerRequest, event: string, detail: object) =>
    parts.audit.write({
      event,
      user: identityOf(request).user.name,
      address: addressOf(parts, request),
      ...detail,
    });

  app.post(`${base}/api/login/passkey`, async (request) => {
    checkTransport(parts, request);
    await parts.limits.beginChallenge(request.client.address);
    return reply(parts, await passkeys.beginLogin(siteOf(request)));
  });

  app.post(`${base}/api/login/passkey/finish`, async (request) => {
    checkTransport(parts, request);
    const site = siteOf(request);
    const { response, ...body } = await bodyOf(request);
    const ticket = textIn(body, "ticket");
    const attempt = attemptOf(parts, request, passkeys.claimedBy(response)?.name ?? NOBODY);
    await beginAttempt(parts, attempt);
    const user = await passkeys.finishLogin(site, { ticket, response });
    if (user === undefined) throw failedAttempt(parts, attempt, "passkey");
    const { session, fields } = await logIn(parts, request, user, attempt, "passkey");
    return reply(parts, welcome(parts, user, session), { more: fields });
  });

  app.post(`${base}/api/account/passkeys`, async (request) => {
    checkTransport(parts, request);
    return reply(parts, await passkeys.beginRegistration(identityOf(request).user, siteOf(request)));
  });

  app.post(`${base}/api/account/passkeys/finish`, async (request) => {
    checkTransport(parts, request);
    const identity = identityOf(request);
    const { response, ...body } = await bodyOf(request);
    await confirmed(parts, request, body);
    const added = { ticket: textIn(body, "ticket"), response, name: textIn(body, "name", 200) };
    const user = await passkeys.finishRegistration(identity.user, siteOf(request), added);
    const newest = user.passkeys.at(-1)!;
    const { session, fields } = await renew(parts, request, identity.session, () =>
      parts.users.update(user.name, (now) => ({
        passkeys: now.passkeys.filter(({ id }) => id !== newest.id),
      })),
    );
    note(request, "passkey.added", { name: newest.name });
    return reply(parts, welcome(parts, user, session), { status: 201, more: fields });
  });

  app.post(`${base}/api/account/passkeys/remove`, async (request) => {
    checkTransport(parts, request);
    const identity = identityOf(request);
    const body = await bodyOf(request);
    await confirmed(parts, request, body);
    const id = textIn(body, "id");
    const name = identity.user.passkeys.find((each) => each.id === id)?.name;
    const user = await passkeys.remove(identity.user, id);
    note(request, "passkey.removed", { name });
    const { session, fields } = await renew(parts, request, identity.session);
    return reply(parts, welcome(parts, user, session), { more: fields });
  });
}

/** A page that was left open must not be enough; who has no password cannot give one. */
async function confirmed(
  parts: GatewayParts,
  request: ServerRequest,
  body: Readonly<Record<string, unknown>>,
): Promise<void> {
  const identity = identityOf(request);
  if (identity.user.hash === undefined) return;
  await confirmPassword(parts, request, identity, textIn(body, "password", PASSWORD_LENGTH_MAX));
}

/** The origin was found to be the gateway's own before: see request-guard.ts. */
function siteOf(request: ServerRequest): PasskeySite {
  const origin = request.field("origin");
  if (origin === undefined) throw new CloudtermError("TZ_CLOUDTERM_ORIGIN");
  return { origin };
}
