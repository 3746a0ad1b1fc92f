import { ServerError } from "../errors.js";

/** What `Strict-Transport-Security` says (RFC 6797 §6.1). */
export interface HstsOptions {
  /** How long browsers come by HTTPS only. Default a year. 0 makes them forget. */
  readonly maxAgeS?: number;
  /** For names below as well. Default `false`. */
  readonly includeSubDomains?: boolean;
  /** Asks to be on the list that browsers ship. Default `false`. */
  readonly preload?: boolean;
}

const YEAR_S = 31_536_000;
const MAX_AGE_MAX_S = 100 * YEAR_S;
const NAMES = ["maxAgeS", "includeSubDomains", "preload"];

/**
 * @returns the field's value, `undefined` when it is off
 * @throws ServerError `TZ_SERVER_OPTION`
 */
export function hstsValue(given: boolean | HstsOptions | undefined): string | undefined {
  if (given === undefined || given === false) return undefined;
  if (given !== true && (typeof given !== "object" || given === null)) {
    throw refusal("tls.hsts", given, "true, false, an object");
  }
  const options: HstsOptions = given === true ? {} : given;
  for (const name of Object.keys(options)) {
    if (!NAMES.includes(name)) throw refusal("unknown option tls.hsts", name, NAMES.join(", "));
  }
  const { maxAgeS = YEAR_S, includeSubDomains = false, preload = false } = options;
  if (!Number.isInteger(maxAgeS) || maxAgeS < 0 || maxAgeS > MAX_AGE_MAX_S) {
    throw refusal("tls.hsts.maxAgeS", maxAgeS, `a whole number of seconds from 0 to ${MAX_AGE_MAX_S}`);
  }
  for (const [name, value] of Object.entries({ includeSubDomains, preload })) {
    if (typeof value !== "boolean") throw refusal(`tls.hsts.${name}`, value, "true, false");
  }
  return `max-age=${maxAgeS}${includeSubDomains ? "; includeSubDomains" : ""}${preload ? "; preload" : ""}`;
}

function refusal(name: string, value: unknown, allowed: string): ServerError {
  return new ServerError("TZ_SERVER_OPTION", `${name} is ${String(value)}; allowed: ${allowed}`);
}
