/** Pages beside directories and files of the same name: every redirect leads to the page that was asked for. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type StaticMount, staticMount } from "../mount.js";
import type { StaticOptions } from "../options.js";
import { bodyOf, fieldOf, requestOf } from "../plan.fixture.js";
import { emptySite, type Site } from "../site.fixture.js";

let site: Site;
let mount: StaticMount | undefined;

beforeEach(() => {
  site = emptySite();
  site.put("p.html", "page");
  site.put("p/other.txt", "other");
  site.put("d.html", "page d");
  site.put("d/index.html", "index d");
  site.put("about.html", "about page");
  site.put("about", "about file");
  site.put("q/index.htm", "first index");
  site.put("q/index.html", "second index");
  site.put("plain.html", "plain");
  site.put("..html", "no step");
});
afterEach(() => {
  mount?.close();
  site.remove();
});

/** Follows redirects as a browser does; what it ends at, and how many there were. */
async function follow(target: string, options: StaticOptions): Promise<string> {
  mount = staticMount("/", site.root, { cleanUrls: true, ...options });
  try {
    for (let redirects = 0; redirects < 5; redirects++) {
      const plan = await mount.plan(requestOf(target));
      const location = fieldOf(plan, "location");
      const body = (await bodyOf(plan)).toString();
      plan.release?.();
      if (location === undefined) return plan.head.status === 200 ? body : String(plan.head.status);
      target = location;
    }
    return "a circle";
  } finally {
    mount.close();
    mount = undefined;
  }
}

const modes: StaticOptions[] = [
  {},
  { trailingSlash: "always" },
  { trailingSlash: "never" },
  { sys: false },
  { sys: false, trailingSlash: "always" },
];

describe.each(modes)("%j", (options) => {
  test("a page wins over a directory without an index", async () => {
    for (const target of ["/p", "/p/", "/p.html"]) expect(await follow(target, options), target).toBe("page");
    expect(await follow("/p/other.txt", options)).toBe("other");
  });

  test("a directory with an index keeps its address, and the page its own", async () => {
    for (const target of ["/d", "/d/"]) expect(await follow(target, options), target).toBe("index d");
    expect(await follow("/d.html", options)).toBe("page d");
    expect(await follow("/d/index.html", options)).toBe("index d");
  });

  test("the name of an index page is no second address of its directory", async () => {
    const slash = options.trailingSlash === "never" ? "" : "/";
    for (const target of ["/d/index", "/d/index/"]) {
      expect(await follow(target, options), target).toBe("index d");
      mount = staticMount("/", site.root, { cleanUrls: true, ...options });
      expect(fieldOf(await mount.plan(requestOf(target)), "location"), target).toBe(`/d${slash}`);
      mount.close();
    }
    expect(await follow("/d/index", { ...options, deny: ["d/index.html"] })).toBe("404");
    // Another index comes first, so this page has no other address.
    expect(await follow("/q/index", { ...options, index: ["index.htm", "index.html"] })).toBe("second index");
  });

  test("a page beside a file of its name keeps its address", async () => {
    expect(await follow("/about.html", options)).toBe("about page");
    expect(await follow("/about", options)).toBe("about file");
  });

  test("an index that another comes before keeps its address", async () => {
    const both = { ...options, index: ["index.htm", "index.html"] };
    expect(await follow("/q/", both)).toBe("first index");
    expect(await follow("/q/index.html", both)).toBe("second index");
  });

  test("what has no cleaner name keeps it", async () => {
    expect(await follow("/plain.html", options)).toBe("plain");
    expect(await follow("/..html", { ...options, dotfiles: "allow" })).toBe("no step");
  });
});
