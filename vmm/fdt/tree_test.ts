import { assert, assertEquals, assertThrows } from "@std/assert";
import { FdtNode, FdtTree } from "./mod.ts";

function sample(): FdtTree {
  const tree = new FdtTree();
  const soc = tree.root.addNode("soc", { compatible: "simple-bus" });
  soc.addNode("serial@10000000", { status: "okay" }, "uart0");
  soc.addNode("rtc@101000");
  tree.root.addNode("chosen");
  return tree;
}

Deno.test("find by path and by label", () => {
  const tree = sample();
  assertEquals(tree.find("/")?.path, "/");
  assertEquals(tree.find("/soc/serial@10000000"), tree.find("uart0"));
  assertEquals(tree.find("/soc/serial"), undefined);
  assertEquals(tree.node("uart0").path, "/soc/serial@10000000");
});

Deno.test("a path that leads nowhere: the error says what is there", () => {
  assertThrows(
    () => sample().node("/soc/uart/x"),
    TypeError,
    'No node /soc/uart/x: /soc has no child "uart", it has serial@10000000, rtc@101000',
  );
  assertThrows(() => sample().node("uart1"), TypeError, "No node has the label uart1");
});

Deno.test("edit properties: set, replace in place, delete", () => {
  const { root } = new FdtTree();
  root.set("a", 1).set("b", "x").set("c", ["y", "z"]).set("d", true).set("a", 2);
  assertEquals([...root.properties.keys()], ["a", "b", "c", "d"]);
  assertEquals(root.get("a")?.encode().toHex(), "00000002");
  assert(root.delete("b"));
  assert(!root.delete("b"));
  assertEquals(root.has("b"), false);
});

Deno.test("edit nodes: add, remove, rename in place, move", () => {
  const tree = sample();
  tree.node("uart0").rename("serial@10000100");
  assertEquals(tree.node("/soc").children.map((node) => node.name), [
    "serial@10000100",
    "rtc@101000",
  ]);
  const removed = tree.remove("uart0");
  assertEquals(tree.find("uart0"), undefined);
  tree.root.attach(removed);
  assertEquals(tree.node("uart0").path, "/serial@10000100");
});

Deno.test("what it refuses", () => {
  const tree = sample();
  const soc = tree.node("/soc");
  assertThrows(() => soc.addNode("rtc@101000"), TypeError, "there is one of that name");
  assertThrows(() => soc.addNode("a b"), TypeError, 'Node name "a b"');
  assertThrows(() => soc.set("a/b", 1), TypeError, 'Property name "a/b"');
  assertThrows(() => soc.addLabel("1a"), TypeError, 'Label "1a"');
  assertThrows(() => tree.node("uart0").rename("rtc@101000"), TypeError, "one of that name");
  assertThrows(() => tree.root.rename("x"), TypeError, "Cannot rename the root");
  assertThrows(() => tree.remove("/"), TypeError, "Cannot remove the root");
  assertThrows(() => tree.root.attach(tree.node("uart0")), TypeError, "it has a parent");
  assertThrows(() => soc.attach(new FdtNode("")), TypeError, "without a name");
  tree.root.removeNode("soc");
  assertThrows(() => soc.children[0]!.attach(soc), TypeError, "under itself");
});

Deno.test("a label on two nodes is found out when it is used", () => {
  const tree = sample();
  tree.node("/chosen").addLabel("uart0");
  assertThrows(() => tree.find("uart0"), TypeError, "on /soc/serial@10000000 and on /chosen");
});
