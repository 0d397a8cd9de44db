/**
 * 16550A UART with 16-byte FIFOs.
 *
 * Guest to host: a byte written to THR goes to {@link Uart16550.onTransmit} at once, so the
 * transmitter is always empty. Host to guest: {@link Uart16550.receive} puts bytes into the receive
 * FIFO as far as there is room and says how many; when the guest has drained it,
 * {@link Uart16550.onRxRoom} asks for more. So the host side never loses a byte, however slow the
 * guest is. In loopback mode both ends are cut off and THR feeds the receiver.
 *
 * Manual: National Semiconductor PC16550D data sheet (June 1995), chapter 8. Differences are named
 * at their lines.
 *
 * @module
 */

import type {
  AccessWidth,
  Device,
  InterruptLine,
  SavedState,
  ScheduledEvent,
  VirtualClock,
} from "../core/device.ts";
import type { RegisterTable } from "./register_table.ts";
import { StateFields } from "../core/state_fields.ts";

/** Registers of the 16550A (PC16550D, table II), at consecutive bytes (reg-shift 0). */
export const UART16550_REGISTERS = {
  /** Receiver buffer; 0 when nothing was received. */
  RBR: { offset: 0, width: 1, direction: "read", reset: 0x00 },
  /** Transmitter holding. */
  THR: { offset: 0, width: 1, direction: "write" },
  /** Interrupt enable. */
  IER: { offset: 1, width: 1, direction: "read-write", reset: 0x00 },
  /** Interrupt identification; reading it takes a THRE interrupt back. */
  IIR: { offset: 2, width: 1, direction: "read", reset: 0x01 },
  /** FIFO control. */
  FCR: { offset: 2, width: 1, direction: "write" },
  /** Line control. */
  LCR: { offset: 3, width: 1, direction: "read-write", reset: 0x00 },
  /** Modem control. */
  MCR: { offset: 4, width: 1, direction: "read-write", reset: 0x00 },
  /** Line status; reading it clears the errors. */
  LSR: { offset: 5, width: 1, direction: "read", reset: 0x60 },
  /** Modem status; reading it clears the deltas. The other end holds CTS, DSR and DCD. */
  MSR: { offset: 6, width: 1, direction: "read", reset: 0xb0 },
  /** Scratch; the data sheet leaves its reset value open. */
  SCR: { offset: 7, width: 1, direction: "read-write", reset: 0x00 },
  /** Divisor latch, low byte; the data sheet leaves its reset value open, 12 is that of QEMU. */
  DLL: { offset: 0, width: 1, direction: "read-write", reset: 0x0c, behind: "LCR.DLAB" },
  /** Divisor latch, high byte. */
  DLM: { offset: 1, width: 1, direction: "read-write", reset: 0x00, behind: "LCR.DLAB" },
} as const satisfies RegisterTable;

/** Both FIFOs are this deep. */
export const UART16550_FIFO_DEPTH = 16;

/** Input clock of the `virt` board's UART; 16 clocks are one bit at divisor 1. */
export const DEFAULT_UART_CLOCK_HZ = 3_686_400;

/** IER: which of the four interrupts are enabled. */
const IER_RECEIVED_DATA = 0x01;
const IER_THRE = 0x02;
const IER_LINE_STATUS = 0x04;
const IER_MODEM_STATUS = 0x08;
const IER_MASK = 0x0f;

/** IIR: the source of highest priority (PC16550D, table IV), and whether the FIFOs are on. */
const IIR_MODEM_STATUS = 0x00;
const IIR_NONE = 0x01;
const IIR_THRE = 0x02;
const IIR_RECEIVED_DATA = 0x04;
const IIR_LINE_STATUS = 0x06;
const IIR_CHARACTER_TIMEOUT = 0x0c;
const IIR_FIFOS_ENABLED = 0xc0;

