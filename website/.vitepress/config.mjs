import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { slug } from "../../scripts/workspace/anchors.mjs";
import { root } from "../../scripts/workspace/root.mjs";
import { pages } from "../assemble/pages.mjs";
import { navigation } from "../navigation.mjs";

const source = process.env.TZ_SITE_SOURCE;

/** The pages of the repository and those that the build makes. */
function sidebar() {
  const names = [...pages().values()];
  return navigation(names.map((page) => page.replace(/\.md$/, ""))).map(({ title, pages }) => ({
    text: title,
    items: pages.map((page) => ({ text: titleOf(page), link: `/${page.replace(/(^|\/)index$/, "$1")}` })),
  }));
}

/** The title of a page: its first heading, without code marks. */
function titleOf(page) {
  const text = readFileSync(join(source, `${page}.md`), "utf8");
  return (/^# (.*)$/m.exec(text)?.[1] ?? page).replaceAll("`", "");
}

function decisions() {
  const folder = join(root, "docs/decisions");
  return readdirSync(folder)
    .filter((name) => name.endsWith(".md"))
    .sort()
    .reverse()
    .map((name) => ({
      text: /^# (.*)$/m.exec(readFileSync(join(folder, name), "utf8"))?.[1] ?? name,
      link: `/decisions/${name.replace(/\.md$/, "")}`,
    }));
}

/** The path of the site on its host: `/` or, for a project page of GitHub, `/tz/`. */
const base = process.env.TZ_DOCS_BASE || "/";
if (!/^\/([\w.-]+\/)*$/.test(base))
  throw new Error(`TZ_DOCS_BASE is "${base}"; it begins and ends with a slash`);

export default {
  srcDir: source,
  base,
  title: "tz",
  description: "HTTP serving for Node in TypeScript, at the speed of the kernel",
  lang: "en",
  cleanUrls: true,
  lastUpdated: false,
  // The font is served from here: nothing is fetched from elsewhere.
  head: [["meta", { name: "theme-color", content: "#0b7285" }]],
  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    // READMEs write <Angle> brackets as text.
    config: (md) => md.set({ html: false }),
    // The same links lead to the same headings on GitHub and here.
    anchor: { slugify: slug },
    headers: { slugify: slug },
    languageAlias: { console: "shellsession" },
  },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      { text: "Start", link: "/start/files" },
      { text: "Options", link: "/reference/options" },
      { text: "API", link: "/api/" },
    ],
    sidebar: [...sidebar(), { text: "Decisions", items: decisions() }],
    socialLinks: [{ icon: "github", link: "https://github.com/tz-http/tz" }],
    editLink: {
      // Sent to the page as text: it sees nothing of this file.
      pattern: ({ frontmatter }) => `https://github.com/tz-http/tz/edit/main/${frontmatter.source ?? "docs"}`,
      text: "Edit this page",
    },
    // A name for those who cannot see it has to begin with what is seen.
    notFound: { linkLabel: "Take me home", linkText: "Take me home" },
    footer: { message: "MIT licensed." },
  },
};
