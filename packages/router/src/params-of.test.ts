import { expect, expectTypeOf, test } from "vitest";
import type { ParamsOf } from "./params-of.js";
import { Router } from "./router.js";

test("parameters have the types that the pattern gives them", () => {
  expectTypeOf<ParamsOf<"/">>().toEqualTypeOf<Record<never, never>>();
  expectTypeOf<ParamsOf<"/users/me">>().toEqualTypeOf<Record<never, never>>();
  expectTypeOf<ParamsOf<"/users/:id">>().toEqualTypeOf<{ id: string }>();
  expectTypeOf<ParamsOf<"/users/:id(int)">>().toEqualTypeOf<{ id: number }>();
  expectTypeOf<ParamsOf<"/:a(uint)/:b(number)/:c(bool)/:d(uuid)/:e(slug)">>().toEqualTypeOf<{
    a: number;
    b: number;
    c: boolean;
    d: string;
    e: string;
  }>();
  expectTypeOf<ParamsOf<"/:a/:b/x/:c">>().toEqualTypeOf<{ a: string; b: string; c: string }>();
  expectTypeOf<ParamsOf<"/:lang?/docs/:page(int)?">>().toEqualTypeOf<{ lang?: string; page?: number }>();
  expectTypeOf<ParamsOf<"/files/*">>().toEqualTypeOf<{ "*": string }>();
  expectTypeOf<ParamsOf<"/:id(int)/*path">>().toEqualTypeOf<{ id: number; path: string }>();
  expectTypeOf<ParamsOf<"/v:major(uint).:minor(uint)-rc/:name.json">>().toEqualTypeOf<{
    major: number;
    minor: number;
    name: string;
  }>();
  expectTypeOf<ParamsOf<"/:file.:ext{png|jpe?g}">>().toEqualTypeOf<{ file: string; ext: string }>();
  expectTypeOf<ParamsOf<"/:a{\\d{2,3}}/:b{(?:x:y|[*])*}?/:c">>().toEqualTypeOf<{
    a: string;
    b?: string;
    c: string;
  }>();
  expectTypeOf<ParamsOf<"/:$x_1-:Y2">>().toEqualTypeOf<{ $x_1: string; Y2: string }>();
  expectTypeOf<ParamsOf<string>>().toEqualTypeOf<Record<string, string | number | boolean | undefined>>();
});

test("the types are those of the values", () => {
  const router = new Router<string>();
  const cases = [
    [router.get("/i/:id(int)/:tab?", ""), "/i/-4", { id: -4 }],
    [router.get("/b/:on(bool)/*rest", ""), "/b/true/x/y", { on: true, rest: "x/y" }],
    [router.get("/v:major(uint).:minor(number)", ""), "/v1.2.5", { major: 1, minor: 2.5 }],
    [router.get("/x/:a{\\d{2}}/*", ""), "/x/12/", { a: "12", "*": "" }],
  ] as const;
  for (const [route, path, params] of cases) {
    const match = router.match("GET", path);
    expect(match.route).toBe(route);
    expect(route.params(match)).toEqual(params);
  }
  const [tabs, switches] = [cases[0][0], cases[1][0]];
  expectTypeOf(tabs.params).returns.toEqualTypeOf<{ id: number; tab?: string }>();
  expectTypeOf(switches.params).returns.toEqualTypeOf<{ on: boolean; rest: string }>();
  expectTypeOf(tabs.pattern).toEqualTypeOf<"/i/:id(int)/:tab?">();
  // @ts-expect-error there is no such parameter
  expect(() => tabs.params(router.match("GET", "/i/1")).tba.length).toThrow(TypeError);
});

test("a pattern that is no literal has any parameters", () => {
  const router = new Router<number>();
  const pattern: string = ["", ":id"].join("/");
  const route = router.add(["GET"], pattern, 1);
  expectTypeOf(route.params).returns.toEqualTypeOf<Record<string, string | number | boolean | undefined>>();
  expect(route.params(router.match("GET", "/7"))).toEqual({ id: "7" });
});
