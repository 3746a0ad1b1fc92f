import { expect, test } from "vitest";
import type { Entry, Probe } from "../cache/entry.js";
import { manualClock } from "../plan.fixture.js";
import { RedirectEntry } from "../respond/fixed-entries.js";
import type { ChangeSource, DirectoryListener } from "./change-source.js";
import { WatchTree } from "./watch-tree.js";

/** Directories as a script: which can be watched, and what happens in them. */
function scripted(unwatchable: Record<string, "unwatchable" | "exhausted"> = {}) {
  const listeners = new Map<string, DirectoryListener>();
  const source: ChangeSource = {
    watch(path, listener) {
      const failure = unwatchable[path];
      if (failure !== undefined) return failure;
      expect(listeners.has(path)).toBe(false);
      listeners.set(path, listener);
      return { close: () => void listeners.delete(path) };
    },
  };
  return { source, listeners };
}

function treeOf(unwatchable: Record<string, "unwatchable" | "exhausted"> = {}) {
  const clock = manualClock();
  const { source, listeners } = scripted(unwatchable);
  const changed: string[] = [];
  let exhausted = 0;
  let moved = 0;
  const tree: WatchTree = new WatchTree({
    root: "/srv/site",
    source,
    now: () => clock.now(),
    onChanged(entry) {
      changed.push(entry.target);
      tree.remove(entry);
    },
    onExhausted: () => exhausted++,
    onRootMoved: () => moved++,
  });
  return { tree, clock, listeners, changed, unwatchable, counts: () => ({ exhausted, moved }) };
}

const entryOf = (...paths: string[]): Entry => {
  const probes = paths.map((path): Probe => ({ path, found: "missing" }));
  return new RedirectEntry(`/${paths[0]}`, probes, "/");
};

test("every directory on the way is watched, and the root's parent", () => {
  const { tree, listeners } = treeOf();
  expect(tree.add(entryOf("a/b/c.txt"))).toBe(true);
  expect([...listeners.keys()].sort()).toEqual(["/srv", "/srv/site", "/srv/site/a", "/srv/site/a/b"]);
  tree.close();
  expect([...listeners.keys()]).toEqual([]);
});

test("a name drops what depends on it and what is below it, and nothing else", () => {
  const { tree, listeners, changed } = treeOf();
  for (const path of ["a/b/c.txt", "a/b/d.txt", "a/e.txt", "f.txt"]) tree.add(entryOf(path));
  tree.add(entryOf("g.txt", "a/b/c.txt"));
  listeners.get("/srv/site/a/b")!.onName("c.txt");
  expect(changed.splice(0).sort()).toEqual(["/a/b/c.txt", "/g.txt"]);
  listeners.get("/srv/site")!.onName("unrelated");
  expect(changed).toEqual([]);
  listeners.get("/srv/site")!.onName("a");
  expect(changed.sort()).toEqual(["/a/b/d.txt", "/a/e.txt"]);
  expect([...listeners.keys()].sort()).toEqual(["/srv", "/srv/site"]);
});

test("lost events drop everything below", () => {
  const { tree, listeners, changed } = treeOf();
  for (const path of ["a/b/c.txt", "f.txt"]) tree.add(entryOf(path));
  listeners.get("/srv/site")!.onLost();
  expect(changed.sort()).toEqual(["/a/b/c.txt", "/f.txt"]);
  expect(tree.watches).toBe(0);
});

test("the root's own name in its parent drops everything", () => {
  const { tree, listeners, changed, counts } = treeOf();
  tree.add(entryOf("f.txt"));
  listeners.get("/srv")!.onName("other");
  expect(changed).toEqual([]);
  listeners.get("/srv")!.onName("site");
  expect(changed).toEqual(["/f.txt"]);
  expect(counts().moved).toBe(1);
});

test("watches end with the last entry that needs them", () => {
  const { tree, listeners } = treeOf();
  const [first, second] = [entryOf("a/b/c.txt"), entryOf("a/d.txt")];
  tree.add(first);
  tree.add(second);
  tree.remove(first);
  expect([...listeners.keys()].sort()).toEqual(["/srv", "/srv/site", "/srv/site/a"]);
  tree.remove(second);
  tree.remove(second);
  expect([...listeners.keys()].sort()).toEqual(["/srv", "/srv/site"]);
});

test("a directory that is not there is waited for by the one above", () => {
  const { tree, listeners, changed } = treeOf({ "/srv/site/a": "unwatchable" });
  expect(tree.add(entryOf("a/b/c.txt"))).toBe(true);
  listeners.get("/srv/site")!.onName("a");
  expect(changed).toEqual(["/a/b/c.txt"]);
});

test("without watches left, entries are told so, and the kernel is left alone for a while", () => {
  const { tree, clock, unwatchable, counts } = treeOf({ "/srv/site/a": "exhausted" });
  expect(tree.add(entryOf("a/c.txt"))).toBe(false);
  expect(counts().exhausted).toBe(1);
  delete unwatchable["/srv/site/a"];
  expect(tree.add(entryOf("b/c.txt"))).toBe(false);
  expect(counts().exhausted).toBe(1);
  expect(tree.add(entryOf("c.txt"))).toBe(true);
  clock.advance(60_000);
  expect(tree.add(entryOf("a/d.txt"))).toBe(true);
});
