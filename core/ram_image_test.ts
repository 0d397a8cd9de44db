import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Random } from "./conformance/random.ts";
import { PAGE_BYTES, type PageContent, RamImage } from "./ram_image.ts";

function content(byte: number): PageContent {
  const bytes = new Uint8Array(PAGE_BYTES).fill(byte);
  return { bytes: () => bytes };
}

Deno.test("an image of zeros has no content", () => {
  const image = RamImage.zeros(1025);
  assertEquals(image.pageCount, 1025);
  assertEquals([0, 511, 512, 1024].map((page) => image.page(page)), Array(4).fill(undefined));
  assertEquals([...image.pages()], []);
  assertEquals([...image.changesFrom(RamImage.zeros(1025))], []);
});

Deno.test("a derived image has the changes, and the one it came from has not", () => {
  const [a, b, c] = [content(1), content(2), content(3)];
  const zeros = RamImage.zeros(2000);
  const first = zeros.with([[0, a], [511, b], [512, c], [1999, a]]);
  const second = first.with([[511, undefined], [512, a], [1024, b]]);
  assertEquals([...zeros.pages()], []);
  assertEquals([...first.pages()], [[0, a], [511, b], [512, c], [1999, a]]);
  assertEquals([...second.pages()], [[0, a], [512, a], [1024, b], [1999, a]]);
  assertEquals([...second.changesFrom(first)], [[511, undefined], [512, a], [1024, b]]);
  assertEquals([...first.changesFrom(second)], [[511, b], [512, c], [1024, undefined]]);
});

Deno.test("of several changes of one page the last one counts", () => {
  const [a, b] = [content(1), content(2)];
  const image = RamImage.zeros(600).with([[5, a], [5, b], [6, a], [6, undefined]]);
  assertEquals([...image.pages()], [[5, b]]);
});

Deno.test("contents are compared by identity", () => {
  const [one, equal] = [content(7), content(7)];
  const image = RamImage.zeros(8).with([[3, one]]);
  assertEquals([...image.with([[3, one]]).changesFrom(image)], []);
  assertEquals([...image.with([[3, equal]]).changesFrom(image)].length, 1);
  assertStrictEquals(image.with([]).page(3), one);
});

Deno.test("a page outside of the image is refused, and nothing changes", () => {
  const image = RamImage.zeros(513);
  for (const page of [-1, 513, 1024, 1.5, NaN, Infinity]) {
    assertThrows(
      () => image.with([[0, content(1)], [page, content(1)]]),
      RangeError,
      `Page ${page} is outside an image of 513 pages`,
    );
  }
  assertEquals([...image.pages()], []);
  assertEquals([-1, 513, 9999].map((page) => image.page(page)), Array(3).fill(undefined));
});

Deno.test("chains of random changes agree with a plain map", () => {
  const random = new Random(1, 1);
  const pageCount = 3000;
  let image = RamImage.zeros(pageCount);
  let map = new Map<number, PageContent>();
  const past: [RamImage, Map<number, PageContent>][] = [];
  for (let round = 0; round < 60; round++) {
    const changes: [number, PageContent | undefined][] = [];
    const next = new Map(map);
    for (let n = random.below(200); n > 0; n--) {
      const page = random.below(pageCount);
      const value = random.chance(0.3) ? undefined : content(n);
      changes.push([page, value]);
      if (value === undefined) next.delete(page);
      else next.set(page, value);
    }
    image = image.with(changes);
    map = next;
    past.push([image, map]);
  }
  for (const [image, map] of past) {
    assertEquals([...image.pages()], [...map].sort(([a], [b]) => a - b));
    const [other, otherMap] = random.pick(past);
    for (const [page, value] of image.changesFrom(other)) {
      assert(value !== otherMap.get(page));
      assertStrictEquals(value, map.get(page));
    }
    let differences = 0;
    for (let page = 0; page < pageCount; page++) {
      if (map.get(page) !== otherMap.get(page)) differences++;
    }
    assertEquals([...image.changesFrom(other)].length, differences);
  }
});
