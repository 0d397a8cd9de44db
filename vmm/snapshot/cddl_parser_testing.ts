/**
 * Reads the part of CDDL (RFC 8610) that `docs/snapshot.cddl` is written in.
 *
 * That part: rules, choices of types, maps and arrays with occurrences, member keys, tags, ranges,
 * literals of text and numbers, and the operators `.size`, `.cbor` and `.regexp`. Everything else
 * (groups with names, choices of groups, generics, sockets, cuts) is a syntax error.
 *
 * @module
 */

/** A type. */
export type CddlType =
  | { readonly is: "name"; readonly name: string }
  | { readonly is: "literal"; readonly value: string | bigint | Float }
  | { readonly is: "range"; readonly low: bigint | Float; readonly high: bigint | Float }
  | { readonly is: "choice"; readonly of: readonly CddlType[] }
  | { readonly is: "map"; readonly members: readonly CddlMember[] }
  | { readonly is: "array"; readonly members: readonly CddlMember[] }
  | { readonly is: "tag"; readonly number: bigint; readonly of: CddlType }
  | {
    readonly is: "control";
    readonly operator: ".size" | ".cbor" | ".regexp";
    readonly target: CddlType;
    readonly argument: CddlType;
  };

/** A number that was written with a point: it stands for floats, not for integers. */
export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** What may be in a map or an array, and how often. */
export interface CddlMember {
  readonly least: number;
  readonly most: number;
  /** Undefined for a member without key. In an array keys are mere comments. */
  readonly key: CddlType | undefined;
  readonly type: CddlType;
}

/** Rules by name; the first one stands for the whole. */
export type CddlRules = ReadonlyMap<string, CddlType>;

/** Types that need no rule (RFC 8610, appendix D). */
export const PRELUDE = ["uint", "int", "bytes", "bstr", "text", "tstr", "bool", "float64"] as const;

const TOKEN = new RegExp(
  [
    String.raw`(?:;[^\n]*|\s+)`,
    String.raw`(-?[0-9]+\.[0-9]+|-?0x[0-9a-fA-F]+|-?[0-9]+)`,
    String.raw`("(?:[^"\\]|\\.)*")`,
    String.raw`([A-Za-z@_$](?:[-.]*[A-Za-z0-9@_$])*)`,
    String.raw`(\.[a-z]+)`,
    String.raw`(=>|\.\.\.|\.\.|\/\/|\/=|#6\.[0-9]+|[=/{}[\](),:?*+<>&~^#])`,
  ].join("|"),
  "gy",
);

interface Token {
  readonly kind: "number" | "text" | "id" | "operator" | "mark" | "end";
  readonly text: string;
  readonly line: number;
}

/**
 * Reads rules.
 *
 * @param roots the rules that need not be used by others, besides the first
 * @throws {SyntaxError} if they are malformed, beyond the part that is known, or name a rule that is not
 * there, or if a rule is there twice or is not used
 */
export function parseCddl(source: string, roots: readonly string[] = []): CddlRules {
  return new Parser(tokensOf(source)).rules(roots);
}

