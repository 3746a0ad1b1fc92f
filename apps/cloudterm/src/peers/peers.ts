import { Readable } from "node:stream";
import {
  CloudtermError,
  type CommonLimits,
  DISMISSED,
  GatewayDirectory,
  HttpProxy,
  InternalTickets,
  type PeerGateway,
  type SessionRecord,
  type SharedKey,
  type TerminalInfo,
  type Terminals,
  WebSocketProxy,
} from "@tz/cloudterm";
import type { ResponsePlan } from "@tz/http1";
import type { ServerRequest } from "@tz/server";
import type { Redis } from "ioredis";
import { type Opening, Openings } from "../openings.js";
import { readPeerAnswer } from "./peer-answer.js";

/** The field that a gateway vouches with for a request that it passes on; pages cannot send it with a WebSocket. */
export const TICKET_FIELD = "x-cloudterm-ticket";
/** Peers are named by whoever may write to Redis: there is no address that they must not have. */
const ANYWHERE = ["0.0.0.0/0", "::/0"];
const ANSWER_TIMEOUT_MS = 10_000;
/** What a gateway says to another of itself: some hundred lines. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;
const LOGGED_OUT = DISMISSED.session;
/** Of one gateway after the other: a page does not wait longer for each that hangs. */
const SEARCH_TIMEOUT_MS = 5000;

/** What the gateway that a browser talks to has found out. */
export interface PeerClaims {
  /** Who asks; without it, somebody with a link. */
  readonly session?: SessionRecord | undefined;
  /** What a link lets somebody see. */
  readonly shared?: SharedView | undefined;
  /** Of the browser. */
  readonly address: string;
}

export interface SharedView {
  readonly terminal: string;
  readonly access: "read" | "write";
  readonly invite: string;
}

interface Way {
  readonly pages: HttpProxy;
  readonly sockets: WebSocketProxy;
}

export interface PeersOptions {
  readonly redis: Redis;
  readonly prefix: string;
  readonly key: SharedKey;
  readonly gateway: string;
  readonly basePath: string;
  readonly terminals: () => Terminals;
  readonly onError: (error: Error) => void;
}

/** What other gateways answered. */
export interface PeerAnswers {
  readonly answers: readonly { readonly url: string; readonly body: Record<string, unknown> }[];
  /** How many did not answer. */
  readonly silent: number;
}

/**
 * The other gateways on the same Redis. A request for a terminal of theirs is passed on to them with a ticket that says who
 * asks: cookies, CSRF tokens and the secrets of sessions stay here.
 */
export class Peers {
  readonly #directory: GatewayDirectory;
  readonly #tickets: InternalTickets;
  readonly #key: SharedKey;
  readonly #basePath: string;
  readonly #ways = new Map<string, Way>();
  readonly #claims = new WeakMap<object, PeerClaims>();
  /** Sockets that are being passed on, and have not joined: the gateway that has the terminal may take seconds to answer. */
  readonly #openings = new Openings();
  readonly #onError: (error: Error) => void;

