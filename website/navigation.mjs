// The sidebar, in reading order. Pages that are not named here come at the end of the group of their folder.

/** `{ title, folder, pages }`; pages as `assemble/pages.mjs` names them, without `.md`. */
const groups = [
  {
    title: "Start",
    folder: "start",
    pages: ["start/files", "start/api", "start/websocket", "start/terminal"],
  },
  { title: "Guides", folder: "guide", pages: ["guide/static", "guide/server"] },
  {
    title: "Come from",
    folder: "migrate",
    pages: [
      "migrate/nginx",
      "migrate/apache",
      "migrate/caddy",
      "migrate/express",
      "migrate/fastify",
      "migrate/sirv",
      "migrate/http-server",
      "migrate/python",
      "migrate/ttyd",
    ],
  },
  {
    title: "Operate",
    folder: "operate",
    pages: [
      "operate/troubleshooting",
      "operate/tracing",
      "operate/dashboards",
      "operate/faq",
      "operate/security",
      "operate/tuning",
      "operate/scaling",
      "reliability",
    ],
  },
  {
    title: "Deploy",
    folder: "deploy",
    pages: ["deploy/systemd", "deploy/docker", "deploy/kubernetes", "deploy/with-nginx"],
  },
  {
    title: "Reference",
    folder: "reference",
    pages: ["reference/cli", "reference/cloudterm", "reference/options", "reference/errors"],
  },
  { title: "Packages", folder: "packages", pages: ["packages/server", "packages/static"] },
  { title: "Apps", folder: "apps", pages: ["apps/static-demo"] },
  { title: "Benches", folder: "bench", pages: [] },
  {
    title: "Contribute",
    folder: "contribute",
    pages: ["contribute/index", "architecture", "contribute/adding-a-package", "contribute/releases"],
  },
];

/** Groups with all of `pages` in them: those that are named first, the others of the same folder after them. */
export function navigation(pages) {
  const named = new Set(groups.flatMap((group) => group.pages));
  return groups
    .map(({ title, folder, pages: own }) => ({
      title,
      pages: [
        ...own.filter((page) => pages.includes(page)),
        ...pages.filter((page) => page.startsWith(`${folder}/`) && !named.has(page)).sort(),
      ],
    }))
    .filter((group) => group.pages.length > 0);
}

/** Pages that no group takes, but the home page and the decisions, which list themselves. */
export function unplaced(pages) {
  const placed = new Set(navigation(pages).flatMap((group) => group.pages));
  return pages.filter((page) => !placed.has(page) && page !== "index" && !/^(decisions|api)\//.test(page));
}
