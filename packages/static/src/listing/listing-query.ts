/** What a client may ask of a listing: `?sort=size&order=desc&page=2`. Anything else in the query is ignored. */
import type { SortField } from "./directory-listing.js";

export interface ListingQuery {
  readonly sort: SortField;
  readonly isDescending: boolean;
  /** From 1. */
  readonly page: number;
}

export function readQuery(target: string, defaultSort: SortField): ListingQuery {
  const mark = target.indexOf("?");
  const query = new URLSearchParams(mark < 0 ? "" : target.slice(mark + 1));
  const sort = query.get("sort");
  const page = query.get("page") ?? "";
  return {
    sort: sort === "name" || sort === "size" || sort === "time" ? sort : defaultSort,
    isDescending: query.get("order") === "desc",
    page: /^[1-9]\d{0,6}$/.test(page) ? Number(page) : 1,
  };
}

/** The same, as a query; the default is left out. */
export function writeQuery({ sort, isDescending, page }: ListingQuery): string {
  const query = new URLSearchParams({ sort, order: isDescending ? "desc" : "asc" });
  if (page > 1) query.set("page", String(page));
  return `?${query}`;
}