/** FCR. Bit 3, the DMA mode, has no effect: nobody listens to RXRDY and TXRDY. */
const FCR_FIFO_ENABLE = 0x01;
const FCR_RECEIVE_RESET = 0x02;
const FCR_TRANSMIT_RESET = 0x04;
const FCR_DMA_MODE = 0x08;
const FCR_TRIGGER = 0xc0;
const FCR_KEPT = FCR_FIFO_ENABLE | FCR_DMA_MODE | FCR_TRIGGER;
/** Bytes in the receive FIFO that raise received data, by FCR bits 7:6. */
const TRIGGER_BYTES = [1, 4, 8, 14] as const;

/** LCR. */
const LCR_WORD_LENGTH = 0x03;
const LCR_STOP_BITS = 0x04;
const LCR_PARITY = 0x08;
const LCR_DLAB = 0x80;

/** MCR: the modem outputs, and loopback. */
const MCR_DTR = 0x01;
const MCR_RTS = 0x02;
const MCR_OUT1 = 0x04;
const MCR_OUT2 = 0x08;
const MCR_LOOP = 0x10;
const MCR_MASK = 0x1f;

/** LSR. Parity and framing errors cannot happen on this line. */
const LSR_DATA_READY = 0x01;
const LSR_OVERRUN = 0x02;
const LSR_BREAK = 0x10;
const LSR_THRE = 0x20;
const LSR_TEMT = 0x40;
const LSR_FIFO_ERROR = 0x80;
const LSR_ERRORS = LSR_OVERRUN | LSR_BREAK;

/** MSR: inputs in the high half, their changes in the low half. */
const MSR_DCTS = 0x01;
const MSR_DDSR = 0x02;
const MSR_TERI = 0x04;
const MSR_DDCD = 0x08;
const MSR_CTS = 0x10;
const MSR_DSR = 0x20;
const MSR_RI = 0x40;
const MSR_DCD = 0x80;
const MSR_DELTAS = 0x0f;
/** The inputs outside of loopback: the other end is always there and ready. */
const MSR_LINE_INPUTS = MSR_CTS | MSR_DSR | MSR_DCD;

/** A break in the receive FIFO: a zero byte with this mark, until it reaches the top. */
const BREAK_MARK = 0x100;

/** A character timeout comes after this many character times without traffic (PC16550D, 8.11). */
const TIMEOUT_CHARACTERS = 4n;

/** What a {@link Uart16550} is wired to. */
export interface Uart16550Options {
  readonly clock: VirtualClock;
  readonly interrupt: InterruptLine;
  /** Frequency of the baud generator's input; {@link DEFAULT_UART_CLOCK_HZ} if left out. */
  readonly clockHz?: number;
  /** See {@link Uart16550.onTransmit}. */
  readonly onTransmit?: (byte: number) => void;
  /** See {@link Uart16550.onRxRoom}. */
  readonly onRxRoom?: () => void;
}

/** The 16550A chip. Offsets behind the eight registers read 0 and ignore writes. */
export class Uart16550 implements Device {
  readonly kind = "uart16550";
  readonly sizeBytes = 0x100;
  /** A wide access reaches the one register at its offset, as on QEMU; the rest of it is zero. */
  readonly accessWidths: readonly AccessWidth[] = [1, 2, 4];

  /** Host port: takes each byte that the guest sends. */
  onTransmit: (byte: number) => void;
  /**
   * Host port: the guest has emptied the receiver, or left loopback, so there is room for bytes. May
   * call {@link receive}. It is not called by {@link restore}: the host looks at {@link rxRoom} then.
   */
  onRxRoom: () => void;

  readonly #clock: VirtualClock;
  readonly #interrupt: InterruptLine;
  readonly #clockHz: bigint;

