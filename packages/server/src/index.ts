export {
  App,
  type CloseOptions,
  createServer,
  type ListeningAddress,
  type ListenTarget,
  type ServerStats,
} from "./app.js";
export { RequestBody } from "./body/request-body.js";
export { SERVER_ERRORS, ServerError, type ServerErrorCode, type ServerErrorOptions } from "./errors.js";
export type { DeferredTask } from "./handlers/defer-queue.js";
export {
  Dependency,
  type DependencyOptions,
  type DependencyScope,
  dependency,
} from "./handlers/dependency.js";
export type { Middleware, Next, OnError, OnRequest, OnSend } from "./handlers/hooks.js";
export {
  bytes,
  empty,
  html,
  json,
  type ReplyOptions,
  redirect,
  type ServerSentEvent,
  sse,
  stream,
  text,
} from "./handlers/reply.js";
export type { Reply } from "./handlers/to-plan.js";
export { isEpollSupported } from "./loop/epoll.js";
export type { BindAddress, LoopKind } from "./loop/loop.js";
export { type LoopChoice, resolveOptions, SERVER_OPTIONS, type ServerOptions } from "./options.js";
export { ServerRequest } from "./request.js";
export type { Handler } from "./server-core.js";
export { type WebSocketOptions, webSocket } from "./websocket/web-socket.js";
