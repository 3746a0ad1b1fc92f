import {
  CloudtermError,
  cookieField,
  cookieName,
  expiredCookie,
  type OidcLogin,
  readCookie,
} from "@tz/cloudterm";
import type { ResponsePlan } from "@tz/http1";
import { type App, type ServerRequest, text } from "@tz/server";
import type { GatewayParts } from "../gateway-parts.js";
import { attemptOf, failedAttempt, logIn } from "../login-flow.js";
import { checkTransport } from "../request-guard.js";
import { userOfSingleSignOn } from "../single-sign-on.js";

export const PUBLIC_OIDC_PATHS = ["oidc/login", "oidc/callback"];
const OIDC = "oidc";
/** The browser may be away at the provider for so long. */
const AWAY_MS = 10 * 60_000;

/** Single sign-on: out to the provider, and back. A failure leads to the page, which says so. */
export function addOidcRoutes(app: App, parts: GatewayParts, base: string, oidc: OidcLogin): void {
  app.get(`${base}/api/oidc/login`, async (request) => {
    checkTransport(parts, request);
    await parts.limits.beginChallenge(request.client.address);
    const { url, saved } = await oidc.begin(redirectUri(parts, request, base));
    const ticket = await parts.tickets.put(OIDC, saved, AWAY_MS);
    // Lax: the way back is a navigation that begins at another site. It ties the answer to this very browser.
    const cookie = cookieField(awayCookie(request), ticket, {
      maxAgeSeconds: AWAY_MS / 1000,
      sameSite: "Lax",
    });
    return seeOther(parts, url, ["Set-Cookie", cookie]);
  });

  app.get(`${base}/api/oidc/callback`, async (request) => {
    checkTransport(parts, request);
    const away = awayCookie(request);
    const back = (problem: string | undefined, fields: readonly string[] = []) =>
      seeOther(parts, `${base}/${problem === undefined ? "" : `#problem=${encodeURIComponent(problem)}`}`, [
        "Set-Cookie",
        expiredCookie(away),
        ...fields,
      ]);
    const saved = await parts.tickets.take(OIDC, readCookie(request.field("cookie"), away) ?? "");
    if (saved === undefined) return back("The single sign-on took too long, or began in another browser.");
    const { target } = request.keep();
    try {
      const query = target.includes("?") ? target.slice(target.indexOf("?")) : "";
      const user = await userOfSingleSignOn(parts, await oidc.finish(query, saved), request, OIDC);
      const { fields } = await logIn(parts, request, user, attemptOf(parts, request, user.name), OIDC);
      return back(undefined, fields);
    } catch (error) {
      if (!(error instanceof CloudtermError)) throw error;
      failedAttempt(parts, attemptOf(parts, request, OIDC), error.message);
      return back(error.message);
    }
  });
}

function seeOther(parts: GatewayParts, location: string, fields: readonly string[]): ResponsePlan {
  return text("", {
    status: 303,
    fields: ["Location", location, "Cache-Control", "no-store", ...parts.fields, ...fields],
  });
}

function awayCookie(request: ServerRequest) {
  return cookieName("cloudterm-oidc", request.client.scheme);
}

/** The host was found to be the gateway's own before: see request-guard.ts. */
function redirectUri({ config }: GatewayParts, request: ServerRequest, base: string): string {
  const { scheme, host } = request.client;
  return config.oidcRedirectUrl || `${scheme}://${host}${base}/api/oidc/callback`;
}
