/**
 * The device tree as users build and edit it: nodes with properties and children.
 *
 * A tree comes from {@linkcode FdtTree}'s constructor, from a `.dtb` (`readDtb`) or from DTS source
 * (`parseDts`), is edited in place, and goes out through `writeDtb` or `printDts`.
 *
 * @module
 */

import { type FdtValue, type FdtValueInput, toFdtValue } from "./value.ts";

/** Memory that the client program must not use (Devicetree Specification 0.4, 5.3). */
export interface MemoryReservation {
  /** Physical address of the first byte. */
  readonly address: bigint;
  /** Length in bytes. */
  readonly sizeBytes: bigint;
}

/** Deepest nesting of nodes that readers and writers take; real trees have fewer than ten levels. */
export const MAX_DEPTH = 64;

/** Characters of node and property names: those of dtc, a superset of the specification's (2.2). */
const NAME = /^[a-zA-Z0-9,._+*#?@-]+$/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** A node: a name, labels, properties and children, both in a fixed order. */
export class FdtNode {
  /** Labels of the node; they exist in DTS and in references, not in a flattened tree. */
  readonly labels: ReadonlySet<string> = new Set<string>();
  #name: string;
  #parent: FdtNode | undefined;
  #properties = new Map<string, FdtValue>();
  #children = new Map<string, FdtNode>();

  /**
   * Makes a node without a parent.
   *
   * @param name as in the tree, with the unit address: `serial@10000000`; empty for a root
   * @throws {TypeError} if the name has characters that a device tree cannot have
   */
  constructor(name: string) {
    if (name !== "") checkName("Node", name);
    this.#name = name;
  }

  /** Name with unit address, empty for the root. */
  get name(): string {
    return this.#name;
  }

  /** The node that has this one as a child. */
  get parent(): FdtNode | undefined {
    return this.#parent;
  }

  /** Path from the root, `/` for the root itself. */
  get path(): string {
    if (this.#parent === undefined) return this.#name === "" ? "/" : this.#name;
    return this.#parent.#parent === undefined && this.#parent.#name === ""
      ? `/${this.#name}`
      : `${this.#parent.path}/${this.#name}`;
  }

  /** The properties by name, in the order in which they were first set. */
  get properties(): ReadonlyMap<string, FdtValue> {
    return this.#properties;
  }

  /** The children in their order. */
  get children(): readonly FdtNode[] {
    return [...this.#children.values()];
  }

  /** Whether there is at least one child. */
  get hasChildren(): boolean {
    return this.#children.size > 0;
  }

  /** The value of a property, or undefined. */
  get(property: string): FdtValue | undefined {
    return this.#properties.get(property);
  }

  /** Whether the property is present. */
  has(property: string): boolean {
    return this.#properties.has(property);
  }

  /**
   * Sets a property, in its old place if it is there already.
   *
   * @throws {TypeError} if the name has characters that a device tree cannot have
   */
  set(property: string, value: FdtValueInput): this {
    checkName("Property", property);
    this.#properties.set(property, toFdtValue(value));
    return this;
  }

  /** Removes a property; false if there was none. */
  delete(property: string): boolean {
    return this.#properties.delete(property);
  }

  /** Adds a label. That it is unique in the tree is checked when it is used. */
  addLabel(label: string): this {
    if (!LABEL.test(label)) {
      throw new TypeError(`Label ${JSON.stringify(label)}: use letters, digits and _`);
    }
    (this.labels as Set<string>).add(label);
    return this;
  }

  /** The child of this name, or undefined. */
  child(name: string): FdtNode | undefined {
    return this.#children.get(name);
  }

  /**
   * Makes a child, behind the others.
   *
   * @returns the child
   * @throws {TypeError} if there is one of that name, or the name has wrong characters
   */
  addNode(
    name: string,
    properties: Readonly<Record<string, FdtValueInput>> = {},
    ...labels: string[]
  ): FdtNode {
    const child = new FdtNode(name);
    for (const [property, value] of Object.entries(properties)) child.set(property, value);
    for (const label of labels) child.addLabel(label);
    return this.attach(child);
  }

  /**
   * Puts a node that has no parent under this one, behind the others.
   *
   * @returns the node
   * @throws {TypeError} if there is one of that name, or the node is a root, has a parent or is an
   * ancestor of this one
   */
  attach(child: FdtNode): FdtNode {
    if (child.#name === "") throw new TypeError(`Cannot add a node without a name to ${this.path}`);
    if (child.#parent !== undefined) {
      throw new TypeError(
        `Cannot add ${child.path} to ${this.path}: it has a parent; remove it first`,
      );
    }
    if (this.#isInside(child)) throw new TypeError(`Cannot add ${child.#name} under itself`);
    if (this.#children.has(child.#name)) {
      throw new TypeError(`Cannot add ${child.#name} to ${this.path}: there is one of that name`);
    }
    this.#children.set(child.#name, child);
    child.#parent = this;
    return child;
  }

  #isInside(ancestor: FdtNode): boolean {
    return this === ancestor || (this.#parent !== undefined && this.#parent.#isInside(ancestor));
  }

  /** Removes a child with all below it; undefined if there was none of that name. */
  removeNode(name: string): FdtNode | undefined {
    const child = this.#children.get(name);
    if (child === undefined) return undefined;
    this.#children.delete(name);
    child.#parent = undefined;
    return child;
  }

  /**
   * Gives the node another name, in the same place among its siblings.
   *
   * @throws {TypeError} if the node is a root, a sibling has the name, or it has wrong characters
   */
  rename(name: string): void {
    checkName("Node", name);
    if (this.#name === "") throw new TypeError("Cannot rename the root");
    if (this.#parent !== undefined && name !== this.#name) {
      const siblings = this.#parent.#children;
      if (siblings.has(name)) {
        throw new TypeError(`Cannot rename ${this.path} to ${name}: there is one of that name`);
      }
      // A Map keeps insertion order; put all entries in anew to keep this one's place.
      const entries = [...siblings];
      siblings.clear();
      for (const [key, node] of entries) siblings.set(node === this ? name : key, node);
    }
    this.#name = name;
  }

  /** The node itself and all below it, parents before children. */
  *walk(): Generator<FdtNode> {
    yield this;
    for (const child of this.#children.values()) yield* child.walk();
  }
}

/** A whole device tree: the root node and what the flattened form carries besides it. */
export class FdtTree {
  /** The root node. */
  readonly root: FdtNode = new FdtNode("");
  /** Entries of the memory reservation block. */
  reservations: MemoryReservation[] = [];
  /** Physical id of the hart that boots (`boot_cpuid_phys` of the header). */
  bootCpuId = 0;

  /**
   * The node with this path (beginning with `/`) or label, or undefined.
   *
   * @throws {TypeError} if two nodes have the label
   */
  find(pathOrLabel: string): FdtNode | undefined {
    if (pathOrLabel.startsWith("/")) return this.#follow(pathOrLabel).node;
    let found: FdtNode | undefined;
    for (const node of this.root.walk()) {
      if (!node.labels.has(pathOrLabel)) continue;
      if (found !== undefined) {
        throw new TypeError(`Label ${pathOrLabel} is on ${found.path} and on ${node.path}`);
      }
      found = node;
    }
    return found;
  }

  /**
   * The node with this path (beginning with `/`) or label.
   *
   * @throws {TypeError} if there is none, naming what there is where the path ends
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { FdtTree } from "./tree.ts";
   *
   * const tree = new FdtTree();
   * tree.root.addNode("chosen", { bootargs: "console=ttyS0" });
   * tree.node("/chosen").set("bootargs", "console=ttyS0 quiet");
   * tree.node("/chosen").addNode("framebuffer", { status: "disabled" }, "fb");
   * assertEquals(tree.node("fb").path, "/chosen/framebuffer");
   * tree.remove("fb");
   * ```
   */
  node(pathOrLabel: string): FdtNode {
    const found = this.find(pathOrLabel);
    if (found !== undefined) return found;
    if (!pathOrLabel.startsWith("/")) throw new TypeError(`No node has the label ${pathOrLabel}`);
    const { last, missing } = this.#follow(pathOrLabel);
    const names = last.children.map((child) => child.name);
    throw new TypeError(
      `No node ${pathOrLabel}: ${last.path} has no child ${JSON.stringify(missing)}, ` +
        (names.length === 0 ? "it has none at all" : `it has ${names.join(", ")}`),
    );
  }

  /**
   * Removes the node with this path or label, and all below it.
   *
   * @throws {TypeError} if there is none, or it is the root
   */
  remove(pathOrLabel: string): FdtNode {
    const node = this.node(pathOrLabel);
    if (node.parent === undefined) throw new TypeError("Cannot remove the root");
    node.parent.removeNode(node.name);
    return node;
  }

  #follow(path: string): { node?: FdtNode; last: FdtNode; missing: string } {
    let last = this.root;
    for (const name of path.split("/")) {
      if (name === "") continue;
      const child = last.child(name);
      if (child === undefined) return { last, missing: name };
      last = child;
    }
    return { node: last, last, missing: "" };
  }
}

function checkName(what: string, name: string): void {
  if (!NAME.test(name)) {
    throw new TypeError(
      `${what} name ${JSON.stringify(name)}: use letters, digits and , . _ + * # ? @ -`,
    );
  }
}
