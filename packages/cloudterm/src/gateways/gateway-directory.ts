import type { Redis } from "ioredis";
import { keyOf } from "../sessions/session-id.js";
import type { TerminalInfo } from "../terminals/terminal.js";

export interface GatewayDirectoryOptions {
  /** In front of every key; gateways that share terminals share it. Default `"tz:cloudterm:"`. */
  readonly prefix?: string;
  /** Name of this gateway; a new one for each process. */
  readonly gateway: string;
  /** The terminals of this gateway. */
  readonly list: () => readonly TerminalInfo[];
  readonly onError?: (error: Error) => void;
}

/** A terminal of another gateway. */
export interface RemoteTerminal extends PeerGateway {
  readonly info: TerminalInfo;
}

/** Another gateway, and where it is reached. */
export interface PeerGateway {
  readonly gateway: string;
  readonly url: string;
}

/** A gateway that says nothing for so long is none any more. */
const LIFE_MS = 15_000;
const ANNOUNCE_MS = 5000;
const URL_FIELD = "";

/**
 * Which gateway has which terminal, in Redis:
 *
 * ```
 *   PREFIX gateways          set of names
 *   PREFIX gateway:NAME      hash: "" → URL, terminal id → its info as JSON; gone 15 s after its gateway
 *   PREFIX invite:HASH       gateway that made the link
 * ```
 */
export class GatewayDirectory {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #options: GatewayDirectoryOptions;
  #url = "";
  #timer: NodeJS.Timeout | undefined;

  constructor(redis: Redis, options: GatewayDirectoryOptions) {
    this.#redis = redis;
    this.#prefix = options.prefix ?? "tz:cloudterm:";
    this.#options = options;
  }

  /** From now on others find this gateway. @param url where they reach it */
  async start(url: string): Promise<void> {
    this.#url = url;
    await this.announce();
    this.#timer = setInterval(() => void this.#tryAnnounce(), ANNOUNCE_MS).unref();
  }

  async #tryAnnounce(): Promise<void> {
    try {
      await this.announce();
    } catch (error) {
      this.#options.onError?.(error as Error);
    }
  }

  /** Tells the others what there is now; by itself every 5 s. */
  async announce(): Promise<void> {
    if (this.#url === "") return;
    const { gateway, list } = this.#options;
    const fields: Record<string, string> = { [URL_FIELD]: this.#url };
    for (const info of list()) fields[info.id] = JSON.stringify(info);
    const key = this.#key(gateway);
    const results = await this.#redis
      .multi()
      .del(key)
      .hset(key, fields)
      .pexpire(key, LIFE_MS)
      .sadd(this.#names, gateway)
      .exec();
    for (const [error] of results ?? []) if (error) throw error;
  }

  /** Where a terminal is; `undefined` when it is nowhere else. */
  async find(terminal: string): Promise<RemoteTerminal | undefined> {
    const names = await this.#others();
    if (names.length === 0) return undefined;
    const pipeline = this.#redis.pipeline();
    for (const name of names) pipeline.hmget(this.#key(name), URL_FIELD, terminal);
    const results = (await pipeline.exec()) ?? [];
    for (const [i, [error, values]] of results.entries()) {
      if (error) throw error;
      const [url, info] = values as (string | null)[];
      if (url != null && info != null)
        return { gateway: names[i]!, url, info: JSON.parse(info) as TerminalInfo };
    }
    return undefined;
  }

  /** The terminals of all other gateways. */
  async terminals(): Promise<TerminalInfo[]> {
    const found: TerminalInfo[] = [];
    const names = await this.#others();
    const gone: string[] = [];
    for (const name of names) {
      const { [URL_FIELD]: url, ...terminals } = await this.#redis.hgetall(this.#key(name));
      if (url === undefined) gone.push(name);
      for (const info of Object.values(terminals)) found.push(JSON.parse(info) as TerminalInfo);
    }
    if (gone.length > 0) await this.#redis.srem(this.#names, ...gone);
    return found;
  }

  /** Lets the others find the link that this gateway has made. */
  async addInvite(secret: string, lifeMs: number): Promise<void> {
    await this.#redis.set(this.#invite(secret), this.#options.gateway, "PX", lifeMs);
  }

  /** The gateway that has made a link. */
  async ofInvite(secret: string): Promise<PeerGateway | undefined> {
    const gateway = await this.#redis.get(this.#invite(secret));
    if (gateway === null || gateway === this.#options.gateway) return undefined;
    const url = await this.#redis.hget(this.#key(gateway), URL_FIELD);
    return url === null ? undefined : { gateway, url };
  }

  /** This gateway is not found any more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#url === "") return;
    this.#url = "";
    const { gateway } = this.#options;
    await this.#redis.multi().del(this.#key(gateway)).srem(this.#names, gateway).exec();
  }

  async #others(): Promise<string[]> {
    const names = await this.#redis.smembers(this.#names);
    return names.filter((name) => name !== this.#options.gateway);
  }

  get #names(): string {
    return `${this.#prefix}gateways`;
  }

  #key(gateway: string): string {
    return `${this.#prefix}gateway:${gateway}`;
  }

  #invite(secret: string): string {
    return `${this.#prefix}invite:${keyOf(secret)}`;
  }
}
