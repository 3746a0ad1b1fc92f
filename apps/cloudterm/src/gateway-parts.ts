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
  RedisPulse,
  RedisSessionStore,
  RedisTickets,
  readSshHosts,
  readUpstreams,
  SameSite,
  SecondFactor,
  type SessionStore,
  Sessions,
  SharedKey,
  type SshFleet,
  securityFields,
  sshFleet,
  type TerminalBackend,
  TerminalSockets,
  Terminals,
  type TicketStore,
  TrustedHeader,
  type UpstreamFleet,
  UsersFile,
  upstreamFleet,
} from "@tz/cloudterm";
import { Redis } from "ioredis";
import type { Config } from "./config/config-table.js";
import { DataFolder } from "./data-folder.js";
import { hashSchemeOf } from "./hash-scheme.js";
import { Metrics } from "./metrics.js";
import { Openings } from "./openings.js";
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
  /** Terminals that are being opened, by session. */
  readonly openings: Openings;
  readonly metrics: Metrics;
  readonly passkeys: Passkeys;
  /** Logins of a proxy in front. */
  readonly header: TrustedHeader | undefined;
  readonly oidc: OidcLogin | undefined;
  /** Names of the SSH hosts. */
  readonly hosts: readonly string[];
  /** Names of the other servers of terminals. */
  readonly upstreams: readonly string[];
  /** The other gateways; `undefined` without Redis. */
  readonly peers: Peers | undefined;
  /** Whether what logins and limits are kept in can be reached. */
  readonly storeAnswers: () => boolean;
  /** Fields of every answer. */
  readonly fields: readonly string[];
  close(): Promise<void>;
}

const REDIS_PREFIX = "tz:cloudterm:";
/** Longer than a busy machine takes; whoever waits for Redis for so long is told to come again. */
const REDIS_ANSWER_MS = 5000;
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
  const { maxTerminals, maxTerminalsPerUser, detachedTimeoutMs } = config;
  const fleet = fleetOf(config);
  const upstreams = config.upstreams === "" ? undefined : upstreamFleet(readUpstreams(config.upstreams));
  const gateway = randomBytes(9).toString("base64url");
  const peers: Peers | undefined =
    shared.redis &&
    shared.sharedKey &&
    new Peers({
      redis: shared.redis,
      prefix: REDIS_PREFIX,
      key: shared.sharedKey,
      gateway,
      basePath: config.basePath,
      terminals: () => terminals,
      onError: shared.onError,
    });
  const tellPeers = () => void peers?.announce().catch(shared.onError);
  shared.onBack(tellPeers);
  const recordings = new Recordings({
    directory: folder.recordings,
    onError: (error) => console.error(`Recordings: ${error.message}`),
  });
  const terminals: Terminals = new Terminals({
    record: (start) => recordings.record(start),
    backends: backendsOf(config, fleet, upstreams),
    limits: { maxTerminals, maxTerminalsPerUser, detachedTimeoutMs },
    ...(peers !== undefined && {
      admit: (user: string) => peers.claim(user, { maxTerminals, maxTerminalsPerUser }),
    }),
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
  const openings = new Openings();
  sessions.onRemoved((ids) => {
    const gone = new Set(ids);
    terminals.dismiss(({ options: { sessionId } }) => sessionId !== undefined && gone.has(sessionId));
    openings.dismiss((session) => gone.has(session));
    peers?.dismiss((session) => gone.has(session));
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
    marks: new DeviceMarks(shared.keys),
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
    openings,
    metrics,
    passkeys: new Passkeys({ users, tickets: shared.tickets }),
    header:
      config.authHeader === ""
        ? undefined
        : new TrustedHeader({ header: config.authHeader, peers: config.authHeaderPeers }),
    oidc: oidcOf(config),
    hosts: fleet?.hostNames ?? [],
    upstreams: upstreams?.upstreamNames ?? [],
    peers,
    storeAnswers: shared.answers,
    fields: securityFields({ hsts: config.tlsCert !== "" }),
    async close() {
      await peers?.close().catch(shared.onError);
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
function backendsOf(
  config: Config,
  fleet: SshFleet | undefined,
  upstreams: UpstreamFleet | undefined,
): Record<string, TerminalBackend> {
  const { command, cwd, filesDir, sshOnly } = config;
  const local = {
    ...(command.length > 0 && { command }),
    ...(cwd !== "" && { cwd }),
    ...(filesDir !== "" && { files: filesDir }),
  };
  return {
    ...(!sshOnly && { local: localPty(local) }),
    ...(fleet !== undefined && { ssh: fleet }),
    ...(upstreams !== undefined && { upstream: upstreams }),
  };
}

/** What gateways share, when there are several. */
interface SharedState {
  readonly store: SessionStore;
  readonly tickets: TicketStore;
  readonly limiter: MemoryLimiter | RedisLimiter;
  /** To sign with the first of them. */
  readonly keys: () => readonly Uint8Array[];
  readonly sharedKey?: SharedKey;
  readonly redis?: Redis;
  /** Reports what failed, once for each time that Redis is away. */
  readonly onError: (error: Error) => void;
  /** Calls the listener when Redis is back. */
  readonly onBack: (listener: () => void) => void;
  readonly answers: () => boolean;
  close(): Promise<void>;
}

function ownState(folder: DataFolder): SharedState {
  const store = new MemorySessionStore({ snapshotPath: folder.sessions });
  const own = [folder.key()];
  return {
    store,
    tickets: new MemoryTickets(),
    limiter: new MemoryLimiter(),
    keys: () => own,
    onError: (error) => console.error(error.message),
    onBack: () => {},
    answers: () => true,
    close: () => store.close(),
  };
}

async function redisState(url: string, folder: DataFolder): Promise<SharedState> {
  // It connects again by itself; requests that need it meanwhile fail soon, and say so.
  const redis = new Redis(url, {
    maxRetriesPerRequest: 1,
    connectTimeout: REDIS_ANSWER_MS,
    commandTimeout: REDIS_ANSWER_MS,
    retryStrategy: (times) => Math.min(100 * times, 1000),
  });
  let failure: Error | undefined;
  redis.on("error", (error: Error) => {
    failure = error;
  });
  const options = { prefix: REDIS_PREFIX };
  const report = (error: Error): void => onError(error);
  const key = await SharedKey.open(redis, { ...options, own: folder.key(), onError: report }).catch(
    (error: Error) => {
      redis.disconnect();
      const { message } = failure ?? (error.cause as Error | undefined) ?? error;
      // Not the whole URL: it may hold a password.
      throw new UsageError(`--redis: it does not answer: ${message}`);
    },
  );
  let isAway = false;
  redis.removeAllListeners("error");
  const onError = (error: Error): void => {
    if (isAway) return;
    isAway = !pulse.answers;
    console.error(
      `Redis: ${error.message}${isAway ? "; what needs a login is answered 503 until it is back" : ""}`,
    );
  };
  const pulse = new RedisPulse(redis, { onSilent: () => onError(new Error("it does not answer")) });
  redis.on("error", onError);
  redis.on("ready", () => {
    if (isAway) console.error("Redis is back");
    isAway = false;
    // It may have come back empty.
    key.refresh().catch(onError);
  });
  const store = new RedisSessionStore(redis, options);
  return {
    store,
    tickets: new RedisTickets(redis, options),
    limiter: new RedisLimiter(redis, options),
    keys: () => key.all,
    sharedKey: key,
    redis,
    onError,
    onBack: (listener) => void redis.on("ready", listener),
    answers: () => pulse.answers,
    close: async () => {
      await store.close();
      key.close();
      pulse.close();
      redis.disconnect();
    },
  };
}
