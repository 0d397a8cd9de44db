import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../user_error.ts";
import { count, formatAge, formatSize, parseAge, parseSize } from "./units.ts";

Deno.test("sizes that people write", () => {
  const sizes = {
    "0": 0,
    "0B": 0,
    "1B": 1,
    "4GiB": 2 ** 32,
    "4 gib": 2 ** 32,
    "1.5KiB": 1536,
    "500MB": 500e6,
    "2kB": 2000,
  };
  for (const [text, bytes] of Object.entries(sizes)) assertEquals(parseSize("--x", text), bytes);
});

Deno.test("ages that people write", () => {
  const ages = {
    "0": 0,
    "30d": 2_592_000_000,
    "12h": 43_200_000,
    "1.5m": 90_000,
    "2w": 1_209_600_000,
  };
  for (const [text, ms] of Object.entries(ages)) assertEquals(parseAge("--x", text), ms);
  assertEquals(parseAge("--x", "45s"), 45_000);
});

Deno.test("what is no size or age is a mistake that says what to write", () => {
  for (
    const text of ["4", "4G", "GiB", "-4GiB", "4GiBs", "1e3MB", "4 GiB ", "0x4B", "9999999TiB", ""]
  ) {
    const error = assertThrows(() => parseSize("--max-size", text), UsageError);
    assertEquals(
      error.message,
      `--max-size ${text}: give a size with its unit, as 4GiB, 500MB or 0 (--help lists the options)`,
    );
  }
  for (const text of ["30", "30 days", "d", "-1d", "1y", "99999999999999999d"]) {
    const error = assertThrows(() => parseAge("--max-age", text), UsageError);
    assertEquals(
      error.message,
      `--max-age ${text}: give an age with its unit, as 30d; units are s, m (minutes), h, d, w ` +
        "(--help lists the options)",
    );
  }
});

Deno.test("sizes, ages and counts as they are shown", () => {
  assertEquals([0, 1023, 1024, 1536 * 1024, 5 * 2 ** 40].map(formatSize), [
    "0 B",
    "1023 B",
    "1.0 KiB",
    "1.5 MiB",
    "5.0 TiB",
  ]);
  assertEquals([-5, 59_999, 60_000, 3_600_000, 172_799_000, 172_800_000].map(formatAge), [
    "0 s",
    "59 s",
    "1 min",
    "1 h",
    "47 h",
    "2 d",
  ]);
  assertEquals([0, 1, 2].map((n) => count(n, "snapshot")), [
    "0 snapshots",
    "1 snapshot",
    "2 snapshots",
  ]);
});
