/** The entry of a directory whose content is shown. */
import { createHash } from "node:crypto";
import { FIELD, type PlanRequest, ResponseHead, type ResponsePlan } from "@tz/http1";
import { ENTRY_OVERHEAD_BYTES, Entry, type Probe } from "../cache/entry.js";
import { prefers } from "../negotiate/accept.js";
import { evaluatePreconditions } from "../negotiate/preconditions.js";
import type { ResolvedListing, ResolvedOptions } from "../options.js";
import { snapshot } from "../request-snapshot.js";
import { errorPlan } from "../respond/error-pages.js";
import { mergeFields } from "../respond/field-list.js";
import { addFields } from "../respond/file-description.js";
import type { DirectoryListing, ListedEntry } from "./directory-listing.js";
import { LISTING_CSP, renderHtml } from "./html-page.js";
import { renderJson } from "./json-page.js";
import type { ListingPage } from "./listing-page.js";
import { type ListingQuery, readQuery, writeQuery } from "./listing-query.js";

/** Names, keys and objects of one entry of a directory. */
const BYTES_PER_NAME = 150;
/** Pages that are kept as they were sent. */
const PAGES_MAX = 16;

interface Rendered {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

export interface ListingSource {
  readonly target: string;
  /** Below the root. */
  readonly path: string;
  readonly listing: DirectoryListing;
  readonly probes: readonly Probe[];
  /** What the options add to answers that are no file. */
  readonly refusalFields: readonly string[];
}

export class ListingEntry extends Entry {
  override readonly listedPath: string;
  readonly #source: ListingSource;
  readonly #options: ResolvedOptions;
  readonly #rules: ResolvedListing;
  readonly #rendered = new Map<string, Promise<Rendered | undefined>>();

  constructor(source: ListingSource, options: ResolvedOptions, rules: ResolvedListing) {
    super(source.target, source.probes);
    this.listedPath = source.path;
    this.#source = source;
    this.#options = options;
    this.#rules = rules;
    this.costBytes = ENTRY_OVERHEAD_BYTES + source.listing.entries.length * BYTES_PER_NAME;
    // A file that grows changes its line here, but not the directory: without events a listing is only good for a while.
    this.isRacy = true;
  }

  override answer(request: PlanRequest, own?: readonly string[]): Promise<ResponsePlan> {
    return this.#answer(snapshot(request), own);
  }

  async #answer(request: PlanRequest, own: readonly string[] = []): Promise<ResponsePlan> {
    const { html, json, sort } = this.#rules;
    const refusal = mergeFields([...this.#source.refusalFields], own);
    const isHtml = html && (!json || prefers(request.field(FIELD.accept), "text/html", "application/json"));
    if (!html && !json) return errorPlan(request, 403, refusal);
    const query = readQuery(request.target, sort);
    const isSlashed = request.target.split("?", 1)[0]!.endsWith("/");
    const rendered = await this.#render(query, isHtml, isSlashed);
    if (rendered === undefined) return errorPlan(request, 404, refusal);
    const { bytes, etag } = rendered;

    const fields: string[] = [];
    addFields(fields, this.#source.path, this.#options);
    mergeFields(fields, ["Cache-Control", "no-cache", "X-Content-Type-Options", "nosniff"]);
    if (isHtml) mergeFields(fields, ["Content-Security-Policy", LISTING_CSP]);
    if (html && json) mergeFields(fields, ["Vary", "Accept"]);
    mergeFields(fields, own);
    const validators = { etag, formerEtag: undefined, lastModifiedSeconds: undefined };
    const verdict = evaluatePreconditions(request, validators);
    if (verdict === "failed") return errorPlan(request, 412, refusal);
    if (verdict === "not-modified") {
      return { head: new ResponseHead(304, ["ETag", etag, ...fields]), body: { kind: "none" } };
    }
    const type = isHtml ? "text/html; charset=utf-8" : "application/json; charset=utf-8";
    const head = ["Content-Type", type, "Content-Length", String(bytes.byteLength), "ETag", etag, ...fields];
    return {
      head: new ResponseHead(200, head),
      body: request.method === "HEAD" ? { kind: "none" } : { kind: "bytes", bytes },
    };
  }

  /** `undefined` for a page that there is not. */
  #render(query: ListingQuery, isHtml: boolean, isSlashed: boolean): Promise<Rendered | undefined> {
    const key = `${isHtml} ${isSlashed} ${writeQuery(query)}`;
    let rendered = this.#rendered.get(key);
    if (rendered === undefined) {
      if (this.#rendered.size >= PAGES_MAX) this.#rendered.clear();
      rendered = this.#renderPage(query, isHtml, isSlashed);
      this.#rendered.set(key, rendered);
    }
    return rendered;
  }

  async #renderPage(query: ListingQuery, isHtml: boolean, isSlashed: boolean): Promise<Rendered | undefined> {
    const { listing, path } = this.#source;
    const { pageSize } = this.#rules;
    const total = listing.entries.length;
    const pages = Math.max(1, Math.ceil(total / pageSize));
    if (query.page > pages) return undefined;
    const sorted = await listing.sorted(query.sort, query.isDescending);
    const start = (query.page - 1) * pageSize;
    const entries: ListedEntry[] = await listing.described(sorted.slice(start, start + pageSize));
    const crumbs = path === "" ? [] : path.split("/");
    const last =
      this.target
        .split("/")
        .filter((segment) => segment !== "")
        .at(-1) ?? "";
    const page: ListingPage = {
      crumbs,
      query,
      entries,
      total,
      pages,
      isPartial: listing.isPartial,
      linkBase: isSlashed ? "./" : `./${last}/`,
    };
    const bytes = Buffer.from(isHtml ? renderHtml(page) : renderJson(page));
    const hash = createHash("sha256").update(bytes).digest("base64url").slice(0, 22);
    return { bytes, etag: `W/"${hash}"` };
  }
}
