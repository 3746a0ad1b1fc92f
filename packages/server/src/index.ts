export { type ConnectMiddleware, connect } from "./adapters/connect.js";
export { type FetchHandler, type FetchOptions, webRequest } from "./adapters/fetch-handler.js";
export { toNodeListener } from "./adapters/node-listener.js";
export {
  App,
  type CloseOptions,
  createServer,
  type ListeningAddress,
  type ListenTarget,
  type ServerStats,
} from "./app.js";
export type { MultipartForm, MultipartOptions, UploadedFile } from "./body/multipart.js";
export { RequestBody } from "./body/request-body.js";
export { CookieSigner } from "./cookies/cookie-signer.js";
export { type CookieOptions, parseCookies, setCookie } from "./cookies/cookies.js";
export { SERVER_ERRORS, ServerError, type ServerErrorCode, type ServerErrorOptions } from "./errors.js";
export type { DeferredTask } from "./handlers/defer-queue.js";
export {
  Dependency,
  type DependencyOptions,
  type DependencyScope,
  dependency,
} from "./handlers/dependency.js";
export type { ServerSentEvent } from "./handlers/event-chunks.js";
export { type FileOptions, file } from "./handlers/file-reply.js";
export type { Middleware, Next, OnError, OnRequest, OnSend } from "./handlers/hooks.js";
export { type RedirectToHttpsOptions, redirectToHttps } from "./handlers/redirect-to-https.js";
export {
  bytes,
  type EventOptions,
  empty,
  html,
  type JsonOptions,
  json,
  type ReplyOptions,
  redirect,
  sse,
  stream,
  text,
} from "./handlers/reply.js";
export type { RouteOptions, ValidOf } from "./handlers/route-options.js";
export { type CompressionOptions, compression, etags } from "./handlers/sending.js";
export type { Reply } from "./handlers/to-plan.js";
export type { Http2Options } from "./http2/http2-options.js";
export { isEpollSupported } from "./loop/epoll.js";
export type { BindAddress, LoopKind } from "./loop/loop.js";
export type { AccessLogStats } from "./observe/access-log.js";
export type { AccessLogFormat, AccessLogOptions, LogWriter } from "./observe/access-log-options.js";
export type { ConnectionEvent, LimitEvent, TlsEvent } from "./observe/connection-channels.js";
export { type ExpositionFormat, exposition } from "./observe/exposition.js";
export type { DurationSummary, Durations } from "./observe/latency-buckets.js";
export { isLocal } from "./observe/local-only.js";
export { logFile } from "./observe/log-file.js";
export {
  type MetricsRegistry,
  type MonitoringOptions,
  monitoring,
  type ReadyCheck,
} from "./observe/monitoring.js";
export type { Around, RequestEvent } from "./observe/request-event.js";
export type { StatsOptions } from "./observe/stats-options.js";
export { StatsTable } from "./observe/stats-table.js";
export type {
  ArenaFigures,
  ConnectionStates,
  MountFigures,
  PathFigures,
  RouteStats,
  ServerTotals,
  TlsFigures,
  WorkerFigures,
} from "./observe/worker-figures.js";
export {
  type LoopChoice,
  ROUTE_OPTIONS,
  resolveOptions,
  SERVER_OPTIONS,
  type ServerOptions,
} from "./options.js";
export type { ClientOrigin, ForwardedBy } from "./proxies/forwarded.js";
export { ServerRequest } from "./request.js";
export type { Handler } from "./server-core.js";
export type { HstsOptions } from "./tls/hsts.js";
export { type SelfSignedOptions, selfSignedCertificate } from "./tls/self-signed.js";
export { newTicketKeys } from "./tls/ticket-keys.js";
export type { TlsStats } from "./tls/tls-counts.js";
export {
  type CertificateOptions,
  type ClientCertificateMode,
  type PemSource,
  TLS_OPTIONS,
  type TlsEngine,
  type TlsOptions,
  type TlsVersion,
} from "./tls/tls-options.js";
export { Upgraded } from "./upgraded.js";
export { type AjvCheck, ajvSchema, type CompiledCheck, compiledSchema } from "./validation/checked-schema.js";
export {
  InvalidRequest,
  type Problem,
  type ProblemDetails,
  problem,
  type RequestPart,
} from "./validation/invalid-request.js";
export type { OutputOf, SchemaIssue, SchemaResult, StandardSchema } from "./validation/standard-schema.js";
export type { HandshakeSettings } from "./websocket/handshake-judge.js";
export type { PublishOptions } from "./websocket/rooms.js";
export type { ServerSocket } from "./websocket/server-socket.js";
export type { SocketHandlers, SocketOptions } from "./websocket/socket-route.js";
export { type WebSocketOptions, webSocket } from "./websocket/web-socket.js";
export { stopOnSignals } from "./workers/stop-on-signals.js";
export type { WorkerStats } from "./workers/supervisor.js";
export { activatedSockets, notifyServiceManager } from "./workers/systemd.js";
export type { WorkerEnd, WorkerEvent } from "./workers/worker-events.js";
export { WORKER_OPTIONS, type WorkersOptions } from "./workers/worker-options.js";
export { workerInfo } from "./workers/worker-role.js";
