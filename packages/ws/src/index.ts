export { CHANNELS, type CloseMessage, type ErrorMessage, type OpenMessage } from "./channels.js";
export { CLOSE, isSendableCloseCode } from "./close-codes.js";
export {
  type ConnectionHandler,
  type ConnectionParts,
  type ConnectionState,
  WebSocketConnection,
} from "./connection.js";
export { type ConnectionEvents, copyingHandler } from "./copying-handler.js";
export type { DeflateAgreement } from "./deflate/agreement.js";
export { WS_ERRORS, WsError, type WsErrorCode } from "./errors.js";
export { type FrameEvents, type FrameLimits, FrameParser } from "./frame-parser.js";
export { FrameSender } from "./frame-sender.js";
export { headLength, writeHead } from "./frame-writer.js";
export {
  type ConfirmedHandshake,
  confirmHandshake,
  type HandshakeOffer,
  type HandshakeResponse,
  type OfferOptions,
  offerHandshake,
} from "./handshake/client-handshake.js";
export {
  type AcceptedHandshake,
  acceptHandshake,
  type Fields,
  type HandshakeOptions,
  type HandshakeRequest,
  type RejectedHandshake,
} from "./handshake/server-handshake.js";
export type { SendOptions } from "./message-sender.js";
export { attachSocket } from "./node/attach-socket.js";
export { type ConnectOptions, connect } from "./node/connect.js";
export type { SharedOptions } from "./node/connection-options.js";
export { type UpgradeOptions, upgrade } from "./node/upgrade.js";
export { FIN, OPCODE, type Role, RSV1 } from "./opcode.js";
export {
  CONNECTION_OPTIONS,
  type ConnectionOptions,
  type ConnectionSettings,
  connectionSettings,
  DEFLATE_OPTIONS,
  type DeflateOptions,
  type DeflateSettings,
  deflateSettings,
} from "./options.js";
export type { Sink } from "./sink.js";
export { textOf } from "./text.js";
export type { FixedMemory } from "./webassembly.js";
export { type MemoryRange, sharedWorkspace, Workspace, type WorkspaceOptions } from "./workspace.js";
