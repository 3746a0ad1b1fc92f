/** Whether an answer is under way: the next request of the connection is read only when none is. */
export const OUTPUT = {
  idle: 0,
  /** A handler works on it. */
  awaiting: 1,
  /** The transport took less than all of it, or a stream goes on. */
  writing: 2,
} as const;

// Flags of a connection: one word for all of them, since idle connections are many.
/** The answer under way is the last. */
export const CLOSING = 1 << 0;
/** Half-closed: what still comes is dropped. */
export const LINGERING = 1 << 1;
/** The transport was told to keep bytes back. */
export const PAUSED = 1 << 2;
/** A stream goes on; an empty queue does not end the answer. */
export const STREAMING = 1 << 3;
/** `#pending` is the beginning of a head. */
export const HEAD_BEGUN = 1 << 4;
/** The request line of a head that has begun is whole. */
export const LINE_DONE = 1 << 8;
/** The client finished sending. */
export const PEER_ENDED = 1 << 5;
/** The request under way is HEAD. */
export const IS_HEAD = 1 << 6;
/** The request under way allows another one. */
export const KEEP_ALIVE = 1 << 7;
/** Answers carry what TLS listeners add. */
export const SECURE_LINES = 1 << 9;
/** The answer leaves at the end of the loop's turn. */
export const DEFERRED = 1 << 10;
/** The request under way has a body, here or to come. */
export const HAS_BODY = 1 << 11;