function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  let line = 1;
  while (TOKEN.lastIndex < source.length) {
    const match = TOKEN.exec(source);
    if (match === null) throw new SyntaxError(`line ${line}: this is no CDDL`);
    const [whole, number, text, id, operator, mark] = match;
    if (number !== undefined) tokens.push({ kind: "number", text: number, line });
    else if (text !== undefined) tokens.push({ kind: "text", text, line });
    else if (id !== undefined) tokens.push({ kind: "id", text: id, line });
    else if (operator !== undefined) tokens.push({ kind: "operator", text: operator, line });
    else if (mark !== undefined) tokens.push({ kind: "mark", text: mark, line });
    line += whole.split("\n").length - 1;
  }
  tokens.push({ kind: "end", text: "the end", line });
  return tokens;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  readonly #wanted = new Map<string, number>();

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  rules(roots: readonly string[]): CddlRules {
    const rules = new Map<string, CddlType>();
    while (this.#token.kind !== "end") {
      const { text: name } = this.#expect("id");
      if (rules.has(name)) throw this.#wrong(`${name} is there twice`);
      this.#expect("mark", "=");
      rules.set(name, this.#type());
    }
    for (const [name, line] of this.#wanted) {
      if (rules.has(name) || (PRELUDE as readonly string[]).includes(name)) continue;
      throw new SyntaxError(`line ${line}: there is no rule ${name}`);
    }
    const [, ...others] = rules.keys();
    const unused = others.filter((name) => !this.#wanted.has(name) && !roots.includes(name));
    if (unused.length > 0) throw new SyntaxError(`rules that are not used: ${unused.join(", ")}`);
    return rules;
  }

  #type(): CddlType {
    const types = [this.#type1()];
    while (this.#takes("/")) types.push(this.#type1());
    return types.length === 1 ? types[0]! : { is: "choice", of: types };
  }

  #type1(): CddlType {
    const target = this.#type2();
    if (this.#takes("..")) {
      const high = this.#type2();
      const low = bound(target);
      const end = bound(high);
      if (low === undefined || end === undefined || typeof low !== typeof end) {
        throw this.#wrong("a range goes from a number to one of its kind");
      }
      return { is: "range", low, high: end };
    }
    if (this.#token.kind !== "operator") return target;
    const { text: operator } = this.#next();
    if (operator !== ".size" && operator !== ".cbor" && operator !== ".regexp") {
      throw this.#wrong(`the operator ${operator} is not known`);
    }
    return { is: "control", operator, target, argument: this.#type2() };
  }

  #type2(): CddlType {
    const token = this.#next();
    switch (token.kind) {
      case "number":
        return { is: "literal", value: numberOf(token.text) };
      case "text":
        return { is: "literal", value: JSON.parse(token.text) };
      case "id":
        if (!this.#wanted.has(token.text)) this.#wanted.set(token.text, token.line);
        return { is: "name", name: token.text };
      case "mark":
        if (token.text === "{") return { is: "map", members: this.#members("}") };
        if (token.text === "[") return { is: "array", members: this.#members("]") };
        if (token.text === "(") return this.#enclosed();
        if (token.text.startsWith("#6.")) {
          this.#expect("mark", "(");
          return { is: "tag", number: BigInt(token.text.slice(3)), of: this.#enclosed() };
        }
    }
    throw this.#wrong(`${token.text} is no type`, token);
  }

  #enclosed(): CddlType {
    const type = this.#type();
    this.#expect("mark", ")");
    return type;
  }

  #members(end: string): CddlMember[] {
    const members: CddlMember[] = [];
    while (!this.#takes(end)) {
      const [least, most] = this.#occurrence();
      members.push({ least, most, ...this.#keyAndType() });
      this.#takes(",");
    }
    return members;
  }

  #keyAndType(): Pick<CddlMember, "key" | "type"> {
    const { kind, text } = this.#token;
    if (kind === "id" && this.#tokens[this.#at + 1]?.text === ":") {
      this.#at += 2;
      return { key: { is: "literal", value: text }, type: this.#type() };
    }
    const first = this.#type();
    if (this.#takes("=>")) return { key: first, type: this.#type() };
    if (this.#takes(":")) {
      if (first.is !== "literal") throw this.#wrong("a colon comes behind a name or a value");
      return { key: first, type: this.#type() };
    }
    return { key: undefined, type: first };
  }

  /** `?`, `*`, `+`, `n*m`, or nothing. */
  #occurrence(): [least: number, most: number] {
    if (this.#takes("?")) return [0, 1];
    if (this.#takes("+")) return [1, Infinity];
    let least: number | undefined;
    if (this.#token.kind === "number" && this.#tokens[this.#at + 1]?.text === "*") {
      least = Number(this.#next().text);
    }
    if (!this.#takes("*")) return [1, 1];
    // A digit that touches the asterisk is the limit; the schema never has a bare number behind one.
    return [least ?? 0, this.#token.kind === "number" ? Number(this.#next().text) : Infinity];
  }

  get #token(): Token {
    return this.#tokens[this.#at]!;
  }

  #next(): Token {
    const token = this.#token;
    if (token.kind !== "end") this.#at++;
    return token;
  }

  #takes(mark: string): boolean {
    const isIt = this.#token.kind === "mark" && this.#token.text === mark;
    if (isIt) this.#at++;
    return isIt;
  }

  #expect(kind: Token["kind"], text?: string): Token {
    const token = this.#next();
    if (token.kind !== kind || (text !== undefined && token.text !== text)) {
      throw this.#wrong(`${token.text} stands where ${text ?? `an ${kind}`} should`, token);
    }
    return token;
  }

  #wrong(what: string, { line } = this.#token): SyntaxError {
    return new SyntaxError(`line ${line}: ${what}`);
  }
}

function numberOf(text: string): bigint | Float {
  if (/^-?[0-9]+\.[0-9]+$/.test(text)) return new Float(Number(text));
  return text.startsWith("-") ? -BigInt(text.slice(1)) : BigInt(text);
}

function bound(type: CddlType): bigint | Float | undefined {
  return type.is === "literal" && typeof type.value !== "string" ? type.value : undefined;
}
