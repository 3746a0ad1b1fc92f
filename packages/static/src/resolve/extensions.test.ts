/** Names that are asked for without their extension, and addresses with and without a slash: nobody is redirected. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type StaticMount, staticMount } from "../mount.js";
import type { StaticOptions } from "../options.js";
import { bodyOf, fieldOf, requestOf } from "../plan.fixture.js";
import { emptySite, type Site } from "../site.fixture.js";

let site: Site;
let mount: StaticMount | undefined;

beforeEach(() => {
  site = emptySite();
  site.put("name.txt", "text");
  site.put("name.htm", "page");
  site.put("both", "no extension");
  site.put("both.htm", "page of both");
  site.put("dir.htm/x.txt", "a directory of such a name");
  site.put("dir.txt", "text beside it");
  site.put("folder/index.html", "index");
  site.put("folder.htm", "page beside the folder");
  site.put("v1.2.htm", "a dot in its name");
  site.put("about.html", "about");
});
afterEach(() => {
  mount?.close();
  mount = undefined;
  site.remove();
});

/** The body, or the status and where it leads. */
async function seen(target: string, options: StaticOptions, prefix = "/"): Promise<string> {
  mount?.close();
  mount = staticMount(prefix, site.root, options);
  const plan = await mount.plan(requestOf(target));
  const body = (await bodyOf(plan)).toString();
  plan.release?.();
  const location = fieldOf(plan, "location") ?? "";
  return plan.head.status === 200 ? body : `${plan.head.status} ${location}`.trim();
}

describe.each<StaticOptions>([{}, { sys: false }, { cache: { bytes: 0 } }])("%j", (options) => {
  const extensions = [".htm", "txt"];

  test("the first extension that there is a file with", async () => {
    expect(await seen("/name", options)).toBe("404");
    expect(await seen("/name", { ...options, extensions })).toBe("page");
    expect(await seen("/name", { ...options, extensions: ["nope", "txt", "htm"] })).toBe("text");
    expect(await seen("/name.htm", { ...options, extensions })).toBe("page");
    expect(await seen("/none", { ...options, extensions })).toBe("404");
  });

  test("files and directories of the name itself come first, directories with an extension never", async () => {
    expect(await seen("/both", { ...options, extensions })).toBe("no extension");
    expect(await seen("/folder", { ...options, extensions })).toBe("308 /folder/");
    expect(await seen("/dir", { ...options, extensions })).toBe("text beside it");
  });

  test("not for names that have a dot, nor behind a slash", async () => {
    for (const target of ["/name.x", "/v1.2", "/name/", "/"]) {
      expect(await seen(target, { ...options, extensions }), target).toMatch(/^40[34]$/);
    }
  });

  test("what may not be served is not served under a shorter name", async () => {
    expect(await seen("/name", { ...options, extensions, denyExtensions: ["htm"] })).toBe("404");
    expect(await seen("/name", { ...options, extensions, deny: ["name.*"] })).toBe("404");
  });

  test("with trailingSlash: ignore both addresses of a directory answer, and of the root of a prefix", async () => {
    const both: StaticOptions = { ...options, trailingSlash: "ignore" };
    for (const target of ["/folder", "/folder/"]) expect(await seen(target, both)).toBe("index");
    for (const target of ["/p/folder", "/p/folder/"]) expect(await seen(target, both, "/p")).toBe("index");
    site.put("index.html", "top");
    for (const target of ["/p", "/p/"]) expect(await seen(target, both, "/p")).toBe("top");
    expect(await seen("/name.txt/", both)).toBe("404");
    for (const target of ["/about", "/about/"]) {
      expect(await seen(target, { ...both, cleanUrls: true }), target).toBe("about");
    }
  });

  test("a listing has links that work with and without a slash", async () => {
    for (const target of ["/dir.htm", "/dir.htm/"]) {
      const html = await seen(target, { ...options, listing: true, trailingSlash: "ignore" });
      const href = /href="([^"]*x\.txt)"/.exec(html)?.[1] ?? "";
      expect(new URL(href, `http://localhost${target}`).pathname, target).toBe("/dir.htm/x.txt");
    }
  });
});

test("a file that comes later is found, and one that went away is not", async () => {
  mount = staticMount("/", site.root, { extensions: ["txt"], revalidateMs: 0 });
  const status = async (): Promise<number> => {
    const plan = await mount!.plan(requestOf("/late"));
    plan.release?.();
    return plan.head.status;
  };
  expect(await status()).toBe(404);
  site.put("late.txt", "now");
  expect(await status()).toBe(200);
  site.put("late", "itself");
  const plan = await mount.plan(requestOf("/late"));
  expect((await bodyOf(plan)).toString()).toBe("itself");
  plan.release?.();
});
