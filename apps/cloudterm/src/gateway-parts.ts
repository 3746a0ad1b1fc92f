import {
  AuditLog,
  DeviceMarks,
  HashQueue,
  Invites,
  LoginLimits,
  localPty,
  MemoryLimiter,
  MemorySessionStore,
  MemoryTickets,
  PasswordLogin,
  Recordings,
  RedisLimiter,
  RedisSessionStore,
  RedisTickets,
  SameSite,
  SecondFactor,
  type SessionStore,
  Sessions,
  securityFields,
  TerminalSockets,
  Terminals,
  type TicketStore,
  UsersFile,
} from "@tz/cloudterm";
import { Redis } from "ioredis";
import type { Config } from "./config/config-table.js";
import { DataFolder } from "./data-folder.js";
import { hashSchemeOf } from "./hash-scheme.js";
import { Metrics } from "./metrics.js";

/** What a gateway is made of. Routes take from it what they need. */
export interface GatewayParts {
  readonly config: Config;
  readonly folder: DataFolder;
  readonly users: UsersFile;
  readonly sessions: Sessions;
  readonly tickets: TicketStore;
  readonly limits: LoginLimits;
  readonly marks: DeviceMarks;
  readonly queue: HashQueue;
  readonly passwords: PasswordLogin;
  readonly secondFactor: SecondFactor;
  readonly site: SameSite;
  readonly audit: AuditLog;
  readonly terminals: Terminals;
  readonly recordings: Recordings;
  readonly invites: Invites;
  readonly sockets: TerminalSockets;
  readonly metrics: Metrics;
  /** Fields of every answer. */
  readonly fields: readonly string[];
  close(): Promise<void>;
}

const REDIS_PREFIX = "tz:cloudterm:";
const INVITE_OVER = 4403;

/** @throws UsageError, CloudtermError for settings that cannot be */
export async function makeParts(config: Config): Promise<GatewayParts> {
  const folder = new DataFolder(config.data);
  const users = new UsersFile(config.users || folder.users);
  const audit = new AuditLog(folder.audit);
  const queue = new HashQueue();
  const metrics = new Metrics();
  const shared = config.redis === "" ? ownState(folder) : await redisState(config.redis, folder);
  const sessions = new Sessions(shared.store, { idleMs: config.sessionIdleMs, maxMs: config.sessionMaxMs });
  const { command, cwd, maxTerminals, maxTerminalsPerUser, detachedTimeoutMs } = config;
  const recordings = new Recordings({
    directory: folder.recordings,
    onError: (error) => console.error(`Recordings: ${error.message}`),
  });
  const terminals = new Terminals({
    record: (start) => recordings.record(start),
    backends: {
      local: localPty({ ...(command.length > 0 && { command }), ...(cwd !== "" && { cwd }) }),
    },
    limits: { maxTerminals, maxTerminalsPerUser, detachedTimeoutMs },
    onEvent: (event) => {
      const { id, user, backend } = event.terminal;
      const detail =
        event.kind === "ended" ? event.end.message : event.kind === "limit" ? event.limit : undefined;
      audit.write({ event: `terminal.${event.kind}`, user, terminal: id, backend, detail });
      if (event.kind === "opened") metrics.count("terminals_opened");
    },
  });
  const invites = new Invites(({ id }) => {
    terminals.dismiss((viewer) => viewer.options.inviteId === id, INVITE_OVER, "the link is over");
  });
  sessions.onRemoved((ids) => {
    const gone = new Set(ids);
    terminals.dismiss(({ options: { sessionId } }) => sessionId !== undefined && gone.has(sessionId));
  });
  return {
    config,
    folder,
    users,
    sessions,
    tickets: shared.tickets,
    limits: new LoginLimits(shared.limiter, {
      address: { burst: config.loginsPerAddress, intervalMs: 6_000 },
      account: { burst: config.loginsPerAccount, intervalMs: 30_000 },
    }),
    marks: new DeviceMarks(shared.key),
    queue,
    passwords: new PasswordLogin({ users, queue, scheme: hashSchemeOf(config) }),
    secondFactor: new SecondFactor({ users, tickets: shared.tickets }),
    site: new SameSite({ hosts: config.hosts }),
    audit,
    terminals,
    recordings,
    invites,
    // Who asks was found out before: see request-guard.ts.
    sockets: new TerminalSockets({ allowOrigin: () => true }),
    metrics,
    fields: securityFields({ hsts: config.tlsCert !== "" }),
    async close() {
      await terminals.close();
      await shared.close();
      await audit.close();
    },
  };
}

/** What gateways share, when there are several. */
interface SharedState {
  readonly store: SessionStore;
  readonly tickets: TicketStore;
  readonly limiter: MemoryLimiter | RedisLimiter;
  readonly key: Uint8Array;
  close(): Promise<void>;
}

function ownState(folder: DataFolder): SharedState {
  const store = new MemorySessionStore({ snapshotPath: folder.sessions });
  return {
    store,
    tickets: new MemoryTickets(),
    limiter: new MemoryLimiter(),
    key: folder.key(),
    close: () => store.close(),
  };
}

async function redisState(url: string, folder: DataFolder): Promise<SharedState> {
  const redis = new Redis(url, { maxRetriesPerRequest: 2 });
  // ioredis connects again by itself; requests that need it meanwhile fail and say so.
  redis.on("error", (error: Error) => console.error(`Redis: ${error.message}`));
  const options = { prefix: REDIS_PREFIX };
  await redis.set(`${REDIS_PREFIX}key`, folder.key().toString("base64url"), "NX");
  const key = Buffer.from((await redis.get(`${REDIS_PREFIX}key`)) ?? "", "base64url");
  const store = new RedisSessionStore(redis, options);
  return {
    store,
    tickets: new RedisTickets(redis, options),
    limiter: new RedisLimiter(redis, options),
    key,
    close: async () => {
      await store.close();
      redis.disconnect();
    },
  };
}
