/** How long answers that are on their way may take after the first signal. */
export const DRAIN_TIMEOUT_MS = 5000;

/** Of one worker; the descriptor limit of the process comes first where it is lower. */
export const MAX_CONNECTIONS = 15_000;

/** The longest name has 1,024 bytes, each of which may be spelled as an escape of six; the rest is for white space. */
export const MAX_EVENT_BYTES = 8192;
