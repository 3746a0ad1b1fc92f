/**
 * The data types of Structured Fields (RFC 9651 §3). Types are tagged, because JavaScript's numbers and strings
 * alone cannot tell an Integer from a Decimal or a Token from a String.
 */
export type BareItem =
  /** From -999,999,999,999,999 to 999,999,999,999,999. */
  | { readonly type: "integer"; readonly value: number }
  /** At most twelve digits before the point and three behind it. */
  | { readonly type: "decimal"; readonly value: number }
  /** ASCII without control characters. */
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "token"; readonly value: string }
  | { readonly type: "bytes"; readonly value: Uint8Array }
  | { readonly type: "boolean"; readonly value: boolean }
  /** Seconds since 1970. */
  | { readonly type: "date"; readonly value: number }
  /** Any Unicode text. */
  | { readonly type: "displayString"; readonly value: string };

/** In the order in which they were sent. */
export type Parameters = ReadonlyMap<string, BareItem>;

export type Item = BareItem & { readonly parameters?: Parameters };

export interface InnerList {
  readonly type: "innerList";
  readonly items: readonly Item[];
  readonly parameters?: Parameters;
}

export type Member = Item | InnerList;
export type List = readonly Member[];
/** In the order in which the keys were first sent. */
export type Dictionary = ReadonlyMap<string, Member>;
