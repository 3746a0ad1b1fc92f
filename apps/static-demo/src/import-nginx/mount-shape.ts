/** The options of a mount that are not fields: what is in force in a block, said as `@tz/static` says it. */
import type { StaticOptions } from "@tz/static";
import type { Report } from "./report.js";
import type { Coding, ErrorPage, Settings } from "./settings.js";

/**
 * @param prefix of the mount, ends with a slash: fallback and error pages lie below it
 */
export function mountShape(settings: Settings, prefix: string, report: Report): StaticOptions {
  const {
    index,
    charset = false,
    types,
    isListed,
    sidecars = [],
    bytesPerSecond,
    maxRanges,
    hasNoTags,
  } = settings;
  const { tryFiles, symlinks, errorPages = [] } = settings;
  const compress = compressOf(settings.gzip, settings.brotli);
  const pages = pagesBelow(errorPages, prefix, report);
  const fallback = tryFiles?.fallback;
  const found = errorPages.find(({ isFound }) => isFound);
  const page = fallback ?? found?.target;
  const spaFallback = page === undefined ? undefined : below(page, prefix);
  if (fallback !== undefined && spaFallback === undefined && tryFiles !== undefined) {
    report.refuse(tryFiles.directive, `the fallback must lie below ${prefix}; write ${prefix}index.html`);
  }
  if (fallback === undefined && found !== undefined && spaFallback === undefined) {
    report.note(
      found.directive,
      `lies outside of ${prefix}: what is missing there is 404; copy the page there`,
    );
  }
  return {
    ...(index !== undefined && index.join() !== "index.html" && { index }),
    ...(isListed && { listing: true }),
    ...(spaFallback !== undefined && { spaFallback: spaFallback === "index.html" ? true : spaFallback }),
    ...(tryFiles?.cleanUrls && { cleanUrls: true }),
    ...(sidecars.length > 0 && { precompressed: sidecars }),
    ...(compress !== undefined && { compress }),
    ...(charset !== "utf-8" && { charset }),
    ...(types !== undefined && { mime: types }),
    ...(Object.keys(pages).length > 0 && { errorPages: pages }),
    ...(hasNoTags && { etag: false as const }),
    ...(maxRanges === 0 && { ranges: false }),
    ...(maxRanges !== undefined && maxRanges > 0 && { maxRanges }),
    ...(bytesPerSecond !== undefined && { throttleBytesPerSecond: bytesPerSecond }),
    ...(symlinks !== undefined && symlinks !== "within-root" && { symlinks }),
  };
}

function compressOf(gzip: Coding | undefined, brotli: Coding | undefined): StaticOptions["compress"] {
  const codings = [brotli, gzip].filter((coding) => coding?.isOn === true) as Coding[];
  if (codings.length === 0) return undefined;
  const encodings = [...(brotli?.isOn ? ["br" as const] : []), ...(gzip?.isOn ? ["gzip" as const] : [])];
  const lists = codings.map(({ types }) => types ?? []);
  const isAll = lists.some((list) => list.includes("*"));
  // HTML is always among them; scripts have another type here.
  const types = new Set(["text/html", ...lists.flat()]);
  if (["application/javascript", "application/x-javascript"].some((type) => types.has(type))) {
    types.add("text/javascript");
  }
  const { level } = codings[0]!;
  const sizes = codings.flatMap(({ minBytes }) => minBytes ?? []);
  return {
    encodings,
    ...(level !== undefined && { level }),
    ...(sizes.length > 0 && { minBytes: Math.min(...sizes) }),
    ...(!isAll && { types: [...types] }),
  };
}

function pagesBelow(pages: readonly ErrorPage[], prefix: string, report: Report): Record<number, string> {
  const found: Record<number, string> = {};
  for (const { statuses, target, isFound, directive } of pages) {
    if (isFound) continue;
    const page = below(target, prefix);
    if (page === undefined) {
      report.note(
        directive,
        `lies outside of ${prefix}, whose mount answers with a page of tz; copy it there`,
      );
      continue;
    }
    for (const status of statuses) found[status] = page;
  }
  return found;
}

function below(target: string, prefix: string): string | undefined {
  return target.startsWith(prefix) && target.length > prefix.length ? target.slice(prefix.length) : undefined;
}
