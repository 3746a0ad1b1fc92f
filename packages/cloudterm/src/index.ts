export { type AuditEvent, AuditLog, type AuditLogOptions } from "./audit/audit-log.js";
export { DeviceMarks } from "./authentication/device-marks.js";
export { HashQueue, type HashQueueOptions } from "./authentication/hash-queue.js";
export { MemoryTickets } from "./authentication/memory-tickets.js";
export { OidcLogin, type OidcLoginOptions, type OidcStart } from "./authentication/oidc-login.js";
export {
  type PasskeyBegun,
  type PasskeySite,
  Passkeys,
  type PasskeysOptions,
} from "./authentication/passkeys.js";
export {
  checkNewPassword,
  checkScheme,
  DEFAULT_SCHEME,
  type HashScheme,
  hashPassword,
  schemeOf,
  verifyPassword,
} from "./authentication/password-hash.js";
export { PasswordLogin, type PasswordLoginOptions } from "./authentication/password-login.js";
export { newRecoveryCodes } from "./authentication/recovery-codes.js";
export { RedisTickets } from "./authentication/redis-tickets.js";
export { SecondFactor, type SecondFactorOptions } from "./authentication/second-factor.js";
export type { TicketStore } from "./authentication/ticket-store.js";
export { newTotpSecret, totpCode, totpStep, totpUri } from "./authentication/totp.js";
export {
  type HeaderRequest,
  TrustedHeader,
  type TrustedHeaderOptions,
} from "./authentication/trusted-header.js";
export {
  checkUserName,
  type Passkey,
  type TotpSecret,
  type User,
  type UserRole,
  userName,
} from "./authentication/user.js";
export { type UserLookup, UsersFile } from "./authentication/users-file.js";
export {
  CLOUDTERM_ERRORS,
  CloudtermError,
  type CloudtermErrorCode,
  type CloudtermErrorOptions,
} from "./errors.js";
export { folderFiles } from "./files/folder-files.js";
export { sftpFiles } from "./files/sftp-files.js";
export type { FileEntry, OpenFile, SaveOptions, TerminalFiles } from "./files/terminal-files.js";
export {
  type CommonLimits,
  GatewayDirectory,
  type GatewayDirectoryOptions,
  type PeerGateway,
  type RemoteTerminal,
} from "./gateways/gateway-directory.js";
export {
  INTERNAL_TICKET_MS,
  InternalTickets,
  type InternalTicketsOptions,
  type TicketedRequest,
} from "./gateways/internal-tickets.js";
export { SharedKey, type SharedKeyOptions } from "./gateways/shared-key.js";
export type { NumberOptions, NumberRule, NumberTable } from "./option-table.js";
export { HTTP_PROXY_LIMITS, HttpProxy, type HttpProxyOptions } from "./proxy/http-proxy.js";
export { PROXY_LIMITS, type ProxyLimits } from "./proxy/proxy-limits.js";
export type { RelayEnd } from "./proxy/relay.js";
export { type Upstream, UpstreamGuard, type UpstreamPolicy } from "./proxy/upstream.js";
export {
  type ProxiedConnection,
  WebSocketProxy,
  type WebSocketProxyOptions,
} from "./proxy/web-socket-proxy.js";
export { addressKey } from "./rate-limit/address-key.js";
export { type LoginAttempt, LoginLimits, type LoginLimitsOptions } from "./rate-limit/login-limits.js";
export { MemoryLimiter, type MemoryLimiterOptions } from "./rate-limit/memory-limiter.js";
export type { RateLimiter, RateRule } from "./rate-limit/rate-limiter.js";
export { RedisLimiter } from "./rate-limit/redis-limiter.js";
export type { OutputRecorder } from "./recordings/recorder.js";
export {
  RECORDING_LIMITS,
  type Recording,
  Recordings,
  type RecordingsOptions,
} from "./recordings/recordings.js";
export { RedisPulse, type RedisPulseOptions } from "./redis-pulse.js";
export { nodeRequestView, type RequestView, webRequestView } from "./request-safety/request-view.js";
export { checkCsrfToken, SameSite, type SameSiteOptions } from "./request-safety/same-site.js";
export { type SecurityFieldsOptions, securityFields } from "./request-safety/security-fields.js";
export {
  type CookieName,
  cookieField,
  cookieName,
  expiredCookie,
  readCookie,
} from "./request-safety/session-cookie.js";
export { MemorySessionStore, type MemoryStoreOptions } from "./sessions/memory-store.js";
export { RedisSessionStore, type RedisStoreOptions } from "./sessions/redis-store.js";
export type { SessionRecord, SessionStore, StoredSession } from "./sessions/session-store.js";
export { expiryOf } from "./sessions/session-store.js";
export { type Login, type Session, Sessions, type SessionsOptions } from "./sessions/sessions.js";
export { INVITE_MS_MAX, type Invite, type InviteStart, Invites } from "./terminals/invites.js";
export { type LocalPtyOptions, localPty } from "./terminals/local-pty.js";
export { type RawUpstreamOptions, rawUpstream } from "./terminals/raw-upstream.js";
export { isSameOrigin, isSameOriginNode } from "./terminals/same-origin.js";
export { type SshFleet, type SshFleetOptions, sshFleet } from "./terminals/ssh-fleet.js";
export { readSshHosts, type SshHost, sshHosts } from "./terminals/ssh-hosts.js";
export { type SizePolicy, Terminal, type TerminalInfo } from "./terminals/terminal.js";
export type {
  BackendEvents,
  BackendTerminal,
  TerminalBackend,
  TerminalEnd,
  TerminalStart,
} from "./terminals/terminal-backend.js";
export { checkedSize, DEFAULT_SIZE, sizeOf, type TerminalSize } from "./terminals/terminal-size.js";
export type { SocketAccess } from "./terminals/terminal-socket.js";
export { TerminalSockets, type TerminalSocketsOptions } from "./terminals/terminal-sockets.js";
export {
  DISMISSED,
  type OpenOptions,
  type RecordedStart,
  TERMINAL_LIMITS,
  type TerminalEvent,
  type TerminalLimits,
  Terminals,
  type TerminalsOptions,
} from "./terminals/terminals.js";
export { serveTtyd, type TtydServerOptions } from "./terminals/ttyd-server.js";
export { type TtydUpstreamOptions, ttydUpstream } from "./terminals/ttyd-upstream.js";
export {
  readUpstreams,
  type UpstreamEntry,
  type UpstreamFleet,
  upstreamFleet,
} from "./terminals/upstream-fleet.js";
export type { Access, Viewer, ViewerOptions, ViewerSink, ViewerState } from "./terminals/viewer.js";
export { CLIENT, CLOSED, SERVER, TERMINAL_PROTOCOL, TTYD_PROTOCOL } from "./terminals/wire.js";
