import type { Exchange } from "./exchange.fixture.js";
import type { OracleResult } from "./llhttp.fixture.js";
import { WE_ACCEPT, WE_REFUSE } from "./llhttp-differences.fixture.js";

/** Absolute forms are reduced by us and passed on by llhttp. */
function sameTarget(ours: string, theirs: string): boolean {
  if (ours === theirs) return true;
  const reduced = theirs.replace(/^https?:\/\/[^/?]*/i, "");
  return (
    reduced !== theirs && (ours === reduced || ours === `/${reduced}` || (reduced === "" && ours === "*"))
  );
}

/** `undefined` when both agree or differ in a listed way, else what is different. */
export function differenceFrom(ours: Exchange, theirs: OracleResult): string | undefined {
  const common = Math.min(ours.requests.length, theirs.requests.length);
  for (let i = 0; i < common; i++) {
    const a = ours.requests[i]!;
    const b = theirs.requests[i]!;
    // Behind CONNECT it reads content as it comes: the tunnel has begun.
    if (b.method === "CONNECT") return undefined;
    if (a.method !== b.method || !sameTarget(a.target, b.target)) return "request line";
    if (a.fields.join("\n") !== b.fields.join("\n")) return "fields";
    if (a.body !== b.body) return "content";
  }
  if (theirs.upgraded) return undefined;
  // It judges targets and lengths as they come, we judge them when the head is complete.
  if (ours.end === "wait" && ours.inHead && ours.requests.length === common) return undefined;
  const ourError = ours.error?.code.slice("TZ_HTTP1_".length);
  if (ours.requests.length > common || (ourError === undefined && theirs.error !== undefined)) {
    return theirs.error !== undefined && theirs.error in WE_ACCEPT
      ? undefined
      : `accepted by us: ${theirs.error}`;
  }
  if (ourError !== undefined && theirs.error === undefined)
    return ourError in WE_REFUSE ? undefined : `refused by us: ${ourError}`;
  return undefined;
}
