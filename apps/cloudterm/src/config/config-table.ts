import { homedir } from "node:os";
import { join } from "node:path";

interface TextRow {
  readonly type: "text";
  readonly default: string;
  /** What it must look like, and in words. */
  readonly pattern?: RegExp;
  readonly allowed?: string;
}
interface ListRow {
  readonly type: "list";
  readonly default: readonly string[];
  readonly allowed?: string;
}
interface FlagRow {
  readonly type: "flag";
  readonly default: boolean;
}
interface NumberRow {
  readonly type: "number";
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
}
export type ConfigRow = (TextRow | ListRow | FlagRow | NumberRow) & {
  /** How the value is called in `--help`; numbers and texts have one. */
  readonly value?: string;
  readonly meaning: string;
};

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const dataHome = process.env.XDG_DATA_HOME || join(homedir(), ".local/share");

/**
 * Every setting: on the command line as `--session-idle-ms`, in the environment as `TZ_CLOUDTERM_SESSION_IDLE_MS`, in the
 * configuration file as `"sessionIdleMs"`. The table validates all three, and `--help` and the reference are made of it.
 */
export const CONFIG = {
  host: {
    type: "text",
    default: "127.0.0.1",
    pattern: /^[0-9A-Za-z.:%_[\]-]+$/,
    allowed: "an address of this machine or a name",
    value: "address",
    meaning: "Address to listen on; 0.0.0.0 or :: for all.",
  },
  port: {
    type: "number",
    default: 7681,
    min: 0,
    max: 65_535,
    unit: "port",
    value: "number",
    meaning: "Port to listen on, 0 for any.",
  },
  data: {
    type: "text",
    default: join(dataHome, "tz-cloudterm"),
    value: "dir",
    meaning: "Directory of users, sessions, audit log and recordings. Made when it is not there, mode 0700.",
  },
  users: {
    type: "text",
    default: "",
    value: "file",
    meaning: "Users file, which several gateways may share. Default: users.json below data.",
  },
  hosts: {
    type: "list",
    default: [],
    allowed: "names with an optional port",
    value: "name",
    meaning:
      "Names that the gateway is reached by. Addresses and localhost need not be listed; other names are refused.",
  },
  basePath: {
    type: "text",
    default: "",
    pattern: /^(\/[A-Za-z0-9._~-]+)*$/,
    allowed: "a path such as /term, without a slash at its end",
    value: "path",
    meaning: "Path below which a reverse proxy shows the gateway.",
  },
  trustedProxies: {
    type: "list",
    default: [],
    allowed: "addresses, ranges, loopback, private",
    value: "range",
    meaning: "Peers whose X-Forwarded-For, -Proto and -Host are believed.",
  },
  tlsCert: {
    type: "text",
    default: "",
    value: "file",
    meaning: "Certificate chain (PEM); together with tlsKey.",
  },
  tlsKey: { type: "text", default: "", value: "file", meaning: "Private key (PEM)." },
  insecureHttp: {
    type: "flag",
    default: false,
    meaning:
      "Allow logins over plain HTTP from other machines: passwords and terminals can then be read on the way.",
  },
  redis: {
    type: "text",
    default: "",
    pattern: /^(rediss?:\/\/.+|\/.+)?$/,
    allowed: "redis://…, rediss://… or the path of a socket",
    value: "url",
    meaning: "Redis or Valkey that keeps sessions, limits and one-time tickets. Default: in this process.",
  },
  internalUrl: {
    type: "text",
    default: "",
    pattern: /^(https?:\/\/[^\s/]+(\/[A-Za-z0-9._~-]+)*)?$/,
    allowed: "http://host:port or https://host:port, with the base path",
    value: "url",
    meaning:
      "Where other gateways on the same Redis reach this one, to show its terminals. Default: the address that it listens on, unless that is 0.0.0.0 or ::.",
  },
  command: {
    type: "list",
    default: [],
    value: "word",
    meaning: "Program of a terminal and its arguments. Default: your SHELL, or /bin/sh.",
  },
  cwd: {
    type: "text",
    default: "",
    value: "dir",
    meaning: "Directory that terminals start in. Default: the gateway's.",
  },
  sshHosts: {
    type: "text",
    default: "",
    value: "file",
    meaning: "JSON file of hosts that terminals may be opened on by SSH, with pinned host keys.",
  },
  sshKey: {
    type: "text",
    default: "",
    value: "file",
    meaning: "Private key for the hosts of sshHosts. Default: sshAgent.",
  },
  sshAgent: {
    type: "text",
    default: "",
    value: "socket",
    meaning: "Socket of the SSH agent that has the keys. Default: SSH_AUTH_SOCK.",
  },
  sshOnly: {
    type: "flag",
    default: false,
    meaning: "No terminals on the gateway's own machine.",
  },
  upstreams: {
    type: "text",
    default: "",
    value: "file",
    meaning: "JSON file of other servers that have terminals: each a ttyd, or a WebSocket of plain bytes.",
  },
  filesDir: {
    type: "text",
    default: "",
    value: "dir",
    meaning:
      "Directory that pages may send files to and fetch them from beside local terminals. Default: none. SSH hosts have SFTP.",
  },
  maxFileBytes: {
    type: "number",
    default: 100 * 1024 * 1024,
    min: 0,
    max: 1024 ** 4,
    unit: "bytes",
    value: "bytes",
    meaning: "Largest file that is sent or fetched.",
  },
  sessionIdleMs: {
    type: "number",
    default: 30 * MINUTE,
    min: SECOND,
    max: 30 * DAY,
    unit: "ms",
    value: "ms",
    meaning: "A login that sends nothing and has no terminal open for so long ends.",
  },
  sessionMaxMs: {
    type: "number",
    default: 12 * HOUR,
    min: SECOND,
    max: 365 * DAY,
    unit: "ms",
    value: "ms",
    meaning: "A login ends after so long in any case.",
  },
  maxTerminals: {
    type: "number",
    default: 100,
    min: 1,
    max: 100_000,
    unit: "terminals",
    value: "number",
    meaning: "Terminals open at a time, on all gateways of one Redis.",
  },
  maxTerminalsPerUser: {
    type: "number",
    default: 20,
    min: 1,
    max: 100_000,
    unit: "terminals",
    value: "number",
    meaning: "Terminals open at a time of one user, on all gateways of one Redis.",
  },
  detachedTimeoutMs: {
    type: "number",
    default: 12 * HOUR,
    min: 0,
    max: 30 * DAY,
    unit: "ms",
    value: "ms",
    meaning: "A terminal at which nobody looks for so long is ended; 0 is never.",
  },
  loginsPerAddress: {
    type: "number",
    default: 10,
    min: 1,
    max: 1_000_000,
    unit: "attempts",
    value: "number",
    meaning: "Login attempts at once from one address (an IPv6 /64 counts as one); one more each 6 s.",
  },
  loginsPerAccount: {
    type: "number",
    default: 5,
    min: 1,
    max: 1_000_000,
    unit: "failures",
    value: "number",
    meaning: "Failed logins at once into one account from browsers that are new to it; one more each 30 s.",
  },
  hashScheme: {
    type: "text",
    default: "argon2id",
    pattern: /^(argon2id|bcrypt)$/,
    allowed: "argon2id, bcrypt",
    value: "name",
    meaning: "How passwords are hashed; those hashed otherwise are renewed at the next login.",
  },
  authHeader: {
    type: "text",
    default: "",
    pattern: /^[A-Za-z0-9-]*$/,
    allowed: "the name of a field, as Remote-User",
    value: "field",
    meaning: "Field in which a proxy that logs people in says who is there. Needs authHeaderPeers.",
  },
  authHeaderPeers: {
    type: "list",
    default: [],
    allowed: "addresses, ranges, loopback, private",
    value: "range",
    meaning: "Peers whose authHeader is believed; of all others it is ignored.",
  },
  oidcIssuer: {
    type: "text",
    default: "",
    value: "url",
    meaning: "OpenID Connect provider for single sign-on, as its discovery document names it.",
  },
  oidcClientId: { type: "text", default: "", value: "id", meaning: "Name of this client at the provider." },
  oidcClientSecret: {
    type: "text",
    default: "",
    value: "secret",
    meaning:
      "Secret of this client; without, it is a public one. In the file or environment only where others see command lines.",
  },
  oidcUserClaim: {
    type: "text",
    default: "preferred_username",
    pattern: /^[A-Za-z0-9_:/.-]+$/,
    allowed: "the name of a claim",
    value: "claim",
    meaning: "Claim that is the user's name; of email only verified addresses count.",
  },
  oidcScope: {
    type: "text",
    default: "openid profile",
    pattern: /^openid( [\x21\x23-\x5b\x5d-\x7e]+)*$/,
    allowed: "openid and further scopes, with one space in between",
    value: "scopes",
    meaning: "What the provider is asked for.",
  },
  oidcRedirectUrl: {
    type: "text",
    default: "",
    pattern: /^(https?:\/\/[^\s]+\/api\/oidc\/callback)?$/,
    allowed: "the gateway's URL with api/oidc/callback behind it",
    value: "url",
    meaning: "Where the provider sends browsers back to. Default: the address that the browser used.",
  },
  createUsers: {
    type: "flag",
    default: false,
    meaning:
      "Whoever the proxy or provider names becomes a user, without password and rights of administration. Otherwise only those in the users file may log in.",
  },
  metricsToken: {
    type: "text",
    default: "",
    value: "token",
    meaning:
      "Bearer token that opens /metrics; without, only administrators see it. Better in the file or environment.",
  },
  loop: {
    type: "text",
    default: "auto",
    pattern: /^(auto|epoll|node)$/,
    allowed: "auto, epoll, node",
    value: "name",
    meaning: "How sockets are served; see @tz/server.",
  },
} as const satisfies Record<string, ConfigRow>;

export type ConfigName = keyof typeof CONFIG;

type ValueOf<Row> = Row extends { type: "number" }
  ? number
  : Row extends { type: "flag" }
    ? boolean
    : Row extends { type: "list" }
      ? readonly string[]
      : string;

export type Config = { readonly [Name in ConfigName]: ValueOf<(typeof CONFIG)[Name]> };

/** `sessionIdleMs` → `session-idle-ms` */
export function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `sessionIdleMs` → `TZ_CLOUDTERM_SESSION_IDLE_MS` */
export function variableOf(name: string): string {
  return `TZ_CLOUDTERM_${dashed(name).replaceAll("-", "_").toUpperCase()}`;
}
