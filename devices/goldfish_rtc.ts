/**
 * Goldfish RTC: wall-clock time in nanoseconds since 1970, with one alarm.
 *
 * Time read by the guest = virtual time + an offset. The offset starts as the configured epoch (no
 * host time: a run must be repeatable) and moves when the guest sets the time. A store to ALARM_LOW
 * arms the alarm on the {@link VirtualClock}; when it comes due the interrupt becomes pending, and
 * the line is high while pending and enabled.
 *
 * Register semantics: Goldfish virtual hardware guide, "Goldfish timer"; the use Linux makes of
 * them: `rtc-goldfish`.
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
import { highHalf, lowHalf, withHighHalf, withLowHalf } from "./halves.ts";
import type { RegisterTable } from "./register_table.ts";
import { StateFields, UINT64_MAX } from "../core/state_fields.ts";

/** Registers of the Goldfish RTC. */
export const GOLDFISH_RTC_REGISTERS = {
  /** Bits 31:0 of the time; reading latches bits 63:32. Its reset value is that of the epoch. */
  TIME_LOW: { offset: 0x00, width: 4, direction: "read-write" },
  /** Reads bits 63:32 as of the last read of TIME_LOW. */
  TIME_HIGH: { offset: 0x04, width: 4, direction: "read-write", reset: 0 },
  /** Bits 31:0 of the alarm time; writing arms the alarm. */
  ALARM_LOW: { offset: 0x08, width: 4, direction: "read-write", reset: 0 },
  /** Bits 63:32 of the alarm time; to be written before ALARM_LOW. */
  ALARM_HIGH: { offset: 0x0c, width: 4, direction: "read-write", reset: 0 },
  /** Bit 0 lets a pending alarm reach the interrupt line. */
  IRQ_ENABLED: { offset: 0x10, width: 4, direction: "read-write", reset: 0 },
  /** Any store disarms the alarm. */
  CLEAR_ALARM: { offset: 0x14, width: 4, direction: "write", reset: 0 },
  /** 1 while the alarm is armed. */
  ALARM_STATUS: { offset: 0x18, width: 4, direction: "read", reset: 0 },
  /** Any store takes a pending interrupt back. */
  CLEAR_INTERRUPT: { offset: 0x1c, width: 4, direction: "write", reset: 0 },
} as const satisfies RegisterTable;

/** 2025-01-01T00:00:00Z: where time starts unless the board says otherwise. */
export const DEFAULT_EPOCH_NS = 1_735_689_600_000_000_000n;

/** What a {@link GoldfishRtc} is wired to. */
export interface GoldfishRtcOptions {
  readonly clock: VirtualClock;
  readonly interrupt: InterruptLine;
  /** Nanoseconds since 1970 at virtual time 0; {@link DEFAULT_EPOCH_NS} if left out. */
  readonly epochNs?: bigint;
}

/** The Goldfish RTC chip. Unmapped offsets read 0 and ignore writes. */
export class GoldfishRtc implements Device {
  readonly kind = "goldfish_rtc";
  readonly sizeBytes = 0x1000;
  readonly accessWidths: readonly AccessWidth[] = [4];
  readonly #clock: VirtualClock;
  readonly #interrupt: InterruptLine;
  readonly #epochNs: bigint;

  #timeOffsetNs: bigint;
  #timeHighLatch = 0;
  #alarmNs = 0n;
  #alarmArmed = false;
  #interruptPending = false;
  #interruptEnabled = false;
  #alarmEvent: ScheduledEvent | undefined;

  /** @throws {RangeError} if the epoch is no unsigned 64-bit number */
  constructor(options: GoldfishRtcOptions) {
    const epochNs = options.epochNs ?? DEFAULT_EPOCH_NS;
    if (epochNs < 0n || epochNs > UINT64_MAX) {
      throw new RangeError(
        `Cannot start goldfish_rtc at epoch ${epochNs} ns: not an unsigned 64-bit number`,
      );
    }
    this.#clock = options.clock;
    this.#interrupt = options.interrupt;
    this.#epochNs = epochNs;
    this.#timeOffsetNs = epochNs;
  }

