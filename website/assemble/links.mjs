// Links as they are right in the repository, made right on the site.
import { existsSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import { root } from "../../scripts/workspace/root.mjs";

const REPOSITORY = "https://github.com/tz-http/tz";

/**
 * `markdown` of `file`, with its relative links leading to pages where there is one, to the repository where not,
 * and images to their copies. `pages` maps files of the repository to pages.
 */
export function rewriteLinks(markdown, file, pages) {
  const page = pages.get(file);
  // Code is left alone: fenced blocks and code spans are matched first and returned as they are.
  return markdown.replace(
    /^(`{3,})[\s\S]*?^\1`*$|(`+)(?:(?!\2)[\s\S])+?\2(?!`)(?!\]\()|(!?\[(?:[^[\]]|\[[^\]]*\])*\])\(([^)\s]+)\)/gm,
    (whole, _fence, _span, text, target) => {
      if (text === undefined || /^([a-z]+:|#|\/)/i.test(target)) return whole;
      return `${text}(${destination(target, file, page, pages, text.startsWith("!"))})`;
    },
  );
}

function destination(target, file, page, pages, isImage) {
  const [path, fragment] = target.split("#");
  const meant = posix.join(posix.dirname(file), decodeURIComponent(path)).replace(/\/$/, "");
  const hash = fragment ? `#${fragment}` : "";
  const linked = pages.get(meant) ?? pages.get(`${meant}/README.md`);
  if (linked) return relativePage(page, linked) + hash;
  if (isImage || meant.startsWith("docs/"))
    return isImage ? `/${meant}` : `${REPOSITORY}/blob/main/${meant}${hash}`;
  if (!existsSync(join(root, meant))) throw new Error(`${file}: ${target} does not exist`);
  const kind = statSync(join(root, meant)).isDirectory() ? "tree" : "blob";
  return `${REPOSITORY}/${kind}/main/${meant}${hash}`;
}

function relativePage(from, to) {
  const path = posix.relative(posix.dirname(from), to);
  return path.startsWith(".") ? path : `./${path}`;
}

/** Images that `markdown` of `file` shows, as files of the repository. */
export function imagesOf(markdown, file) {
  return [...markdown.matchAll(/!\[[^\]]*\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target)
    .filter((target) => !/^([a-z]+:|\/)/i.test(target))
    .map((target) => posix.join(posix.dirname(file), target));
}
