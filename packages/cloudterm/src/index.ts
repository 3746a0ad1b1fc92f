export { type AuditEvent, AuditLog, type AuditLogOptions } from "./audit/audit-log.js";
export { DeviceMarks } from "./authentication/device-marks.js";
export { HashQueue, type HashQueueOptions } from "./authentication/hash-queue.js";
export { MemoryTickets } from "./authentication/memory-tickets.js";
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
  checkUserName,
  type Passkey,
  type TotpSecret,
  type User,
  type UserRole,
  userName,
} from "./authentication/user.js";
export { UsersFile } from "./authentication/users-file.js";
export {
  CLOUDTERM_ERRORS,
  CloudtermError,
  type CloudtermErrorCode,
  type CloudtermErrorOptions,
} from "./errors.js";
export { addressKey } from "./rate-limit/address-key.js";
export { type LoginAttempt, LoginLimits, type LoginLimitsOptions } from "./rate-limit/login-limits.js";
export { MemoryLimiter, type MemoryLimiterOptions } from "./rate-limit/memory-limiter.js";
export type { RateLimiter, RateRule } from "./rate-limit/rate-limiter.js";
export { RedisLimiter } from "./rate-limit/redis-limiter.js";
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
