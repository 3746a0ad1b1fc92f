export {
  CLOUDTERM_ERRORS,
  CloudtermError,
  type CloudtermErrorCode,
  type CloudtermErrorOptions,
} from "./errors.js";
export { MemorySessionStore, type MemoryStoreOptions } from "./sessions/memory-store.js";
export { RedisSessionStore, type RedisStoreOptions } from "./sessions/redis-store.js";
export type { SessionRecord, SessionStore, StoredSession } from "./sessions/session-store.js";
export { expiryOf } from "./sessions/session-store.js";
export { type Login, type Session, Sessions, type SessionsOptions } from "./sessions/sessions.js";