  #ier = 0;
  #fcr = 0;
  #lcr = 0;
  #mcr = 0;
  #scr = 0;
  #divisor = 0;
  /** LSR bits that stay until LSR is read. */
  #lineErrors = 0;
  /** MSR bits 3:0. */
  #modemDeltas = 0;
  #threPending = false;
  /** Bytes received, oldest first; one at most while the FIFOs are off. */
  #receiveFifo: number[] = [];
  #timeoutPending = false;
  #timeoutDueNs: bigint | undefined;
  #timeoutEvent: ScheduledEvent | undefined;

  /** @throws {RangeError} if the clock is not a positive whole number of hertz */
  constructor(options: Uart16550Options) {
    const clockHz = options.clockHz ?? DEFAULT_UART_CLOCK_HZ;
    if (!Number.isSafeInteger(clockHz) || clockHz < 1) {
      throw new RangeError(`Cannot clock a uart16550 at ${clockHz} Hz`);
    }
    this.#clock = options.clock;
    this.#interrupt = options.interrupt;
    this.#clockHz = BigInt(clockHz);
    this.onTransmit = options.onTransmit ?? (() => {});
    this.onRxRoom = options.onRxRoom ?? (() => {});
    this.#setPowerOnState();
  }

  read(offset: number, _width: AccessWidth): number {
    switch (offset) {
      case UART16550_REGISTERS.RBR.offset:
        return this.#dlab ? this.#divisor & 0xff : this.#readRbr();
      case UART16550_REGISTERS.IER.offset:
        return this.#dlab ? this.#divisor >>> 8 : this.#ier;
      case UART16550_REGISTERS.IIR.offset:
        return this.#readIir();
      case UART16550_REGISTERS.LCR.offset:
        return this.#lcr;
      case UART16550_REGISTERS.MCR.offset:
        return this.#mcr;
      case UART16550_REGISTERS.LSR.offset:
        return this.#readLsr();
      case UART16550_REGISTERS.MSR.offset:
        return this.#readMsr();
      case UART16550_REGISTERS.SCR.offset:
        return this.#scr;
      default:
        return 0;
    }
  }

