import { expect, test } from "vitest";
import { initial, NAME_LIMIT, shownName } from "./names";

test.each([
  ["Alice", "Alice"],
  ["  Zoë \u202eevil\u202c ", "Zoë evil"],
  ["a\u2066b\u2069\u200fc", "abc"],
  ["two\nlines\u2028more", "twolinesmore"],
  ["\u001b[31mred", "[31mred"],
  ["<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"],
  ["👩‍👩‍👧 family", "👩‍👩‍👧 family"],
])("%j is shown as %j", (name, shown) => {
  expect(shownName(name)).toBe(shown);
});

test("a name has at most 256 characters, counted as characters", () => {
  const shown = shownName("😀".repeat(10_000));
  expect(Array.from(shown)).toHaveLength(NAME_LIMIT);
  expect(shown.endsWith("…")).toBe(true);
  expect(shownName("x".repeat(NAME_LIMIT))).toBe("x".repeat(NAME_LIMIT));
});

test("a name of nothing but controls falls back to the user ID", () => {
  expect(shownName("\u202e\u0007 ", "bob")).toBe("bob");
});

test.each([
  ["alice", "A"],
  ["<img", "I"],
  ["李小龍", "李"],
  ["!!!", "?"],
])("the avatar of %j is %j", (name, letter) => {
  expect(initial(name)).toBe(letter);
});
