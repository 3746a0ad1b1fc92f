import { expect, test } from "vitest";
import { Openings } from "./openings.js";

test("what is opened for a session is broken off when the session ends, and no other", () => {
  const openings = new Openings();
  const here = new AbortController();
  const one = openings.begin("one", here.signal);
  const two = openings.begin("two", here.signal);
  expect([...openings.sessions()]).toEqual(["one", "two"]);
  openings.dismiss((session) => session === "one");
  expect([one.over, one.signal.aborted, two.over, two.signal.aborted]).toEqual([true, true, false, false]);
  one.done();
  expect([...openings.sessions()]).toEqual(["two"]);
});

test("and when whoever asked goes, without being over", () => {
  const openings = new Openings();
  const here = new AbortController();
  const opening = openings.begin("one", here.signal);
  here.abort();
  expect([opening.over, opening.signal.aborted, ...openings.sessions()]).toEqual([false, true]);
  const late = openings.begin("one", here.signal);
  expect([late.signal.aborted, ...openings.sessions()]).toEqual([true]);
});

test("what is open is no opening any more", () => {
  const openings = new Openings();
  const here = new AbortController();
  const opening = openings.begin("one", here.signal);
  opening.done();
  openings.dismiss(() => true);
  here.abort();
  expect([opening.over, opening.signal.aborted]).toEqual([false, false]);
});
