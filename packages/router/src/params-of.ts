import type { PARAM_TYPES, ParamTypeName } from "./constraint.js";

type Letter =
  | "a"
  | "b"
  | "c"
  | "d"
  | "e"
  | "f"
  | "g"
  | "h"
  | "i"
  | "j"
  | "k"
  | "l"
  | "m"
  | "n"
  | "o"
  | "p"
  | "q"
  | "r"
  | "s"
  | "t"
  | "u"
  | "v"
  | "w"
  | "x"
  | "y"
  | "z";
type Digit = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9";
type NameCharacter = Letter | Uppercase<Letter> | Digit | "_" | "$";

/** What stands in the parentheses of a type: its value's type. */
type ValueOf<Type extends string> = Type extends ParamTypeName
  ? (typeof PARAM_TYPES)[Type] extends { convert: (value: string) => infer Value }
    ? Value
    : string
  : string;

/** `[name, rest]`: the longest name at the beginning. */
type TakeName<Text extends string, Name extends string = ""> = Text extends `${infer Char}${infer Rest}`
  ? Char extends NameCharacter
    ? TakeName<Rest, `${Name}${Char}`>
    : [Name, Text]
  : [Name, ""];

/** What follows the brace that closes the expression; the braces of repetitions nest. */
type AfterBraces<Text extends string, Depth extends 0[] = [0]> = Text extends `${infer Before}}${infer After}`
  ? Before extends `${string}{${infer Inner}`
    ? AfterBraces<`${Inner}}${After}`, [...Depth, 0]>
    : Depth extends [0]
      ? After
      : Depth extends [0, ...infer Outer extends 0[]]
        ? AfterBraces<After, Outer>
        : never
  : "";

type Required<Name extends string, Value> = { [Key in Name]: Value };
type Optional<Name extends string, Value> = { [Key in Name]?: Value };

/** The parameter whose name is read, then those in what follows it. */
type AfterName<Name extends string, Rest extends string> = Rest extends `(${infer Type})${infer After}`
  ? AfterConstraint<Name, ValueOf<Type>, After>
  : Rest extends `{${infer Inner}`
    ? AfterConstraint<Name, string, AfterBraces<Inner>>
    : AfterConstraint<Name, string, Rest>;

type AfterConstraint<Name extends string, Value, Rest extends string> = Rest extends `?${infer After}`
  ? Optional<Name, Value> & Params<After>
  : Required<Name, Value> & Params<Rest>;

type Params<Pattern extends string> = Pattern extends `${string}:${infer AtName}`
  ? TakeName<AtName> extends [infer Name extends string, infer Rest extends string]
    ? AfterName<Name, Rest>
    : never
  : Pattern extends `${string}*${infer Name}`
    ? Required<Name extends "" ? "*" : Name, string>
    : unknown;

/** Shown as one object instead of an intersection. */
type Flat<Type> = { [Key in keyof Type]: Type[Key] };

/**
 * The parameters of a pattern, read from its literal type: {@link ParamTypeName | typed} ones have their value's
 * type, optional ones may be absent, a wildcard without a name is called `"*"`.
 *
 * ```ts
 * ParamsOf<"/users/:id(int)/files/:tab?">   // { id: number; tab?: string }
 * ParamsOf<"/static/*path">                 // { path: string }
 * ParamsOf<string>                          // Record<string, string | number | boolean | undefined>
 * ```
 *
 * An expression whose braces are escaped or stand in a class (`:x{[}]}`) is beyond the type; declare such
 * parameters yourself.
 */
export type ParamsOf<Pattern extends string> = string extends Pattern
  ? Record<string, string | number | boolean | undefined>
  : Flat<Params<Pattern>>;
