/** A cookie that only the gateway's own pages carry. */
export interface CookieName {
  readonly name: string;
  readonly secure: boolean;
}

/**
 * `__Host-NAME` with `Secure`: no other host, no subdomain and no plain connection can set or read it. On a plain
 * connection, which is for loopback only, browsers would drop it: there it is `NAME`.
 */
export function cookieName(name: string, scheme: "http" | "https"): CookieName {
  return scheme === "https" ? { name: `__Host-${name}`, secure: true } : { name, secure: false };
}

/** The value of a `Set-Cookie` field. @param value base64url text and dots */
export function cookieField(
  { name, secure }: CookieName,
  value: string,
  { maxAgeSeconds, sameSite = "Strict" }: { maxAgeSeconds?: number; sameSite?: "Strict" | "Lax" } = {},
): string {
  const age = maxAgeSeconds === undefined ? "" : `; Max-Age=${maxAgeSeconds}`;
  return `${name}=${value}; Path=/${age}${secure ? "; Secure" : ""}; HttpOnly; SameSite=${sameSite}`;
}

/** Deletes it. */
export function expiredCookie(cookie: CookieName): string {
  return cookieField(cookie, "", { maxAgeSeconds: 0 });
}

/** A cookie of a request; the first of its name. */
export function readCookie(field: string | undefined, { name }: CookieName): string | undefined {
  for (const pair of (field ?? "").split(";")) {
    const equals = pair.indexOf("=");
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return undefined;
}
