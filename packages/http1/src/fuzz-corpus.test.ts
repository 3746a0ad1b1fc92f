import { describe, expect, test } from "vitest";
import { readCorpus } from "../fuzz/corpus.js";
import { TARGETS } from "../fuzz/targets.js";

describe("fuzzing's corpus", () => {
  for (const [name, target] of Object.entries(TARGETS)) {
    test(`${name}: every input that was kept still holds`, () => {
      const corpus = readCorpus(name);
      expect(corpus.length).toBeGreaterThan(0);
      for (const input of [...target.seeds.map((text) => Buffer.from(text, "latin1")), ...corpus])
        target.run(input);
    });
  }
});
