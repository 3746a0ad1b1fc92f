/** What a page needs at once, read from its HTML. */

/** More would hold up what matters. */
const LINKS_MAX = 20;
/** The part of a page that is read: links stand in its head. */
const PAGE_BYTES_MAX = 256 * 1024;

const COMMENT = /<!--[\s\S]*?(?:-->|$)/g;
const TAG = /<(link|script)\b([^>]*)>/gi;
const ATTRIBUTE = /([^\s"'=<>/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g;

/**
 * `Link` values (RFC 8288) for the style sheets, scripts and preloads of a page that are files of the site.
 *
 * @param page path of the page below the root
 * @param prefix of the mount: addresses in pages begin with it, as `"/"` or `"/assets"`
 * @param hasFile is there a file at this path below the root?
 */
export function linksOfPage(
  html: string,
  page: string,
  prefix: string,
  hasFile: (path: string) => boolean,
): string[] {
  const base = `${prefix === "/" ? "" : prefix}/`;
  const links = new Set<string>();
  for (const [, tag = "", text = ""] of html.slice(0, PAGE_BYTES_MAX).replace(COMMENT, "").matchAll(TAG)) {
    const wanted = wantedBy(tag.toLowerCase(), attributesOf(text));
    if (wanted === undefined) continue;
    const target = localTarget(wanted.address, base + encodeURI(page));
    if (target === undefined || !target.startsWith(base)) continue;
    if (!hasFile(decoded(target.slice(base.length).replace(/[?#].*$/, "")))) continue;
    links.add(`<${target}>; ${wanted.parameters}`);
    if (links.size === LINKS_MAX) break;
  }
  return [...links];
}

interface Wanted {
  readonly address: string;
  readonly parameters: string;
}

function wantedBy(tag: string, attributes: ReadonlyMap<string, string>): Wanted | undefined {
  const crossOrigin = attributes.get("crossorigin");
  const how =
    crossOrigin === undefined
      ? ""
      : crossOrigin === "use-credentials"
        ? `; crossorigin=${crossOrigin}`
        : "; crossorigin";
  if (tag === "script") {
    const address = attributes.get("src");
    if (address === undefined) return undefined;
    const isModule = attributes.get("type")?.toLowerCase() === "module";
    return { address, parameters: (isModule ? "rel=modulepreload" : "rel=preload; as=script") + how };
  }
  const address = attributes.get("href");
  const kind = attributes.get("as")?.toLowerCase();
  if (address === undefined || attributes.has("media") || attributes.has("disabled")) return undefined;
  const relations = (attributes.get("rel") ?? "").toLowerCase().split(/\s+/);
  if (relations.includes("alternate")) return undefined;
  if (relations.includes("stylesheet")) return { address, parameters: `rel=preload; as=style${how}` };
  if (relations.includes("modulepreload")) return { address, parameters: `rel=modulepreload${how}` };
  if (!relations.includes("preload") || kind === undefined || !/^[a-z]+$/.test(kind)) return undefined;
  return { address, parameters: `rel=preload; as=${kind}${how}` };
}

function attributesOf(text: string): Map<string, string> {
  const attributes = new Map<string, string>();
  for (const [, name = "", double, single, bare] of text.matchAll(ATTRIBUTE)) {
    const value = (double ?? single ?? bare ?? "").replaceAll("&amp;", "&").trim();
    const key = name.toLowerCase();
    if (!attributes.has(key)) attributes.set(key, value);
  }
  return attributes;
}

/** Path and query of an address on this site, in visible ASCII; `undefined` for one that leads elsewhere. */
function localTarget(address: string, page: string): string | undefined {
  try {
    const url = new URL(address, `http://site.invalid${page}`);
    return url.origin === "http://site.invalid" ? url.pathname + url.search : undefined;
  } catch {
    return undefined;
  }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
