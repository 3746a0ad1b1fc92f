/** Cache-Control of a file by its name. */
import type { ManifestFile, ResolvedOptions } from "../options.js";

const YEAR_SECONDS = 31_536_000;

/** `app.3f2a9c1b.js`, `index-0a1b2c3d4e5f.css`: eight and more hex digits, with a letter and a digit among them. */
const HEX_HASH = /[.\-_](?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,64}(?=\.)/;
/**
 * `index-BX3k9_aZ.js` (Vite, Rollup): eight characters of base64url with a digit, a capital and a small
 * letter. Words with a number before or behind them are names that people give: `book-Chapter1`, `x-2024Plan`.
 */
const BASE64_HASH =
  /-(?=[\w-]{0,7}[0-9])(?=[\w-]{0,7}[A-Z])(?=[\w-]{0,7}[a-z])(?!\d*[A-Za-z][a-z]*(?:[A-Z][a-z]+)*\d*\.)[\w-]{8}(?=\.[a-z0-9]+$)/;
/**
 * `assets/index-DDBZmgfu.css`: one in four of these hashes has no digit and could be a word. Below `assets/`, where
 * Vite puts what it made, mixed letters count unless they read as words (`FontData`).
 */
const LETTERS_HASH =
  /(?:^|\/)assets\/(?:.*\/)?[^/]*-(?=[\w-]{0,7}[A-Z])(?=[\w-]{0,7}[a-z])(?!\d*[A-Za-z][a-z]*(?:[A-Z][a-z]+)*\d*\.)[\w-]{8}\.[a-z0-9]+$/;

/**
 * `main-5YNTSH4E.js` (esbuild, Angular): eight characters of base32, digits among the letters. Digits before or behind
 * a word are names that people give: `photo-IMG23456`.
 */
const BASE32_HASH =
  /-(?=[A-Z]*[2-7])(?=[2-7]*[A-Z])(?![A-Z]+[2-7]+\.|[2-7]+[A-Z]+\.)[A-Z2-7]{8}(?=\.[a-z0-9]+(?:\.map)?$)/;

/** Pages are linked to and kept as bookmarks: whatever their name looks like, they are to change under it. */
const DOCUMENT = /\.(?:html?|xhtml)$/i;

/** Does the name carry a hash of the content, so that other content will have another name? */
export function isHashedName(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (DOCUMENT.test(name)) return false;
  return HEX_HASH.test(name) || BASE64_HASH.test(name) || BASE32_HASH.test(name) || LETTERS_HASH.test(path);
}

/**
 * @param known what the manifest says of the file
 * @param isAddressed it was asked for by a name that holds the hash of its content
 */
export function cacheControlOf(
  path: string,
  options: ResolvedOptions,
  known: ManifestFile | undefined,
  isAddressed = false,
): string | undefined {
  if (options.cacheControl === false) return undefined;
  if (options.cacheControl !== undefined) return options.cacheControl;
  return (isAddressed && options.immutable !== false) || isImmutable(path, options, known)
    ? `public, max-age=${YEAR_SECONDS}, immutable`
    : `public, max-age=${options.maxAge}`;
}

function isImmutable(path: string, options: ResolvedOptions, known: ManifestFile | undefined): boolean {
  const { immutable } = options;
  if (immutable === false) return false;
  // A hash in the manifest counts when it is in the name too: else the next build changes what the name means.
  if (known?.hash !== undefined && path.includes(known.hash)) return true;
  return immutable === "auto" ? isHashedName(path) : immutable(path);
}
