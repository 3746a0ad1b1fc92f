import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
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
  OidcLogin,
  Passkeys,
  PasswordLogin,
  Recordings,
  RedisLimiter,
  RedisSessionStore,
  RedisTickets,
  readSshHosts,
  SameSite,
  SecondFactor,
  type SessionStore,
  Sessions,
  type SshFleet,
  securityFields,
  sshFleet,
  type TerminalBackend,
  TerminalSockets,
  Terminals,
  type TicketStore,
  TrustedHeader,
  UsersFile,
} from "@tz/cloudterm";
import { Redis } from "ioredis";
import type { Config } from "./config/config-table.js";
import { DataFolder } from "./data-folder.js";
import { hashSchemeOf } from "./hash-scheme.js";
import { Metrics } from "./metrics.js";
import { Peers } from "./peers/peers.js";
import { UsageError } from "./usage-error.js";

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
  readonly passkeys: Passkeys;
  /** Logins of a proxy in front. */
  readonly header: TrustedHeader | undefined;
  readonly oidc: OidcLogin | undefined;
  /** Names of the SSH hosts. */
  readonly hosts: readonly string[];
  /** The other gateways; `undefined` without Redis. */
  readonly peers: Peers | undefined;
  /** Fields of every answer. */
  readonly fields: readonly string[];
  close(): Promise<void>;
}

const REDIS_PREFIX = "tz:cloudterm:";
const REDIS_COMMAND_MS_MAX = 5000;
const INVITE_OVER = 4403;
const LOGGED_OUT = 4401;

/** @throws UsageError, CloudtermError for settings that cannot be */
export async function makeParts(config: Config): Promise<GatewayParts> {
  const folder = new DataFolder(config.data);
  const users = new UsersFile(config.users || folder.users);
  const audit = new AuditLog(folder.audit);
  const queue = new HashQueue();
  const metrics = new Metrics();
  const shared = config.redis === "" ? ownState(folder) : await redisState(config.redis, folder);
  const sessions = new Sessions(shared.store, { idleMs: config.sessionIdleMs, maxMs: config.sessionMaxMs });
  const { maxTerminals, maxTerminalsPerUser, detachedTimeoutMs } = config;
  const fleet = fleetOf(config);
  const gateway = randomBytes(9).toString("base64url");
  const peers =
    shared.redis &&
    new Peers({
      redis: shared.redis,
      prefix: REDIS_PREFIX,
      key: shared.key,
      gateway,
      basePath: config.basePath,
      terminals: () => terminals,
    });
  const tellPeers = () =>
    void peers?.announce().catch((error: Error) => console.error(`Redis: ${error.message}`));
  const recordings = new Recordings({
    directory: folder.recordings,
    onError: (error) => console.error(`Recordings: ${error.message}`),
  });
  const terminals = new Terminals({
    record: (start) => recordings.record(start),
    backends: backendsOf(config, fleet),
    limits: { maxTerminals, maxTerminalsPerUser, detachedTimeoutMs },
    onEvent: (event) => {
      const { id, user, backend } = event.terminal;
      const detail =
        event.kind === "ended" ? event.end.message : event.kind === "limit" ? event.limit : undefined;
      audit.write({ event: `terminal.${event.kind}`, user, terminal: id, backend, detail });
      if (event.kind === "opened") metrics.count("terminals_opened");
      if (event.kind === "ended") tellPeers();
    },
  });
  const invites = new Invites(({ id }) => {
    terminals.dismiss((viewer) => viewer.options.inviteId === id, INVITE_OVER, "the link is over");
  });
  sessions.onRemoved((ids) => {
    const gone = new Set(ids);
    terminals.dismiss(({ options: { sessionId } }) => sessionId !== undefined && gone.has(sessionId));
    peers?.dismiss((session) => gone.has(session), LOGGED_OUT, "logged out");
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
    passkeys: new Passkeys({ users, tickets: shared.tickets }),
    header:
      config.authHeader === ""
        ? undefined
        : new TrustedHeader({ header: config.authHeader, peers: config.authHeaderPeers }),
    oidc: oidcOf(config),
    hosts: fleet?.hostNames ?? [],
    peers,
    fields: securityFields({ hsts: config.tlsCert !== "" }),
    async close() {
      await peers?.close().catch((error: Error) => console.error(`Redis: ${error.message}`));
      await terminals.close();
      await shared.close();
      await audit.close();
    },
  };
}

/** @throws CloudtermError `TZ_CLOUDTERM_OPTION` */
function oidcOf(config: Config): OidcLogin | undefined {
  const { oidcIssuer: issuer, oidcClientId: clientId, oidcClientSecret, oidcScope, oidcUserClaim } = config;
  if (issuer === "") return undefined;
  const clientSecret = oidcClientSecret === "" ? undefined : oidcClientSecret;
  return new OidcLogin({ issuer, clientId, clientSecret, scope: oidcScope, userClaim: oidcUserClaim });
}

/** @throws UsageError, CloudtermError `TZ_CLOUDTERM_OPTION` */
function fleetOf({ sshHosts, sshKey, sshAgent }: Config): SshFleet | undefined {
  if (sshHosts === "") return undefined;
  const hosts = readSshHosts(sshHosts);
  if (sshKey === "") {
    const agent = sshAgent || process.env.SSH_AUTH_SOCK || "";
    if (agent === "") throw new UsageError("--ssh-hosts needs --ssh-key, --ssh-agent or SSH_AUTH_SOCK");
    return sshFleet({ hosts, agent });
  }
  try {
    return sshFleet({ hosts, privateKey: readFileSync(sshKey) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new UsageError(`--ssh-key ${sshKey}: ${(error as Error).message}`);
  }
}

/** The first is what a terminal is opened on when nobody says more. */
function backendsOf(config: Config, fleet: SshFleet | undefined): Record<string, TerminalBackend> {
  const { command, cwd, filesDir, sshOnly } = config;
  const local = {
    ...(command.length > 0 && { command }),
    ...(cwd !== "" && { cwd }),
    ...(filesDir !== "" && { files: filesDir }),
  };
  return { ...(!sshOnly && { local: localPty(local) }), ...(fleet !== undefined && { ssh: fleet }) };
}

/** What gateways share, when there are several. */
interface SharedState {
  readonly store: SessionStore;
  readonly tickets: TicketStore;
  readonly limiter: MemoryLimiter | RedisLimiter;
  readonly key: Uint8Array;
  readonly redis?: Redis;
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
  // Without a limit a Redis that is silent, or whose network is gone, would keep requests for a quarter of an hour.
  const redis = new Redis(url, { maxRetriesPerRequest: 2, commandTimeout: REDIS_COMMAND_MS_MAX });
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
    redis,
    close: async () => {
      await store.close();
      redis.disconnect();
    },
  };
}