  read(offset: number, _width: AccessWidth): number {
    switch (offset) {
      case GOLDFISH_RTC_REGISTERS.TIME_LOW.offset: {
        const timeNs = this.#timeNs();
        this.#timeHighLatch = highHalf(timeNs);
        return lowHalf(timeNs);
      }
      case GOLDFISH_RTC_REGISTERS.TIME_HIGH.offset:
        return this.#timeHighLatch;
      case GOLDFISH_RTC_REGISTERS.ALARM_LOW.offset:
        return lowHalf(this.#alarmNs);
      case GOLDFISH_RTC_REGISTERS.ALARM_HIGH.offset:
        return highHalf(this.#alarmNs);
      case GOLDFISH_RTC_REGISTERS.IRQ_ENABLED.offset:
        return this.#interruptEnabled ? 1 : 0;
      case GOLDFISH_RTC_REGISTERS.ALARM_STATUS.offset:
        return this.#alarmArmed ? 1 : 0;
      default:
        return 0;
    }
  }

  write(offset: number, _width: AccessWidth, value: number): void {
    switch (offset) {
      case GOLDFISH_RTC_REGISTERS.TIME_LOW.offset:
        this.#setTime(withLowHalf(this.#timeNs(), value));
        break;
      case GOLDFISH_RTC_REGISTERS.TIME_HIGH.offset:
        this.#setTime(withHighHalf(this.#timeNs(), value));
        break;
      case GOLDFISH_RTC_REGISTERS.ALARM_LOW.offset:
        this.#alarmNs = withLowHalf(this.#alarmNs, value);
        this.#alarmArmed = true;
        this.#scheduleAlarm();
        break;
      case GOLDFISH_RTC_REGISTERS.ALARM_HIGH.offset:
        this.#alarmNs = withHighHalf(this.#alarmNs, value);
        break;
      case GOLDFISH_RTC_REGISTERS.IRQ_ENABLED.offset:
        this.#interruptEnabled = (value & 1) !== 0;
        break;
      case GOLDFISH_RTC_REGISTERS.CLEAR_ALARM.offset:
        this.#alarmArmed = false;
        this.#scheduleAlarm();
        break;
      case GOLDFISH_RTC_REGISTERS.CLEAR_INTERRUPT.offset:
        this.#interruptPending = false;
        break;
      default:
        return;
    }
    this.#deriveInterrupt();
  }

  /** Back to the epoch too: a time that the guest set does not outlive a power cycle. */
  reset(): void {
    this.#timeOffsetNs = this.#epochNs;
    this.#timeHighLatch = 0;
    this.#alarmNs = 0n;
    this.#alarmArmed = false;
    this.#interruptPending = false;
    this.#interruptEnabled = false;
    this.#scheduleAlarm();
    this.#deriveInterrupt();
  }

  save(): SavedState {
    return {
      kind: this.kind,
      version: 1,
      fields: {
        timeOffsetNs: this.#timeOffsetNs,
        timeHighLatch: this.#timeHighLatch,
        alarmNs: this.#alarmNs,
        alarmArmed: this.#alarmArmed,
        interruptPending: this.#interruptPending,
        interruptEnabled: this.#interruptEnabled,
      },
    };
  }

  restore(state: SavedState): void {
    const fields = StateFields.open(state, this.kind, 1);
    const timeOffsetNs = fields.bigint("timeOffsetNs");
    const timeHighLatch = fields.integer("timeHighLatch", 0xffff_ffff);
    const alarmNs = fields.bigint("alarmNs");
    const alarmArmed = fields.boolean("alarmArmed");
    const interruptPending = fields.boolean("interruptPending");
    const interruptEnabled = fields.boolean("interruptEnabled");
    fields.finish();

    this.#timeOffsetNs = timeOffsetNs;
    this.#timeHighLatch = timeHighLatch;
    this.#alarmNs = alarmNs;
    this.#alarmArmed = alarmArmed;
    this.#interruptPending = interruptPending;
    this.#interruptEnabled = interruptEnabled;
    this.#scheduleAlarm();
    this.#deriveInterrupt();
  }

  #timeNs(): bigint {
    return (this.#timeOffsetNs + this.#clock.nowNs) & UINT64_MAX;
  }

  #setTime(timeNs: bigint): void {
    this.#timeOffsetNs = (timeNs - this.#clock.nowNs) & UINT64_MAX;
    // An armed alarm is a time of day, so it moves along. QEMU keeps the old moment.
    this.#scheduleAlarm();
  }

  /** Puts the armed alarm on the clock anew, or fires it when its time has come already. */
  #scheduleAlarm(): void {
    this.#alarmEvent?.cancel();
    this.#alarmEvent = undefined;
    if (!this.#alarmArmed) return;
    const waitNs = this.#alarmNs - this.#timeNs();
    if (waitNs <= 0n) return this.#fireAlarm();
    this.#alarmEvent = this.#clock.schedule(this.#clock.nowNs + waitNs, () => {
      this.#alarmEvent = undefined;
      this.#fireAlarm();
      this.#deriveInterrupt();
    });
  }

  #fireAlarm(): void {
    this.#alarmArmed = false;
    this.#interruptPending = true;
  }

  #deriveInterrupt(): void {
    this.#interrupt.set(this.#interruptPending && this.#interruptEnabled);
  }
}
