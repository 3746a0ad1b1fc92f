import type { ListingPage } from "./listing-page.js";

/** `{ entries: [{ name, type, size, modified }], sort, order, page, pages, total, partial }` */
export function renderJson({ entries, query, total, pages, isPartial }: ListingPage): string {
  return `${JSON.stringify({
    entries: entries.map(({ name, isDirectory, status }) => ({
      name,
      type: isDirectory ? "directory" : "file",
      ...(isDirectory || status === undefined ? {} : { size: status.byteLength }),
      ...(status === undefined ? {} : { modified: new Date(status.mtimeSeconds * 1000).toISOString() }),
    })),
    sort: query.sort,
    order: query.isDescending ? "desc" : "asc",
    page: query.page,
    pages,
    total,
    partial: isPartial,
  })}\n`;
}
