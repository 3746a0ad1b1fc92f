import { isIP } from "node:net";
import { isAuthority } from "@tz/http1";
import type { AddressSet } from "./address-set.js";

/** Which fields the proxies in front of the server write. One kind only: what the other says may be the client's. */
export type ForwardedBy = "x-forwarded" | "forwarded";

/** Who sent a request, and how, at the far side of the trusted proxies. */
export interface ClientOrigin {
  /** IP address; empty for Unix sockets, and where a proxy hides it (`for=unknown`). */
  readonly address: string;
  readonly scheme: "http" | "https";
  /** `host[:port]` that the client asked for. */
  readonly host: string;
}

export interface ForwardedFields {
  field(name: string): string | undefined;
}

interface Hop {
  readonly address: string;
  readonly scheme: string | undefined;
  readonly host: string | undefined;
}

/**
 * Walks from the peer towards the client as long as the one who speaks is trusted: what an untrusted one says about
 * those before it is not believed (RFC 7239 §8.1).
 *
 * ```
 *   client 203.0.113.9 ─▶ proxy 10.0.0.2 ─▶ proxy 10.0.0.1 ─▶ server
 *                         adds for=203.0.113.9   adds for=10.0.0.2
 *   X-Forwarded-For: (whatever the client sent), 203.0.113.9, 10.0.0.2
 * ```
 */
export function clientOrigin(
  peer: ClientOrigin,
  fields: ForwardedFields,
  by: ForwardedBy,
  trusted: AddressSet,
): ClientOrigin {
  if (!trusted.has(peer.address)) return peer;
  const hops = by === "forwarded" ? forwardedHops(fields) : xForwardedHops(fields);
  let { address, scheme, host } = peer;
  for (const hop of hops.reverse()) {
    if (!trusted.has(address)) break;
    address = hop.address;
    if (hop.scheme === "http" || hop.scheme === "https") scheme = hop.scheme;
    if (hop.host !== undefined && isHost(hop.host)) host = hop.host;
  }
  return { address, scheme, host };
}

/** X-Forwarded-Proto and -Host are what the outermost proxy saw, or lists parallel to X-Forwarded-For. */
function xForwardedHops(fields: ForwardedFields): Hop[] {
  const addresses = listOf(fields.field("x-forwarded-for"));
  const schemes = listOf(fields.field("x-forwarded-proto"));
  const hosts = listOf(fields.field("x-forwarded-host"));
  const count = Math.max(addresses.length, Math.min(1, schemes.length + hosts.length));
  return Array.from({ length: count }, (_, i) => ({
    address: addressOf(addresses[i] ?? ""),
    scheme: at(schemes, i, count)?.toLowerCase(),
    host: at(hosts, i, count),
  }));
}

/** The entry of one hop: lists are parallel when they are as long, a shorter one ends with the nearest proxy. */
function at(list: readonly string[], i: number, count: number): string | undefined {
  return list[i - (count - list.length)];
}

function listOf(value: string | undefined): string[] {
  return value === undefined ? [] : value.split(",").map((entry) => entry.trim());
}

/** `token=value` or `token="quoted"`, separated by `;` in an element and by `,` between elements (RFC 7239 §4). */
const PAIR = /\s*([!#$%&'*+\-.^_`|~\w]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))\s*([;,]|$)/y;

function forwardedHops(fields: ForwardedFields): Hop[] {
  const value = fields.field("forwarded");
  if (value === undefined) return [];
  const hops: Hop[] = [];
  let hop: { [name: string]: string } = {};
  const end = (): void => {
    hops.push({ address: addressOf(hop.for ?? ""), scheme: hop.proto?.toLowerCase(), host: hop.host });
    hop = {};
  };
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < value.length) {
    const pair = PAIR.exec(value);
    // What cannot be read may hide a hop: nothing of it is believed.
    if (pair === null) return [];
    hop[pair[1]!.toLowerCase()] = pair[2]?.replace(/\\(.)/g, "$1") ?? pair[3]!;
    if (pair[4] === ",") end();
    if (pair[4] === "") break;
  }
  end();
  return hops;
}

/** The address of a node without its port; empty for names and `unknown` (RFC 7239 §6). */
function addressOf(node: string): string {
  if (isIP(node) !== 0) return node;
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(node)?.[1];
  if (bracketed !== undefined) return isIP(bracketed) === 6 ? bracketed : "";
  const v4 = /^([\d.]+):\d+$/.exec(node)?.[1];
  return v4 !== undefined && isIP(v4) === 4 ? v4 : "";
}

function isHost(host: string): boolean {
  const bytes = Buffer.from(host, "latin1");
  return bytes.byteLength > 0 && isAuthority(bytes, 0, bytes.byteLength);
}