  write(offset: number, _width: AccessWidth, value: number): void {
    const byte = value & 0xff;
    switch (offset) {
      case UART16550_REGISTERS.THR.offset:
        if (this.#dlab) this.#divisor = (this.#divisor & 0xff00) | byte;
        else this.#writeThr(byte);
        break;
      case UART16550_REGISTERS.IER.offset:
        if (this.#dlab) this.#divisor = (byte << 8) | (this.#divisor & 0xff);
        else this.#writeIer(byte);
        break;
      case UART16550_REGISTERS.FCR.offset:
        this.#writeFcr(byte);
        break;
      case UART16550_REGISTERS.LCR.offset:
        this.#lcr = byte;
        break;
      case UART16550_REGISTERS.MCR.offset:
        this.#writeMcr(byte);
        break;
      case UART16550_REGISTERS.SCR.offset:
        this.#scr = byte;
        break;
    }
  }

  /** How many bytes {@link receive} would take now. */
  get rxRoom(): number {
    return this.#loopback ? 0 : this.#receiveCapacity - this.#receiveFifo.length;
  }

  /** Takes bytes from the host's end of the line, and returns how many there was room for. */
  receive(bytes: Uint8Array): number {
    const accepted = Math.min(bytes.length, this.rxRoom);
    if (accepted === 0) return 0;
    for (const byte of bytes.subarray(0, accepted)) this.#push(byte);
    this.#restartTimeout();
    this.#deriveInterrupt();
    return accepted;
  }

  /** Takes a break from the host's end of the line; false if there was no room for it. */
  receiveBreak(): boolean {
    if (this.rxRoom === 0) return false;
    this.#push(BREAK_MARK);
    this.#restartTimeout();
    this.#deriveInterrupt();
    return true;
  }

  reset(): void {
    this.#setPowerOnState();
    this.#restartTimeout();
    this.#deriveInterrupt();
    this.onRxRoom();
  }

  save(): SavedState {
    return {
      kind: this.kind,
      version: 1,
      fields: {
        ier: this.#ier,
        fcr: this.#fcr,
        lcr: this.#lcr,
        mcr: this.#mcr,
        scr: this.#scr,
        divisor: this.#divisor,
        lineErrors: this.#lineErrors,
        modemDeltas: this.#modemDeltas,
        threPending: this.#threPending,
        receiveFifo: [...this.#receiveFifo],
        timeoutPending: this.#timeoutPending,
        timeoutRunning: this.#timeoutDueNs !== undefined,
        timeoutDueNs: this.#timeoutDueNs ?? 0n,
      },
    };
  }

  restore(state: SavedState): void {
    const fields = StateFields.open(state, this.kind, 1);
    const ier = fields.integer("ier", IER_MASK);
    const fcr = fields.integer("fcr", 0xff);
    if ((fcr & ~FCR_KEPT) !== 0 || (fcr !== 0 && (fcr & FCR_FIFO_ENABLE) === 0)) {
      fields.reject("fcr", `is ${fcr}, which FCR cannot hold`);
    }
    const lcr = fields.integer("lcr", 0xff);
    const mcr = fields.integer("mcr", MCR_MASK);
    const scr = fields.integer("scr", 0xff);
    const divisor = fields.integer("divisor", 0xffff);
    const lineErrors = fields.integer("lineErrors", 0xff);
    if ((lineErrors & ~LSR_ERRORS) !== 0) {
      fields.reject("lineErrors", `is ${lineErrors}, which has bits other than overrun and break`);
    }
    const modemDeltas = fields.integer("modemDeltas", MSR_DELTAS);
    const threPending = fields.boolean("threPending");
    const capacity = (fcr & FCR_FIFO_ENABLE) === 0 ? 1 : UART16550_FIFO_DEPTH;
    const receiveFifo = fields.integers("receiveFifo", { atMost: capacity }, BREAK_MARK);
    const timeoutPending = fields.boolean("timeoutPending");
    const timeoutRunning = fields.boolean("timeoutRunning");
    const timeoutDueNs = fields.bigint("timeoutDueNs");
    fields.finish();

    this.#ier = ier;
    this.#fcr = fcr;
    this.#lcr = lcr;
    this.#mcr = mcr;
    this.#scr = scr;
    this.#divisor = divisor;
    this.#lineErrors = lineErrors;
    this.#modemDeltas = modemDeltas;
    this.#threPending = threPending;
    this.#receiveFifo = receiveFifo;
    this.#timeoutPending = timeoutPending;
    this.#scheduleTimeout(timeoutRunning ? timeoutDueNs : undefined);
    this.#deriveInterrupt();
  }

  get #dlab(): boolean {
    return (this.#lcr & LCR_DLAB) !== 0;
  }

  get #loopback(): boolean {
    return (this.#mcr & MCR_LOOP) !== 0;
  }

  get #fifosEnabled(): boolean {
    return (this.#fcr & FCR_FIFO_ENABLE) !== 0;
  }

  get #receiveCapacity(): number {
    return this.#fifosEnabled ? UART16550_FIFO_DEPTH : 1;
  }

  #readRbr(): number {
    const entry = this.#receiveFifo.shift();
    if (entry === undefined) return 0;
    this.#surfaceBreak();
    this.#timeoutPending = false;
    this.#restartTimeout();
    this.#deriveInterrupt();
    if (this.#receiveFifo.length === 0) this.#offerRoom();
    return entry & 0xff;
  }

  #readIir(): number {
    const source = this.#interruptSource();
    if (source === IIR_THRE) {
      this.#threPending = false;
      this.#deriveInterrupt();
    }
    return source | (this.#fifosEnabled ? IIR_FIFOS_ENABLED : 0);
  }

  #readLsr(): number {
    let lsr = LSR_THRE | LSR_TEMT | this.#lineErrors;
    if (this.#receiveFifo.length > 0) lsr |= LSR_DATA_READY;
    const brokenInFifo = (this.#lineErrors & LSR_BREAK) !== 0 ||
      this.#receiveFifo.includes(BREAK_MARK);
    if (this.#fifosEnabled && brokenInFifo) lsr |= LSR_FIFO_ERROR;
    if (this.#lineErrors !== 0) {
      this.#lineErrors = 0;
      this.#deriveInterrupt();
    }
    return lsr;
  }

  #readMsr(): number {
    const msr = this.#modemInputs() | this.#modemDeltas;
    if (this.#modemDeltas !== 0) {
      this.#modemDeltas = 0;
      this.#deriveInterrupt();
    }
    return msr;
  }

  #writeThr(byte: number): void {
    // All 8 bits go out whatever LCR's word length is: early consoles send before they set it.
    this.#threPending = true;
    if (this.#loopback) {
      this.#pushFromLoopback(byte);
      this.#restartTimeout();
      this.#deriveInterrupt();
    } else {
      this.#deriveInterrupt();
      this.onTransmit(byte);
    }
  }

  #writeIer(byte: number): void {
    const before = this.#ier;
    this.#ier = byte & IER_MASK;
    // Enabling THRE interrupts while the transmitter is empty, which it always is, asks for one
    // again, even if a read of IIR took it back. The data sheet does not say so, but drivers start
    // sending this way and Linux tests for it at startup.
    if ((this.#ier & ~before & IER_THRE) !== 0) this.#threPending = true;
    this.#deriveInterrupt();
  }

  #writeFcr(byte: number): void {
    // Other bits are programmed only together with bit 0, and changing bit 0 empties the FIFOs
    // (PC16550D, 8.5, bit 0).
    const enable = (byte & FCR_FIFO_ENABLE) !== 0;
    const changed = enable !== this.#fifosEnabled;
    const clear = changed || (byte & FCR_RECEIVE_RESET) !== 0;
    this.#fcr = enable ? byte & FCR_KEPT : 0;
    // An emptied transmitter interrupts at once (PC16550D, 8.11).
    if (changed || (byte & FCR_TRANSMIT_RESET) !== 0) this.#threPending = true;
    if (clear) {
      this.#receiveFifo = [];
      this.#timeoutPending = false;
      this.#restartTimeout();
    }
    this.#deriveInterrupt();
    if (clear) this.#offerRoom();
  }

  #writeMcr(byte: number): void {
    const wasLoopback = this.#loopback;
    const inputsBefore = this.#modemInputs();
    this.#mcr = byte & MCR_MASK;
    const inputs = this.#modemInputs();
    const changed = inputsBefore ^ inputs;
    if ((changed & MSR_CTS) !== 0) this.#modemDeltas |= MSR_DCTS;
    if ((changed & MSR_DSR) !== 0) this.#modemDeltas |= MSR_DDSR;
    if ((changed & MSR_DCD) !== 0) this.#modemDeltas |= MSR_DDCD;
    // Only the end of a ring counts.
    if ((changed & inputsBefore & MSR_RI) !== 0) this.#modemDeltas |= MSR_TERI;
    this.#deriveInterrupt();
    if (wasLoopback && !this.#loopback) this.#offerRoom();
  }

  /** MSR bits 7:4; in loopback MCR's outputs come back (PC16550D, 8.8). */
  #modemInputs(): number {
    if (!this.#loopback) return MSR_LINE_INPUTS;
    return ((this.#mcr & MCR_RTS) !== 0 ? MSR_CTS : 0) |
      ((this.#mcr & MCR_DTR) !== 0 ? MSR_DSR : 0) |
      ((this.#mcr & MCR_OUT1) !== 0 ? MSR_RI : 0) |
      ((this.#mcr & MCR_OUT2) !== 0 ? MSR_DCD : 0);
  }

  #push(entry: number): void {
    this.#receiveFifo.push(entry);
    if (this.#receiveFifo.length === 1) this.#surfaceBreak();
  }

  /** The guest outruns itself: RBR is overwritten, a full FIFO is kept (PC16550D, 8.4, bit 1). */
  #pushFromLoopback(byte: number): void {
    if (this.#receiveFifo.length < this.#receiveCapacity) return this.#push(byte);
    this.#lineErrors |= LSR_OVERRUN;
    if (!this.#fifosEnabled) this.#receiveFifo[0] = byte;
  }

  /** A break shows in LSR when its byte is next to be read. */
  #surfaceBreak(): void {
    if (this.#receiveFifo[0] !== BREAK_MARK) return;
    this.#receiveFifo[0] = 0;
    this.#lineErrors |= LSR_BREAK;
  }

  #offerRoom(): void {
    if (this.rxRoom > 0) this.onRxRoom();
  }

  /** Called after each byte received or read: the timeout counts from the last of them. */
  #restartTimeout(): void {
    const waiting = this.#fifosEnabled && this.#receiveFifo.length > 0;
    this.#scheduleTimeout(
      waiting ? this.#clock.nowNs + TIMEOUT_CHARACTERS * this.#characterNs() : undefined,
    );
  }

  #scheduleTimeout(dueNs: bigint | undefined): void {
    this.#timeoutEvent?.cancel();
    this.#timeoutEvent = undefined;
    this.#timeoutDueNs = dueNs;
    if (dueNs === undefined) return;
    this.#timeoutEvent = this.#clock.schedule(dueNs, () => {
      this.#timeoutEvent = undefined;
      this.#timeoutDueNs = undefined;
      this.#timeoutPending = true;
      this.#deriveInterrupt();
    });
  }

  /** Time of one character on the line. Divisor 0, which the data sheet excludes, counts as 1. */
  #characterNs(): bigint {
    const bits = 1 + 5 + (this.#lcr & LCR_WORD_LENGTH) +
      ((this.#lcr & LCR_PARITY) !== 0 ? 1 : 0) + ((this.#lcr & LCR_STOP_BITS) !== 0 ? 2 : 1);
    const clocks = 16 * Math.max(this.#divisor, 1) * bits;
    return (BigInt(clocks) * 1_000_000_000n) / this.#clockHz;
  }

  /** The enabled source of highest priority (PC16550D, table IV). */
  #interruptSource(): number {
    if ((this.#ier & IER_LINE_STATUS) !== 0 && this.#lineErrors !== 0) return IIR_LINE_STATUS;
    if ((this.#ier & IER_RECEIVED_DATA) !== 0) {
      if (this.#timeoutPending) return IIR_CHARACTER_TIMEOUT;
      if (this.#receiveFifo.length >= this.#triggerBytes()) return IIR_RECEIVED_DATA;
    }
    if ((this.#ier & IER_THRE) !== 0 && this.#threPending) return IIR_THRE;
    if ((this.#ier & IER_MODEM_STATUS) !== 0 && this.#modemDeltas !== 0) return IIR_MODEM_STATUS;
    return IIR_NONE;
  }

  #triggerBytes(): number {
    return this.#fifosEnabled ? TRIGGER_BYTES[this.#fcr >>> 6] ?? 1 : 1;
  }

  /** The only place that drives the interrupt line, called after every change. */
  #deriveInterrupt(): void {
    this.#interrupt.set(this.#interruptSource() !== IIR_NONE);
  }

  #setPowerOnState(): void {
    this.#ier = 0;
    this.#fcr = 0;
    this.#lcr = 0;
    this.#mcr = 0;
    this.#scr = 0;
    this.#divisor = UART16550_REGISTERS.DLL.reset;
    this.#lineErrors = 0;
    this.#modemDeltas = 0;
    this.#threPending = false;
    this.#receiveFifo = [];
    this.#timeoutPending = false;
  }
}
