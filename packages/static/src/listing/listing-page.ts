/** One page of a listing, ready to be written as HTML or JSON. */
import type { ListedEntry } from "./directory-listing.js";
import type { ListingQuery } from "./listing-query.js";

export interface ListingPage {
  /** Decoded names from the mount's root down; empty at the root. */
  readonly crumbs: readonly string[];
  readonly query: ListingQuery;
  readonly entries: readonly ListedEntry[];
  /** In the directory, on all pages. */
  readonly total: number;
  readonly pages: number;
  /** There is more in the directory than is counted. */
  readonly isPartial: boolean;
  /** In front of each link: `./`, or `./name/` when the page's own address has no slash at its end. */
  readonly linkBase: string;
}
