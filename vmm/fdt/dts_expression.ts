/**
 * Integer expressions of DTS source (Devicetree Specification 0.4, 6.2): C's operators and
 * precedence on unsigned 64-bit numbers.
 *
 * @module
 */

import type { DtsScanner } from "./dts_scanner.ts";

/** Deepest nesting of parentheses and unary or ternary operators. */
const MAX_NESTING = 64;

type Operation = (a: bigint, b: bigint) => bigint;

const flag = (condition: boolean): bigint => condition ? 1n : 0n;

/** Binary operators but for `/` and `%`, weakest first; in a row, what begins with another first. */
const LEVELS: readonly (readonly (readonly [operator: string, apply: Operation])[])[] = [
  [["||", (a, b) => flag(a !== 0n || b !== 0n)]],
  [["&&", (a, b) => flag(a !== 0n && b !== 0n)]],
  [["|", (a, b) => a | b]],
  [["^", (a, b) => a ^ b]],
  [["&", (a, b) => a & b]],
  [["==", (a, b) => flag(a === b)], ["!=", (a, b) => flag(a !== b)]],
  [
    ["<=", (a, b) => flag(a <= b)],
    [">=", (a, b) => flag(a >= b)],
    ["<", (a, b) => flag(a < b)],
    [">", (a, b) => flag(a > b)],
  ],
  [["<<", (a, b) => b < 64n ? a << b : 0n], [">>", (a, b) => b < 64n ? a >> b : 0n]],
  [["+", (a, b) => a + b], ["-", (a, b) => a - b]],
  [["*", (a, b) => a * b], ["/", (a, b) => a / b], ["%", (a, b) => a % b]],
];

/**
 * Reads a number, a character literal or an expression in parentheses.
 *
 * @returns the value, or undefined if none of these comes next
 * @throws {SyntaxError} if the expression is malformed, divides by zero or is nested too deep
 */
export function acceptInteger(scanner: DtsScanner): bigint | undefined {
  return primary(scanner, 0);
}

function primary(scanner: DtsScanner, nesting: number): bigint | undefined {
  const literal = scanner.acceptNumber() ?? scanner.acceptCharacter();
  if (literal !== undefined) return literal;
  if (!scanner.accept("(")) return undefined;
  const value = ternary(scanner, nesting + 1);
  scanner.expect(")", "to close the expression");
  return value;
}

function ternary(scanner: DtsScanner, nesting: number): bigint {
  if (nesting > MAX_NESTING) throw scanner.error(`expression is nested deeper than ${MAX_NESTING}`);
  const condition = binary(scanner, 0, nesting);
  if (!scanner.accept("?")) return condition;
  const yes = ternary(scanner, nesting + 1);
  scanner.expect(":", "of ? :");
  const no = ternary(scanner, nesting + 1);
  return condition !== 0n ? yes : no;
}

function binary(scanner: DtsScanner, level: number, nesting: number): bigint {
  const operators = LEVELS[level];
  if (operators === undefined) return unary(scanner, nesting);
  let value = binary(scanner, level + 1, nesting);
  for (;;) {
    const start = scanner.at;
    const found = operators.find(([operator]) => isNext(scanner, operator));
    if (found === undefined) return value;
    const [operator, apply] = found;
    scanner.accept(operator);
    const right = binary(scanner, level + 1, nesting);
    if (right === 0n && (operator === "/" || operator === "%")) {
      throw scanner.errorAt(start, "division by zero");
    }
    value = BigInt.asUintN(64, apply(value, right));
  }
}

/** Whether the operator comes next, and not a longer one that begins with it. */
function isNext(scanner: DtsScanner, operator: string): boolean {
  if (!scanner.next(operator)) return false;
  if (operator === "|" || operator === "&") return !scanner.next(operator + operator);
  if (operator === "<" || operator === ">") return !scanner.next(operator + operator);
  return true;
}

function unary(scanner: DtsScanner, nesting: number): bigint {
  if (nesting > MAX_NESTING) throw scanner.error(`expression is nested deeper than ${MAX_NESTING}`);
  if (scanner.accept("-")) return BigInt.asUintN(64, -unary(scanner, nesting + 1));
  if (scanner.accept("~")) return BigInt.asUintN(64, ~unary(scanner, nesting + 1));
  if (!scanner.next("!=") && scanner.accept("!")) return flag(unary(scanner, nesting + 1) === 0n);
  const value = primary(scanner, nesting);
  if (value === undefined) throw scanner.error("expected a number, 'c' or (expression)");
  return value;
}
