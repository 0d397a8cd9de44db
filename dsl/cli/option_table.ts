/**
 * The options, one a row: what the parser accepts and what `--help` prints both come from here.
 *
 * @module
 */

/** An option of the command line. */
export interface OptionRow {
  /** Long name, without dashes. */
  readonly name: string;
  /** One letter for it. */
  readonly short?: string;
  /** What follows it; none for a switch. */
  readonly value?: string;
  /** Whether the value may be empty. */
  readonly mayBeEmpty?: boolean;
  /** For `--help`; a line break starts a new line there. */
  readonly help: string;
}

/** Harts of an interactive machine: the article's guest has two CPUs. */
export const BOOT_HARTS = 2;
/** RAM of an interactive machine in MiB: room for the article's guest of 1024 beside the host. */
export const BOOT_MEM_MIB = 2048;
/** RAM of a bare-metal machine in MiB. */
export const ELF_MEM_MIB = 128;
/** Kernel command line: the first serial port, and the firmware's console until it is there. */
export const BOOT_APPEND = "console=ttyS0 earlycon=sbi";

/** Every option, in the order of `--help`. */
export const OPTIONS = [
  {
    name: "kernel",
    value: "FILE",
    help: "Linux Image, Image.gz or ELF (default: the one in fixtures/)",
  },
  {
    name: "initrd",
    value: "FILE",
    help: "cpio archive, gzip'd or not; none for no initrd\n" +
      "(default: busybox with lkvm and a guest kernel in /apps)",
  },
  {
    name: "append",
    value: "TEXT",
    mayBeEmpty: true,
    help: `kernel command line (default: ${BOOT_APPEND})`,
  },
  {
    name: "firmware",
    value: "FILE",
    help: "M-mode firmware, raw or ELF (default: OpenSBI's fw_dynamic.bin)",
  },
  {
    name: "elf",
    value: "FILE",
    help: "run a bare-metal program instead: loaded at its physical addresses,\n" +
      "started in M-mode on every hart with a0 = hart id, a1 = device tree;\n" +
      "ends on the test finisher or on HTIF tohost",
  },
  {
    name: "memory",
    short: "m",
    value: "MIB",
    help: `RAM in MiB (default: ${BOOT_MEM_MIB}, with --elf ${ELF_MEM_MIB})`,
  },
  {
    name: "harts",
    short: "c",
    value: "N",
    help: `number of harts, 1 to 8 (default: ${BOOT_HARTS}, with --elf 1)`,
  },
  { name: "isa", value: "TEXT", help: "riscv,isa of the harts in the device tree" },
  { name: "dtb", value: "FILE", help: "hand over this device tree instead of the board's own" },
  { name: "seed", value: "N", help: "what the kernel's random seed derives from (default: 0)" },
  { name: "max-instructions", value: "N", help: "stop after so many instructions of all harts" },
  { name: "trace", value: "FILE", help: "write every instruction and trap to FILE (slow)" },
  {
    name: "trace-only",
    value: "KIND",
    help: "write only instructions, or only traps (full speed)",
  },
  {
    name: "gdb",
    value: "PORT",
    help: "wait for gdb on this port of 127.0.0.1 (0: any free one); the\n" +
      "machine runs when gdb has it run, and by itself once gdb detaches",
  },
  {
    name: "dump-fdt",
    value: "FILE",
    help: "write the device tree to FILE.dtb or FILE.dts and exit",
  },
  { name: "help", short: "h", help: "print this and exit" },
  { name: "version", short: "V", help: "print the version and exit" },
] as const satisfies readonly OptionRow[];

/** Long name of an option. */
export type OptionName = typeof OPTIONS[number]["name"];
/** Long name of an option with a value. */
export type ValueName = Exclude<OptionName, "help" | "version">;
