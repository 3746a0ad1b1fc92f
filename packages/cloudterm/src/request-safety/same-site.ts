import { createHash, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import { CloudtermError, shown } from "../errors.js";
import type { RequestView } from "./request-view.js";

export interface SameSiteOptions {
  /**
   * The names that the gateway is reached by: `term.example`, `term.example:8443`. Addresses and `localhost` need not be
   * listed: nobody can point them elsewhere.
   */
  readonly hosts?: readonly string[];
}

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Keeps other sites' pages out. `Host` must be one of the gateway's names, so that a page whose name was pointed at the
 * gateway's address (DNS rebinding) gets nothing; `Origin` must be the gateway's own on every upgrade and every method
 * that is not safe, so that no page of another site speaks with the cookies of its visitor.
 */
export class SameSite {
  readonly #hosts: ReadonlySet<string>;

  /** @throws CloudtermError `TZ_CLOUDTERM_OPTION` */
  constructor({ hosts = [] }: SameSiteOptions = {}) {
    for (const host of hosts) {
      if (/^[a-z0-9.-]+(:\d{1,5})?$|^\[[0-9a-f:.]+\](:\d{1,5})?$/i.test(host)) continue;
      throw new CloudtermError(
        "TZ_CLOUDTERM_OPTION",
        `option hosts has ${shown(host)}; allowed: a name or address with an optional port (term.example:8443)`,
      );
    }
    this.#hosts = new Set(hosts.map((host) => host.toLowerCase()));
  }

  /**
   * Before anything else looks at the request.
   * @throws CloudtermError `TZ_CLOUDTERM_HOST`, `TZ_CLOUDTERM_ORIGIN`
   */
  check(request: RequestView): void {
    this.checkHost(request);
    if (request.upgrade || !SAFE.has(request.method)) this.checkOrigin(request);
  }

  /** @throws CloudtermError `TZ_CLOUDTERM_HOST` */
  checkHost({ scheme, host }: RequestView): void {
    const given = host.toLowerCase();
    const name = given.replace(/:\d*$/, "");
    if (isIP(name.replace(/^\[(.*)\]$/, "$1")) !== 0 || name === "localhost") return;
    const port = given.slice(name.length + 1) || (scheme === "https" ? "443" : "80");
    const isDefault = port === (scheme === "https" ? "443" : "80");
    if (this.#hosts.has(`${name}:${port}`) || (isDefault && this.#hosts.has(name))) return;
    throw new CloudtermError("TZ_CLOUDTERM_HOST", `Host ${shown(host)} is none of the gateway's names`);
  }

  /** @throws CloudtermError `TZ_CLOUDTERM_ORIGIN` */
  checkOrigin(request: RequestView): void {
    const { scheme, host } = request;
    const origin = request.field("origin");
    if (origin !== undefined && origin === originOf(scheme, host)) return;
    throw new CloudtermError(
      "TZ_CLOUDTERM_ORIGIN",
      origin === undefined ? "Origin is missing" : `Origin ${shown(origin)} is not the gateway's own`,
    );
  }
}

/** The serialized origin, without a port that is the scheme's own (RFC 6454 §6.2). */
function originOf(scheme: string, host: string): string | undefined {
  try {
    return new URL(`${scheme}://${host}`).origin;
  } catch {
    return undefined;
  }
}

/**
 * @param given what came in `X-CSRF-Token`
 * @throws CloudtermError `TZ_CLOUDTERM_CSRF`
 */
export function checkCsrfToken(given: string | undefined, token: string): void {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  if (given === undefined || !timingSafeEqual(digest(given), digest(token))) {
    throw new CloudtermError("TZ_CLOUDTERM_CSRF");
  }
}
