import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { CloudtermError } from "../errors.js";
import { redisAnswer } from "../redis-answer.js";
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
const COUNTS_FIELD = "#";
/** A terminal that is being opened counts for so long at most. */
const OPENING_MS = 60_000;

/** Limits of all gateways together. */
export interface CommonLimits {
  readonly maxTerminals: number;
  readonly maxTerminalsPerUser: number;
}

/**
 * Takes room for one terminal, if there is some: what gateways have said that they have, and what is being opened.
 * KEYS: names of gateways, terminals being opened. ARGV: what stands in front of a gateway's name, user, most, most of a
 * user, member for the terminal, ms that it counts. Returns 0, or the limit that is reached: 1 all, 2 of the user.
 */
const CLAIM = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local all, own = 0, 0
local mine = ARGV[2] .. ' '
for _, member in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  all = all + 1
  if string.sub(member, 1, #mine) == mine then own = own + 1 end
end
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local counts = redis.call('HGET', ARGV[1] .. name, '${COUNTS_FIELD}')
  if counts then
    for user, count in pairs(cjson.decode(counts)) do
      all = all + count
      if user == ARGV[2] then own = own + count end
    end
  end
end
if all >= tonumber(ARGV[3]) then return 1 end
if own >= tonumber(ARGV[4]) then return 2 end
redis.call('ZADD', KEYS[2], now + ARGV[6], ARGV[5])
return 0`;

/**
 * Which gateway has which terminal, in Redis:
 *
 * ```
 *   PREFIX gateways          set of names
 *   PREFIX gateway:NAME      hash: "" → URL, terminal id → its info as JSON, "#" → terminals by user; gone 15 s after its gateway
 *   PREFIX opening           sorted set: user and a random name → until when it counts as a terminal
 *   PREFIX invite:HASH       gateway that made the link
 * ```
 */
export class GatewayDirectory {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #options: GatewayDirectoryOptions;
  #url = "";
  #started = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(redis: Redis, options: GatewayDirectoryOptions) {
    this.#redis = redis;
    this.#prefix = options.prefix ?? "tz:cloudterm:";
    this.#options = options;
  }

  /** From now on others count this gateway's terminals. @param url where they reach it; without, they do not list them */
  async start(url = ""): Promise<void> {
    this.#url = url;
    this.#started = true;
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
  announce(): Promise<void> {
    return this.#announce();
  }

  /** @param opened a terminal that counts as being opened no more, in the same step */
  async #announce(opened?: string): Promise<void> {
    if (!this.#started) return;
    const { gateway, list } = this.#options;
    const fields: Record<string, string> = this.#url === "" ? {} : { [URL_FIELD]: this.#url };
    const counts = new Map<string, number>();
    for (const info of list()) {
      counts.set(info.user, (counts.get(info.user) ?? 0) + 1);
      if (this.#url !== "") fields[info.id] = JSON.stringify(info);
    }
    fields[COUNTS_FIELD] = JSON.stringify(Object.fromEntries(counts));
    const key = this.#key(gateway);
    const steps = this.#redis
      .multi()
      .del(key)
      .hset(key, fields)
      .pexpire(key, LIFE_MS)
      .sadd(this.#names, gateway);
    if (opened !== undefined) steps.zrem(this.#opening, opened);
    for (const [error] of (await redisAnswer(steps.exec())) ?? []) if (error) throw error;
  }

  /**
   * Room for one more terminal among those of all gateways.
   * @returns what is called when the terminal is one of this gateway's, or has failed
   * @throws CloudtermError `TZ_CLOUDTERM_TERMINALS` at a limit
   */
  async claim(
    user: string,
    { maxTerminals, maxTerminalsPerUser }: CommonLimits,
  ): Promise<() => Promise<void>> {
    // Those that have just ended must not count.
    await this.announce();
    const opening = `${user} ${randomBytes(9).toString("base64url")}`;
    const keys = [this.#names, this.#opening];
    const args = [this.#key(""), user, maxTerminals, maxTerminalsPerUser, opening, OPENING_MS];
    const reached = await redisAnswer(this.#redis.eval(CLAIM, keys.length, ...keys, ...args));
    if (reached === 1)
      throw new CloudtermError("TZ_CLOUDTERM_TERMINALS", `${maxTerminals} terminals are open`);
    if (reached === 2)
      throw new CloudtermError(
        "TZ_CLOUDTERM_TERMINALS",
        `${maxTerminalsPerUser} terminals of yours are open`,
      );
    return () => this.#announce(opening).catch((error: Error) => this.#options.onError?.(error));
  }

  /** Where a terminal is; `undefined` when it is nowhere else. */
  async find(terminal: string): Promise<RemoteTerminal | undefined> {
    const names = await this.#others();
    if (names.length === 0) return undefined;
    const pipeline = this.#redis.pipeline();
    for (const name of names) pipeline.hmget(this.#key(name), URL_FIELD, terminal);
    const results = (await redisAnswer(pipeline.exec())) ?? [];
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
      const {
        [URL_FIELD]: _,
        [COUNTS_FIELD]: counts,
        ...terminals
      } = await redisAnswer(this.#redis.hgetall(this.#key(name)));
      if (counts === undefined) gone.push(name);
      for (const info of Object.values(terminals)) found.push(JSON.parse(info) as TerminalInfo);
    }
    if (gone.length > 0) await redisAnswer(this.#redis.srem(this.#names, ...gone));
    return found;
  }

  /** All other gateways that can be reached. */
  async gateways(): Promise<PeerGateway[]> {
    const found: PeerGateway[] = [];
    for (const gateway of await this.#others()) {
      const url = await redisAnswer(this.#redis.hget(this.#key(gateway), URL_FIELD));
      if (url !== null) found.push({ gateway, url });
    }
    return found;
  }

  /** Lets the others find the link that this gateway has made. */
  async addInvite(secret: string, lifeMs: number): Promise<void> {
    await redisAnswer(this.#redis.set(this.#invite(secret), this.#options.gateway, "PX", lifeMs));
  }

  /** The gateway that has made a link. */
  async ofInvite(secret: string): Promise<PeerGateway | undefined> {
    const gateway = await redisAnswer(this.#redis.get(this.#invite(secret)));
    if (gateway === null || gateway === this.#options.gateway) return undefined;
    const url = await redisAnswer(this.#redis.hget(this.#key(gateway), URL_FIELD));
    return url === null ? undefined : { gateway, url };
  }

  /** This gateway is not found any more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    if (!this.#started) return;
    this.#started = false;
    const { gateway } = this.#options;
    await this.#redis.multi().del(this.#key(gateway)).srem(this.#names, gateway).exec();
  }

  async #others(): Promise<string[]> {
    const names = await redisAnswer(this.#redis.smembers(this.#names));
    return names.filter((name) => name !== this.#options.gateway);
  }

  get #names(): string {
    return `${this.#prefix}gateways`;
  }

  get #opening(): string {
    return `${this.#prefix}opening`;
  }

  #key(gateway: string): string {
    return `${this.#prefix}gateway:${gateway}`;
  }

  #invite(secret: string): string {
    return `${this.#prefix}invite:${keyOf(secret)}`;
  }
}
