/**
 * DTS source for tests to damage.
 *
 * @module
 */

/** Every construct of the language, in few characters. */
export const DTS_SOURCE = `/dts-v1/;
/memreserve/ 0x80000000 0x1000; // comment
/ { /* comment */
  l0: #address-cells = <(1 + 1)>, l1: <2>;
  compatible = "a\\x41\\101\\n", "b";
  bytes = [00 1122 l2: 33]; half = /bits/ 16 <0x1234 (-1) 'c'>;
  wide = /bits/ 64 <0xffffffffffffffff>; alias = &n1; ref = <&n1 &{/node@1/sub} 010>;
  calc = <(1 ? 2 << 3 : ~4 & 5)> , <(7 % 2 == 1 || !3)>;
  n1: n2: node@1 { reg = <1>; sub { }; sub2 { }; };
  /omit-if-no-ref/ n3: gone { };
  again { };
};
/ { /delete-node/ again; };
&n1 { status = "okay"; /delete-property/ reg; };
/delete-node/ &{/node@1/sub2};
`;

/** Pieces of source to put into other source. */
export const DTS_TOKENS = [
  "{",
  "}",
  "};",
  ";",
  "=",
  "<",
  ">",
  "[",
  "]",
  "(",
  ")",
  '"',
  "'",
  "\\",
  "/",
  "*",
  "/*",
  "*/",
  "//",
  "&n1",
  "&{/}",
  "&{",
  "n1:",
  "0x",
  "08",
  "18446744073709551616",
  "/bits/",
  "/bits/ 8 <",
  "/delete-node/",
  "/delete-property/",
  "/omit-if-no-ref/",
  "/memreserve/",
  "/include/",
  "/incbin/",
  "/plugin/",
  "/dts-v1/;",
  "/ {",
  "phandle = <1>;",
  "?",
  ":",
  "<<",
  "-",
  "((((((((((((((((((((((((((((((((((((((((",
  "n { n { n { n { n { n { n { n { n { n { n { n { n { n { n { n { n { n { n { n {",
  "\ud800",
];
