/**
 * One entry, on one cache line of 16 words.
 *
 * ```
 *            reserve                 publish                 replace, evict, purge           nobody pins it
 *   FREE ─────────────▶ FILLING ─────────────────▶ LIVE ───────────────────────▶ RETIRED ─────────────────▶ FREE
 *    ▲                     │ abandon, its worker dies                                                          ▲
 *    ╰─────────────────────┴───────────────────────────────────────────────────────────────────────────────────╯
 * ```
 *
 * The bytes of a block are written while it is FILLING, by its worker alone, and by nobody from LIVE until it is
 * FREE again. Every change of the state is made by the holder of the writer lock, but for `GIVEN_UP`, which its
 * worker may set on a FILLING entry when it cannot have the lock.
 */
export const STATE = 0;
export const HASH = 1;
/** Next entry of the chain, or of the list of free records: record + 1, 0 at the end. */
export const NEXT = 2;
export const VERSION_LOW = 3;
export const VERSION_HIGH = 4;
/** Where the block begins, in units from the start of the memory. */
export const UNIT = 5;
export const KEY_BYTES = 6;
export const VALUE_BYTES = 7;
/** 32 bits of the user. */
export const META = 8;
/** Neighbours in their queue, record + 1; NEWER also links retired entries. */
export const NEWER = 9;
export const OLDER = 10;
/** Order of publication, for the repair of the queues. */
export const SEQUENCE = 11;
export const PAGE = 12;
/** The sum of epochs when the entry was begun: another sum means that it was invalidated since. */
export const EPOCH = 13;
/** Worker row that fills it. */
export const OWNER = 14;
export const SLOT = 15;

export const FREE = 0;
export const FILLING = 1;
export const LIVE = 2;
export const RETIRED = 3;
export const GIVEN_UP = 4;

/** No entry. */
export const NONE = -1;
