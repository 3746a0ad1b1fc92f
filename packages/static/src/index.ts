export {
  type FetchHandler,
  type FetchHandlerOptions,
  type PassingFetchHandler,
  toFetchHandler,
} from "./adapters/fetch.js";
export { type NodeHandler, type NodeHandlerOptions, toNodeHandler } from "./adapters/node.js";
export type { CacheStats } from "./cache/answer-cache.js";
export { STATIC_ERROR_CODES, StaticError, type StaticErrorCode } from "./errors.js";
export { StaticMount, type StaticStats, staticMount } from "./mount.js";
export { type JsonSchema, refusalOfField } from "./option-rules.js";
export {
  type CacheOptions,
  type Clock,
  type Manifest,
  type ManifestFile,
  STATIC_OPTIONS,
  type StaticOptions,
} from "./options.js";
export { staticOptionsSchema } from "./options-schema.js";
