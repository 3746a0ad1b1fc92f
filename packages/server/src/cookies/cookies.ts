import { ServerError } from "../errors.js";

/** `cookie-octet`s and what browsers send beside them: no control character, no `;`. */
const VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const ATTRIBUTE = /^[\x20-\x3a\x3c-\x7e]*$/;

/**
 * The cookies of a request (RFC 6265 §5.4). Of a name that comes twice the first counts: browsers send the cookie of
 * the longer path first. Values are as they came, without quotes around them.
 * @returns a record without a prototype
 */
export function parseCookies(field: string | undefined): Readonly<Record<string, string>> {
  const cookies: Record<string, string> = Object.create(null);
  if (field === undefined) return cookies;
  for (const pair of field.split(";")) {
    const equals = pair.indexOf("=");
    if (equals < 0) continue;
    const name = pair.slice(0, equals).trim();
    if (name === "" || name in cookies) continue;
    let value = pair.slice(equals + 1).trim();
    if (value.length > 1 && value.startsWith('"') && value.endsWith('"')) value = value.slice(1, -1);
    cookies[name] = value;
  }
  return cookies;
}

export interface CookieOptions {
  /** Which hosts get it. Default: the one that sets it, alone. */
  readonly domain?: string;
  /** Default `"/"`. */
  readonly path?: string;
  /** How long it is kept; 0 deletes it. Default: until the browser ends. */
  readonly maxAgeSeconds?: number;
  /** Over TLS only. Default `true`. */
  readonly secure?: boolean;
  /** Not for scripts. Default `true`. */
  readonly httpOnly?: boolean;
  /** Whether other sites' requests carry it. Default `"Lax"`. */
  readonly sameSite?: "Strict" | "Lax" | "None";
  /** One jar for each site that embeds this one (CHIPS). Default `false`. */
  readonly partitioned?: boolean;
}

/**
 * The value of a `Set-Cookie` field. The defaults are the careful ones: `Path=/; Secure; HttpOnly; SameSite=Lax`.
 *
 * `__Secure-` demands `Secure`; `__Host-` demands `Secure`, `Path=/` and no `Domain`; `SameSite=None` and `Partitioned`
 * demand `Secure` (RFC 6265bis §4.1.3): browsers would drop the cookie without a word, so it is an error here.
 * @param value as it shall be sent: encode what is not a visible ASCII character other than `" , ; \`
 * @throws ServerError `TZ_SERVER_COOKIE`
 */
export function setCookie(name: string, value: string, options: CookieOptions = {}): string {
  const {
    domain,
    path = "/",
    maxAgeSeconds,
    secure = true,
    httpOnly = true,
    sameSite = "Lax",
    partitioned,
  } = options;
  const lower = name.toLowerCase();
  if (!NAME.test(name)) refuse(name, "its name is not a token");
  if (!VALUE.test(value)) refuse(name, "its value has characters that must be encoded");
  if (!ATTRIBUTE.test(path) || !path.startsWith("/"))
    refuse(name, "its path must start with / and hold no ;");
  if (domain !== undefined && !/^[A-Za-z0-9.-]+$/.test(domain)) refuse(name, "its domain is no host name");
  if (maxAgeSeconds !== undefined && !Number.isSafeInteger(maxAgeSeconds)) {
    refuse(name, "maxAgeSeconds must be a whole number");
  }
  if (!["Strict", "Lax", "None"].includes(sameSite)) refuse(name, "sameSite must be Strict, Lax or None");
  if (!secure) {
    if (lower.startsWith("__secure-") || lower.startsWith("__host-"))
      refuse(name, "its prefix demands secure");
    if (sameSite === "None") refuse(name, "SameSite=None demands secure");
    if (partitioned === true) refuse(name, "Partitioned demands secure");
  }
  if (lower.startsWith("__host-") && (path !== "/" || domain !== undefined)) {
    refuse(name, "__Host- demands the path / and no domain");
  }
  let cookie = `${name}=${value}; Path=${path}`;
  if (domain !== undefined) cookie += `; Domain=${domain}`;
  if (maxAgeSeconds !== undefined) cookie += `; Max-Age=${maxAgeSeconds}`;
  if (secure) cookie += "; Secure";
  if (httpOnly) cookie += "; HttpOnly";
  cookie += `; SameSite=${sameSite}`;
  return partitioned === true ? `${cookie}; Partitioned` : cookie;
}

function refuse(name: string, why: string): never {
  throw new ServerError("TZ_SERVER_COOKIE", `cookie ${JSON.stringify(name)}: ${why}`);
}
