/** What is in force in a block of nginx: its own directives over those of the blocks around it. */
import type { Directive } from "./directive.js";

export interface AddedField {
  readonly name: string;
  readonly value: string;
  /** Also with answers that are errors. */
  readonly isAlways: boolean;
}

export interface Coding {
  readonly isOn: boolean;
  readonly level: number | undefined;
  readonly minBytes: number | undefined;
  /** `"*"` is every type. */
  readonly types: readonly string[] | undefined;
}

export interface Folder {
  readonly kind: "root" | "alias";
  readonly path: string;
}

export interface ErrorPage {
  readonly statuses: readonly number[];
  /** As a client would ask for it. */
  readonly target: string;
  /** `=200`: what is missing is answered as if it were this page. */
  readonly isFound: boolean;
  readonly directive: Directive;
}

/** Each is `undefined` until some block says it. */
export interface Settings {
  folder?: Folder;
  index?: readonly string[];
  isListed?: boolean;
  /** In this block alone: nginx does not hand it down. */
  tryFiles?: {
    readonly directive: Directive;
    readonly cleanUrls: boolean;
    readonly fallback: string | undefined;
  };
  /** Nobody may ask; the directive that says so. */
  denied?: Directive;
  /** What `expires` makes of `Cache-Control`; `null` is `off`. */
  expires?: string | null;
  fields?: readonly AddedField[];
  errorPages?: readonly ErrorPage[];
  /** `false`: off. */
  charset?: string | false;
  /** Extension with its dot to media type. */
  types?: Readonly<Record<string, string>>;
  gzip?: Coding;
  brotli?: Coding;
  /** Codings of files beside the files. */
  sidecars?: readonly ("gzip" | "br" | "zstd")[];
  bytesPerSecond?: number;
  maxRanges?: number;
  hasNoTags?: boolean;
  symlinks?: "deny" | "within-root" | "follow";
}

/** What an inner block starts with. */
export function inherited(outer: Settings): Settings {
  const { tryFiles, ...rest } = outer;
  return rest;
}
