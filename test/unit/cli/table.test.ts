import { describe, expect, test } from "vitest";
import { printable, tableText } from "../../../src/cli/table.ts";

describe("a table", () => {
  test("has columns as wide as their widest cell, and no spaces at the ends of lines", () => {
    expect(
      tableText(
        ["ID", "HOSTS"],
        [
          ["acme", "a.example b.example"],
          ["x", ""],
        ],
      ),
    ).toBe("ID    HOSTS\nacme  a.example b.example\nx\n");
  });

  test("is cut to the width of the terminal, and says so", () => {
    expect(
      tableText(
        ["ID", "HOSTS"],
        [
          ["acme", "a.example"],
          ["x", "y"],
        ],
        9,
      ),
    ).toBe("ID    HO…\nacme  a.…\nx     y\n");
  });

  test("fits its width exactly without being cut", () => {
    expect(tableText(["ID"], [["acme"]], 4)).toBe("ID\nacme\n");
  });

  test("without rows has its head", () => {
    expect(tableText(["ID", "HOSTS"], [])).toBe("ID  HOSTS\n");
  });

  test("cuts between letters, not within one", () => {
    expect(tableText(["A"], [["😀😀😀"]], 2)).toBe("A\n😀…\n");
  });
});

test.each([
  ["\u001b[2Jgone", "\ufffd[2Jgone"],
  ["a\r\nb\tc", "a\ufffd\ufffdb\ufffdc"],
  ["\u202etxt.exe", "\ufffdtxt.exe"],
  ["\u2028", "\ufffd"],
  ["\ud800", "\ufffd"],
  ["Bücher 東京 😀", "Bücher 東京 😀"],
])("%j is shown as %j: what others wrote does not steer a terminal", (given, shown) => {
  expect(printable(given)).toBe(shown);
});