  constructor({ redis, prefix, key, gateway, basePath, terminals, onError }: PeersOptions) {
    this.#basePath = basePath;
    this.#onError = onError;
    this.#tickets = new InternalTickets({ key: () => key.all, gateway });
    this.#key = key;
    this.#directory = new GatewayDirectory(redis, {
      prefix,
      gateway,
      list: () =>
        terminals()
          .all.filter(({ ended }) => ended === undefined)
          .map(({ info }) => info),
      onError,
    });
  }

  /** @param url where the other gateways reach this one; empty when they cannot */
  start(url: string): Promise<void> {
    return this.#directory.start(url.replace(/\/$/, ""));
  }

  /** Tells the others of a terminal that was opened or has ended. */
  announce(): Promise<void> {
    return this.#directory.announce();
  }

  /** Room for one more terminal among those of all gateways; see {@link GatewayDirectory.claim}. */
  claim(user: string, limits: CommonLimits): Promise<() => Promise<void>> {
    return this.#directory.claim(user, limits);
  }

  addInvite(secret: string, lifeMs: number): Promise<void> {
    return this.#directory.addInvite(secret, lifeMs);
  }

  /** Terminals of the other gateways. */
  terminals(): Promise<readonly TerminalInfo[]> {
    return this.#directory.terminals();
  }

  // ---- requests that others pass on to this gateway

  /** @throws CloudtermError `TZ_CLOUDTERM_SESSION` for a ticket that is none */
  async admit(request: ServerRequest, ticket: string): Promise<PeerClaims> {
    let claims = this.#tickets.take(ticket, request) as PeerClaims | undefined;
    if (claims === undefined) {
      // Redis may have been emptied, and the one who signed was faster to have the new key.
      request.keep();
      await this.#key.missed();
      claims = this.#tickets.take(ticket, request) as PeerClaims | undefined;
    }
    if (claims === undefined) throw new CloudtermError("TZ_CLOUDTERM_SESSION", "the ticket is not good");
    this.#claims.set(request, claims);
    return claims;
  }

  /** What was said of a request that another gateway passed on. */
  claimsOf(request: object): PeerClaims | undefined {
    return this.#claims.get(request);
  }

  // ---- requests that this gateway passes on

  /** The answer of the gateway that has the terminal; `undefined` when no other has it. */
  async forward(
    request: ServerRequest,
    terminal: string,
    claims: PeerClaims,
  ): Promise<ResponsePlan | undefined> {
    // What was passed on is here or nowhere.
    if (this.claimsOf(request) !== undefined) return undefined;
    request.keep();
    const { session } = claims;
    if (!request.upgrade || session === undefined) return this.#forward(request, terminal, claims);
    // From now on: whoever ends the session while the socket is being opened ends the socket, too.
    const opening = this.#openings.begin(session.id, request.signal);
    let plan: ResponsePlan | undefined;
    try {
      plan = await this.#forward(request, terminal, claims, opening);
    } finally {
      if (plan?.upgrade === undefined || opening.signal.aborted) opening.done();
    }
    if (opening.over && plan?.upgrade === undefined) throw new CloudtermError("TZ_CLOUDTERM_SESSION");
    return plan;
  }

  async #forward(
    request: ServerRequest,
    terminal: string,
    claims: PeerClaims,
    opening?: Opening,
  ): Promise<ResponsePlan | undefined> {
    const peer = await this.#directory.find(terminal);
    if (peer === undefined) return undefined;
    // Judged there, too; here it makes a refused handshake what it is.
    const isOwn = claims.session === undefined || claims.session.user === peer.info.user;
    if (request.upgrade && !isOwn) return undefined;
    if (!request.upgrade) return this.#passOn(request, peer, claims);
    const { pages, sockets } = this.#wayTo(peer);
    const target = pages.targetOf(request.target);
    const fields = [this.#ticketed(peer, request.method, target, claims)];
    const { session, signal } = opening ?? {};
    const plan = await sockets.accept(request, session, { path: target, fields, signal });
    const { upgrade } = plan;
    if (upgrade === undefined || opening === undefined) return plan;
    return {
      ...plan,
      upgrade: (tunnel) => {
        opening.done();
        const handler = upgrade(tunnel);
        // Between the answer and its leaving.
        if (opening.over) sockets.dismiss((tag) => tag === session, LOGGED_OUT, "logged out");
        return handler;
      },
    };
  }

  /** The answer of the first other gateway that knows what is asked for; `undefined` when none does. */
  async forwardToAny(request: ServerRequest, claims: PeerClaims): Promise<ResponsePlan | undefined> {
    if (this.claimsOf(request) !== undefined) return undefined;
    request.keep();
    for (const peer of await this.#directory.gateways()) {
      // One that refuses or breaks off does not know of it; another may have it.
      const answer = await this.#passOn(request, peer, claims, SEARCH_TIMEOUT_MS).catch((error: unknown) => {
        if (!(error instanceof CloudtermError)) throw error;
      });
      if (answer === undefined) continue;
      const { head, body } = answer;
      if (head.status < 400 || head.status === 416) return answer;
      if (body.kind === "stream") cancel(body.chunks);
    }
    return undefined;
  }

  async #passOn(
    request: ServerRequest,
    peer: PeerGateway,
    claims: PeerClaims,
    headTimeoutMs?: number,
  ): Promise<ResponsePlan> {
    const { pages } = this.#wayTo(peer);
    const target = pages.targetOf(request.target);
    return pages.answer(request, [this.#ticketed(peer, request.method, target, claims)], headTimeoutMs);
  }

  #ticketed({ gateway }: PeerGateway, method: string, target: string, claims: PeerClaims) {
    return [TICKET_FIELD, this.#tickets.issue(gateway, { method, target }, claims)] as const;
  }

  /** Asks all other gateways, each for what it has itself. @param path below the base path */
  async askAll(path: string, claims: PeerClaims): Promise<PeerAnswers> {
    const asked = (await this.#directory.gateways()).map(async (peer) => {
      const url = new URL(`${peer.url}${path}`);
      const [name, ticket] = this.#ticketed(peer, "GET", url.pathname, claims);
      const answer = await fetch(url, {
        redirect: "error",
        headers: { [name]: ticket },
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      });
      if (!answer.ok) {
        await answer.body?.cancel();
        throw new Error(`${peer.url} answered ${answer.status}`);
      }
      return { url: peer.url, body: await readPeerAnswer(answer, ANSWER_BYTES_MAX) };
    });
    const all = await Promise.allSettled(asked);
    const answers = all.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    return { answers, silent: all.length - answers.length };
  }

  /** Asks the gateway that made a link to let somebody in. */
  async enter(secret: string, address: string): Promise<Record<string, unknown> | undefined> {
    const peer = await this.#directory.ofInvite(secret);
    if (peer === undefined) return undefined;
    const url = new URL(`${peer.url}/api/shared`);
    const [, ticket] = this.#ticketed(peer, "POST", url.pathname, { address });
    const late = (cause: Error): never => {
      throw new CloudtermError("TZ_CLOUDTERM_UPSTREAM", "the gateway of that link does not answer", {
        cause,
      });
    };
    const answer = await fetch(url, {
      method: "POST",
      redirect: "error",
      headers: { "content-type": "application/json", [TICKET_FIELD]: ticket },
      body: JSON.stringify({ secret }),
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    }).catch(late);
    if (answer.ok) return readPeerAnswer(answer, ANSWER_BYTES_MAX).catch(late);
    await answer.body?.cancel();
    return undefined;
  }

  #wayTo({ gateway, url }: PeerGateway): Way {
    let way = this.#ways.get(gateway);
    if (way === undefined) {
      way = {
        pages: new HttpProxy({ upstream: url, prefix: this.#basePath, allow: ANYWHERE }),
        sockets: new WebSocketProxy({
          upstream: url.replace(/^http/, "ws"),
          allow: ANYWHERE,
          // Judged by request-guard.ts.
          allowOrigin: () => true,
        }),
      };
      this.#ways.set(gateway, way);
      this.#prune().catch(this.#onError);
    }
    return way;
  }

  /** A gateway that was started again has a new name: the way to the old one is forgotten when nobody is on it. */
  async #prune(): Promise<void> {
    const gone = new Set([...this.#ways.keys()]);
    for (const { gateway } of await this.#directory.gateways()) gone.delete(gateway);
    for (const gateway of gone) {
      const way = this.#ways.get(gateway);
      if (way === undefined) continue;
      const { pages, sockets } = way;
      if (sockets.stats.connections + sockets.stats.opening + pages.active > 0) continue;
      pages.close();
      sockets.close();
      this.#ways.delete(gateway);
    }
  }

  /** Sessions with a socket that is passed on, or is about to be. */
  *sessions(): Iterable<string> {
    yield* this.#openings.sessions();
    for (const { sockets } of this.#ways.values())
      for (const tag of sockets.tags) if (typeof tag === "string") yield tag;
  }

  /** Closes sockets that are passed on, by session; those that are being opened are broken off. */
  dismiss(which: (session: string) => boolean): void {
    this.#openings.dismiss(which);
    for (const { sockets } of this.#ways.values())
      sockets.dismiss((tag) => typeof tag === "string" && which(tag), LOGGED_OUT, "logged out");
  }

  async close(): Promise<void> {
    for (const { pages, sockets } of this.#ways.values()) {
      sockets.close();
      pages.close();
    }
    await this.#directory.close();
  }
}

/** What nobody reads to its end does not keep its connection. */
function cancel(chunks: AsyncIterable<Uint8Array>): void {
  if (!(chunks instanceof Readable)) return;
  chunks.on("error", () => {});
  chunks.destroy();
}
