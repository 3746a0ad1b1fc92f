/** A listing for people: a table that works with a keyboard, a screen reader, in the dark, and without a script. */
import { createHash } from "node:crypto";
import { encodeSegment } from "../resolve/target.js";
import type { ListedEntry, SortField } from "./directory-listing.js";
import type { ListingPage } from "./listing-page.js";
import { type ListingQuery, writeQuery } from "./listing-query.js";

const STYLE = `:root{color-scheme:light dark;--line:#8883}
body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.25rem;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%}
th,td{text-align:start;padding:.35rem .5rem;border-bottom:1px solid var(--line)}
th:nth-child(n+2),td:nth-child(n+2){text-align:end;white-space:nowrap;font-variant-numeric:tabular-nums}
td:first-child{overflow-wrap:anywhere}
tbody tr:hover{background:#8881}
a{text-underline-offset:.2em}
a:focus-visible{outline:2px solid;outline-offset:2px}
nav ul{list-style:none;padding:0;display:flex;gap:1rem}
@media(max-width:35rem){th:nth-child(3),td:nth-child(3){display:none}}`;

const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");

/** The page's own style and nothing else: no script, no frame around it from elsewhere, no form. */
export const LISTING_CSP = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'`;

export function renderHtml(page: ListingPage): string {
  const title = page.crumbs.length === 0 ? "/" : `/${page.crumbs.join("/")}/`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Index of ${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Index of ${breadcrumbs(page)}</h1>
<table>
<caption>${countLine(page)}</caption>
<thead><tr>${heading(page, "name", "Name")}${heading(page, "size", "Size")}${heading(page, "time", "Modified (UTC)")}</tr></thead>
<tbody>
${parentRow(page)}${page.entries.map((entry) => row(page, entry)).join("")}</tbody>
</table>
${pager(page)}</main>
</body>
</html>
`;
}

function breadcrumbs({ crumbs, linkBase }: ListingPage): string {
  // The directory's own address ends in a slash, or its links begin with its name: one step less to go up.
  const here = linkBase === "./" ? "./" : linkBase;
  const parts = [`<a href="${up(here, crumbs.length)}">/</a>`];
  crumbs.forEach((crumb, i) => {
    const text = escapeHtml(crumb);
    const isHere = i === crumbs.length - 1;
    parts.push(
      isHere
        ? `<span aria-current="page">${text}</span>/`
        : `<a href="${up(here, crumbs.length - 1 - i)}">${text}</a>/`,
    );
  });
  return parts.join("");
}

function up(here: string, levels: number): string {
  return levels === 0 ? escapeHtml(here) : escapeHtml(here + "../".repeat(levels));
}

function countLine({ entries, total, query, pages, isPartial }: ListingPage): string {
  const count = `${total}${isPartial ? " and more" : ""} ${total === 1 ? "entry" : "entries"}`;
  return pages > 1 ? `${count}, page ${query.page} of ${pages} (${entries.length} here)` : count;
}

function heading({ query }: ListingPage, field: SortField, label: string): string {
  const isSorted = query.sort === field;
  const next: ListingQuery = { sort: field, isDescending: isSorted && !query.isDescending, page: 1 };
  const state = isSorted ? ` aria-sort="${query.isDescending ? "descending" : "ascending"}"` : "";
  const arrow = isSorted ? `<span aria-hidden="true"> ${query.isDescending ? "↓" : "↑"}</span>` : "";
  return `<th scope="col"${state}><a href="${escapeHtml(writeQuery(next))}">${label}</a>${arrow}</th>`;
}

function parentRow({ crumbs, linkBase }: ListingPage): string {
  if (crumbs.length === 0) return "";
  return `<tr><td><a href="${up(linkBase, 1)}">../<span hidden> (parent directory)</span></a></td><td></td><td></td></tr>\n`;
}

function row({ linkBase }: ListingPage, { name, isDirectory, status }: ListedEntry): string {
  const slash = isDirectory ? "/" : "";
  // "./" in front: a name may look like a scheme, "javascript:x".
  const href = escapeHtml(linkBase + encodeSegment(name) + slash);
  const size = isDirectory || status === undefined ? "" : humanSize(status.byteLength);
  const exact = isDirectory || status === undefined ? "" : ` title="${status.byteLength} bytes"`;
  return `<tr><td><a href="${href}">${escapeHtml(name)}${slash}</a></td><td${exact}>${size}</td><td>${timeOf(status?.mtimeSeconds)}</td></tr>\n`;
}

function timeOf(seconds: number | undefined): string {
  if (seconds === undefined) return "";
  const iso = new Date(seconds * 1000).toISOString();
  return `<time datetime="${iso}">${iso.slice(0, 16).replace("T", " ")}</time>`;
}

function pager({ query, pages }: ListingPage): string {
  if (pages <= 1) return "";
  const link = (page: number, rel: string, label: string): string =>
    `<li><a rel="${rel}" href="${escapeHtml(writeQuery({ ...query, page }))}">${label}</a></li>`;
  const previous = query.page > 1 ? link(query.page - 1, "prev", "Previous page") : "";
  const next = query.page < pages ? link(query.page + 1, "next", "Next page") : "";
  return `<nav aria-label="Pages"><ul>${previous}${next}</ul></nav>\n`;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

export function humanSize(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

const ENTITY: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITY[character]!);
}
